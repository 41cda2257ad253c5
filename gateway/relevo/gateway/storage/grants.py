"""Grants as a gateway knows them: under which one came what, and which are withdrawn."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, insert, select, tuple_

from relevo.contracts.grant_slice import GrantState
from relevo.servicekit.database import insert_or_ignore

from .tables import grant_copy, recorded_grant, withdrawn_grant

GrantKey = tuple[str, str]
"""Grant id and issuer: an id alone says nothing, anybody could use it."""


@dataclass(frozen=True, slots=True)
class RecordedGrant:
    """One grant of one message."""

    message_id: str
    grant_id: str
    issuer: str
    expires_at: datetime
    reference_code: str | None = None
    status_parties: tuple[str, ...] = ()
    follow_up_parties: tuple[str, ...] = ()

    @property
    def key(self) -> GrantKey:
        return self.grant_id, self.issuer


@dataclass(frozen=True, slots=True)
class GrantCopy:
    """What a grant's home gateway said, and when."""

    state: str
    as_of: datetime


def record(connection: Connection, grants: Iterable[RecordedGrant]) -> None:
    rows = [
        {
            "message_id": grant.message_id,
            "grant_id": grant.grant_id,
            "issuer": grant.issuer,
            "expires_at": grant.expires_at,
            "reference_code": grant.reference_code,
            "status_parties": list(grant.status_parties) if grant.reference_code else None,
            "follow_up_parties": list(grant.follow_up_parties) or None
            if grant.reference_code
            else None,
        }
        for grant in grants
    ]
    if rows:
        connection.execute(insert(recorded_grant), rows)


def withdraw(
    connection: Connection, keys: Collection[GrantKey], *, message_id: str, now: datetime
) -> None:
    insert_or_ignore(
        connection,
        withdrawn_grant,
        [
            {"grant_id": grant_id, "issuer": issuer, "withdrawn_at": now, "message_id": message_id}
            for grant_id, issuer in keys
        ],
    )


def withdrawn(connection: Connection, grant_ids: Collection[str]) -> set[GrantKey]:
    """Those of these ids that somebody withdrew, with who did."""
    if not grant_ids:
        return set()
    rows = connection.execute(
        select(withdrawn_grant.c.grant_id, withdrawn_grant.c.issuer).where(
            withdrawn_grant.c.grant_id.in_(grant_ids)
        )
    )
    return {(grant_id, issuer) for grant_id, issuer in rows}


def of_messages(connection: Connection, message_ids: Sequence[str]) -> list[RecordedGrant]:
    """Every grant under which these messages came."""
    if not message_ids:
        return []
    return _read(connection, recorded_grant.c.message_id.in_(message_ids))


def live_of_code(connection: Connection, code: str, *, now: datetime) -> list[RecordedGrant]:
    """Every grant under which something came for this referral, neither ended nor withdrawn."""
    columns, gone = recorded_grant.c, withdrawn_grant.c
    withdrawn_too = exists().where(gone.grant_id == columns.grant_id, gone.issuer == columns.issuer)
    return _read(
        connection, and_(columns.reference_code == code, columns.expires_at > now, ~withdrawn_too)
    )


def known(connection: Connection, grant_ids: Collection[str]) -> list[RecordedGrant]:
    """Every message's record of these grants."""
    return _read(connection, recorded_grant.c.grant_id.in_(grant_ids))


def _read(connection: Connection, condition: ColumnElement[bool]) -> list[RecordedGrant]:
    columns = recorded_grant.c
    rows = connection.execute(
        select(
            columns.message_id,
            columns.grant_id,
            columns.issuer,
            columns.expires_at,
            columns.reference_code,
            columns.status_parties,
            columns.follow_up_parties,
        ).where(condition)
    )
    return [RecordedGrant(*row[:5], tuple(row[5] or ()), tuple(row[6] or ())) for row in rows]


def copies(connection: Connection, keys: Collection[GrantKey]) -> dict[GrantKey, GrantCopy]:
    """What is remembered of grants whose home is elsewhere."""
    if not keys:
        return {}
    columns = grant_copy.c
    rows = connection.execute(
        select(columns.grant_id, columns.issuer, columns.state, columns.as_of).where(
            tuple_(columns.grant_id, columns.issuer).in_(list(keys))
        )
    )
    return {(grant_id, issuer): GrantCopy(state, as_of) for grant_id, issuer, state, as_of in rows}


def put_copies(
    connection: Connection, states: dict[GrantKey, GrantState], *, as_of: datetime
) -> None:
    """Remembers what the home gateway of these grants said."""
    if not states:
        return
    connection.execute(
        delete(grant_copy).where(
            tuple_(grant_copy.c.grant_id, grant_copy.c.issuer).in_(list(states))
        )
    )
    insert_or_ignore(
        connection,
        grant_copy,
        [
            {"grant_id": grant_id, "issuer": issuer, "state": state, "as_of": as_of}
            for (grant_id, issuer), state in states.items()
        ],
    )
