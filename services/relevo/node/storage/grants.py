"""Grant slices that this node issued or holds, and those that are known to be withdrawn."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from relevo.servicekit.database import insert_or_ignore

from .tables import grant_slice, withdrawn_grant


@dataclass(frozen=True)
class HeldGrant:
    """A slice as it stands at this node."""

    id: str
    consent_id: str | None
    referral_id: str
    issuer: str
    sender: str
    receiver: str
    jws: str
    expires_at: datetime


def add(connection: Connection, grants: list[HeldGrant]) -> None:
    """Keeps slices. One whose id is taken stays out: an issuer that uses an id twice has one grant."""
    insert_or_ignore(connection, grant_slice, [vars(grant) for grant in grants])


def of_referral(connection: Connection, referral_id: str) -> list[HeldGrant]:
    return _held(connection, grant_slice.c.referral_id == referral_id)


def of_consent(connection: Connection, consent_id: str) -> list[HeldGrant]:
    return _held(connection, grant_slice.c.consent_id == consent_id)


def _held(connection: Connection, condition: Any) -> list[HeldGrant]:
    rows = connection.execute(select(grant_slice).where(condition)).mappings()
    return [HeldGrant(**row) for row in rows]


def note_withdrawn(
    connection: Connection, issuer: str, grant_ids: list[str], *, now: datetime
) -> None:
    """Remembers withdrawals, of grants that came and of those that may still come."""
    insert_or_ignore(
        connection,
        withdrawn_grant,
        [{"issuer": issuer, "grant_id": g, "withdrawn_at": now} for g in grant_ids],
    )


def withdrawn_among(connection: Connection, grant_ids: list[str]) -> set[tuple[str, str]]:
    """(issuer, grant id) of those that are withdrawn."""
    if not grant_ids:
        return set()
    rows = connection.execute(
        select(withdrawn_grant.c.issuer, withdrawn_grant.c.grant_id).where(
            withdrawn_grant.c.grant_id.in_(grant_ids)
        )
    )
    return {(row.issuer, row.grant_id) for row in rows}
