"""Follow-ups of both roles, their events and the attempts to reach somebody."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row, RowMapping, func, insert, select, tuple_, update

from relevo.contracts.channels import Channel
from relevo.contracts.lifecycles.follow_up import OPEN, State
from relevo.servicekit.database import insert_or_ignore

from .tables import follow_up, follow_up_attempt, follow_up_event, referral, referral_person
from .vault import ErasedError, Vault

_MOVING = (
    "owner",
    "state",
    "last_seq",
    "ends_at",
    "scheduled_at",
    "cancel_asked",
    "refused_with",
    "updated_at",
)


@dataclass(frozen=True)
class StoredFollowUp:
    """A follow-up as this node holds it; `words` come from the sealed column.

    Attributes:
        owner: The party on this side, whose systems may see it.
        persons: Places in the referral of those who agreed; empty on the asker's side.
        last_seq: Number of the newest event; the asker's own `requested` is 0.
        ends_at: When the holder's node ends it by itself.
        words: report and result.
    """

    id: str
    role: Literal["asker", "holder"]
    reference_code: str
    referral_id: str | None
    asker: str
    holder: str
    owner: str
    state: State
    last_seq: int
    window_from: datetime
    window_until: datetime
    ends_at: datetime
    kind: str
    questions: list[str]
    persons: list[int]
    scheduled_at: datetime | None
    cancel_asked: bool
    refused_with: str | None
    test: bool
    created_at: datetime
    updated_at: datetime
    data_key_id: str
    words: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Event:
    """One event; the note is sealed and stays here."""

    seq: int
    state: State
    at: datetime
    reason: str | None = None
    note: str | None = None


@dataclass(frozen=True)
class StoredAttempt:
    """One attempt; `words` (number, desk, note) are sealed."""

    seq: int
    person: int
    modality: Channel
    opened_at: datetime
    outcome: str | None = None
    ended_at: datetime | None = None
    forbidden_by: str | None = None
    words: dict[str, Any] = field(default_factory=dict)


def add(connection: Connection, new: StoredFollowUp) -> bool:
    """Stores a new one, without words; False when its id is taken."""
    row = {name: value for name, value in vars(new).items() if name != "words"}
    return insert_or_ignore(connection, follow_up, [row]) == 1


def move(connection: Connection, moved: StoredFollowUp) -> None:
    """Stores where it stands now."""
    connection.execute(
        update(follow_up)
        .where(follow_up.c.id == moved.id)
        .values({name: getattr(moved, name) for name in _MOVING})
    )


def put_words(connection: Connection, vault: Vault, held: StoredFollowUp) -> None:
    """Stores report and result.

    Raises:
        ErasedError: The person was erased.
    """
    sealed = vault.seal(held.data_key_id, held.words, place=f"follow_up/{held.id}")
    connection.execute(update(follow_up).where(follow_up.c.id == held.id).values(sealed=sealed))


def lock(connection: Connection, vault: Vault, follow_up_id: str) -> StoredFollowUp | None:
    """One, held until the end of the transaction."""
    query = select(follow_up).where(follow_up.c.id == follow_up_id).with_for_update()
    row = connection.execute(query).mappings().first()
    return None if row is None else _whole(row, vault)


def get(connection: Connection, vault: Vault, follow_up_id: str) -> StoredFollowUp | None:
    query = select(follow_up).where(follow_up.c.id == follow_up_id)
    row = connection.execute(query).mappings().first()
    return None if row is None else _whole(row, vault)


def page(
    connection: Connection,
    vault: Vault,
    *,
    party: str | None,
    role: str | None,
    state: str | None,
    before: tuple[datetime, str] | None,
    limit: int,
) -> list[StoredFollowUp]:
    """Newest first; those of one unit when `party` is given."""
    columns = follow_up.c
    query = select(follow_up)
    if party is not None:
        query = query.where(columns.owner == party)
    if role is not None:
        query = query.where(columns.role == role)
    if state is not None:
        query = query.where(columns.state == state)
    if before is not None:
        query = query.where(tuple_(columns.created_at, columns.id) < before)
    query = query.order_by(columns.created_at.desc(), columns.id.desc()).limit(limit)
    return [_whole(row, vault) for row in connection.execute(query).mappings()]


def open_of_referral(
    connection: Connection, vault: Vault, referral_id: str
) -> list[StoredFollowUp]:
    """Those that this node carries out and that did not end, held until the end of the transaction."""
    query = (
        select(follow_up)
        .where(
            follow_up.c.referral_id == referral_id,
            follow_up.c.role == "holder",
            follow_up.c.state.in_(OPEN),
        )
        .order_by(follow_up.c.id)
        .with_for_update()
    )
    return [_whole(row, vault) for row in connection.execute(query).mappings()]


def count_open(connection: Connection, referral_id: str) -> int:
    query = select(func.count()).where(
        follow_up.c.referral_id == referral_id, follow_up.c.state.in_(OPEN)
    )
    return connection.scalar(query) or 0


def past_their_end(connection: Connection, *, now: datetime, limit: int) -> list[str]:
    """Those that this node carries out, that are open, and whose time is over."""
    query = (
        select(follow_up.c.id)
        .where(
            follow_up.c.role == "holder",
            follow_up.c.state.in_(OPEN),
            follow_up.c.ends_at <= now,
        )
        .order_by(follow_up.c.id)
        .limit(limit)
    )
    return list(connection.scalars(query))


# -- events ------------------------------------------------------------------------------------------


def add_event(connection: Connection, vault: Vault, of: StoredFollowUp, event: Event) -> bool:
    """Stores an event; False when one of its number is there.

    Raises:
        ErasedError: It says something, and the person was erased.
    """
    place = f"follow_up_event/{of.id}/{event.seq}"
    row = {
        "follow_up_id": of.id,
        "seq": event.seq,
        "state": event.state,
        "at": event.at,
        "reason": event.reason,
        "sealed": None
        if event.note is None
        else vault.seal(of.data_key_id, event.note, place=place),
    }
    return insert_or_ignore(connection, follow_up_event, [row]) == 1


def events(connection: Connection, follow_up_id: str) -> list[Event]:
    """In order, without notes."""
    columns = follow_up_event.c
    query = (
        select(columns.seq, columns.state, columns.at, columns.reason)
        .where(columns.follow_up_id == follow_up_id)
        .order_by(columns.seq)
    )
    return [Event(*row) for row in connection.execute(query)]


# -- attempts ----------------------------------------------------------------------------------------


def add_attempt(
    connection: Connection, vault: Vault, of: StoredFollowUp, attempt: StoredAttempt
) -> None:
    """Stores a new attempt.

    Raises:
        ErasedError: The person was erased.
    """
    row = {name: value for name, value in vars(attempt).items() if name != "words"}
    row |= {"follow_up_id": of.id, "sealed": _seal_attempt(vault, of, attempt)}
    connection.execute(insert(follow_up_attempt), [row])


def end_attempt(
    connection: Connection, vault: Vault, of: StoredFollowUp, attempt: StoredAttempt
) -> None:
    """Stores what came of an attempt.

    Raises:
        ErasedError: The person was erased.
    """
    columns = follow_up_attempt.c
    connection.execute(
        update(follow_up_attempt)
        .where(columns.follow_up_id == of.id, columns.seq == attempt.seq)
        .values(
            outcome=attempt.outcome,
            ended_at=attempt.ended_at,
            sealed=_seal_attempt(vault, of, attempt),
        )
    )


def attempts(connection: Connection, vault: Vault, of: StoredFollowUp) -> list[StoredAttempt]:
    """In order. Of an erased person only that they were made."""
    columns = follow_up_attempt.c
    query = select(follow_up_attempt).where(columns.follow_up_id == of.id).order_by(columns.seq)
    return [
        StoredAttempt(
            seq=row.seq,
            person=row.person,
            modality=row.modality,
            opened_at=row.opened_at,
            outcome=row.outcome,
            ended_at=row.ended_at,
            forbidden_by=row.forbidden_by,
            words=_attempt_words(vault, of, row),
        )
        for row in connection.execute(query)
    ]


def _seal_attempt(vault: Vault, of: StoredFollowUp, attempt: StoredAttempt) -> bytes | None:
    if not attempt.words:
        return None
    place = f"follow_up_attempt/{of.id}/{attempt.seq}"
    return vault.seal(of.data_key_id, attempt.words, place=place)


def _attempt_words(vault: Vault, of: StoredFollowUp, row: Row[Any]) -> dict[str, Any]:
    if row.sealed is None:
        return {}
    try:
        place = f"follow_up_attempt/{of.id}/{row.seq}"
        words: dict[str, Any] = vault.open(of.data_key_id, row.sealed, place=place)
    except ErasedError:
        return {}
    return words


# -- the referral that is followed -------------------------------------------------------------------


def received_referral(connection: Connection, reference_code: str) -> str | None:
    """The id of a referral that this node received."""
    query = select(referral.c.id).where(
        referral.c.reference_code == reference_code, referral.c.role == "receiver"
    )
    return connection.scalar(query)


def key_of_person(connection: Connection, referral_id: str, position: int) -> str | None:
    """The key under which one person of a referral is sealed: erasing her erases what is sealed with it."""
    columns = referral_person.c
    query = select(columns.data_key_id).where(
        columns.referral_id == referral_id, columns.position == position
    )
    return connection.scalar(query)


def _whole(row: RowMapping, vault: Vault) -> StoredFollowUp:
    values = {name: value for name, value in row.items() if name != "sealed"}
    bare = StoredFollowUp(**values)
    if row["sealed"] is None:
        return bare
    try:
        words = vault.open(bare.data_key_id, row["sealed"], place=f"follow_up/{bare.id}")
    except ErasedError:
        return bare  # that there was one stays countable
    return replace(bare, words=words)
