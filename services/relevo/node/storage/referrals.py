"""Referrals of both roles, their persons and their numbered events."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, RowMapping, bindparam, insert, or_, select, tuple_, update

from relevo.contracts.lifecycles.referral import Actor, Event, State
from relevo.contracts.pathways.loader import pathways
from relevo.contracts.referral import CounterReferral
from relevo.contracts.statistics import profile_of
from relevo.node.domain.timing import Timing, timing
from relevo.servicekit.database import insert_or_ignore

from . import tallies
from .tables import referral, referral_event, referral_person
from .tallies import Tally
from .vault import ErasedError, Vault

_MOVING = (
    "state",
    "next_seq",
    "way_back",
    "sharing",
    "delivery",
    "delivery_problem",
    "refusal_members",
    "closed_here",
    "alarms",
    "told",
    "reviewed_at",
    "overdue_at",
    "alarm_at",
    "updated_at",
)
_SEALED = {"details", "persons", "counter_referral"}


@dataclass(frozen=True)
class StoredEvent:
    """One numbered event and what only the two institutions may read of it."""

    seq: int
    state: State
    actor: Actor
    at: datetime
    detail: dict[str, Any] = field(default_factory=dict)
    stored_at: datetime | None = None


@dataclass(frozen=True)
class StoredReferral:
    """A referral as this node holds it; `details` and `persons` come from the sealed columns.

    Attributes:
        owner: The party on this side, whose systems may see it.
        way_back: States that a question or a wish to cancel interrupted.
        alarms: Moments of its open clocks, as `domain.timing` keeps them.
        told: Those of them that the institution's systems were told.
        reviewed_at: When it was last reviewed, where its pathway asks for that.
        overdue_at: From when on it is overdue.
        alarm_at: When the clock worker looks at it next.
        details: needs, contact_rules, withheld, local_reference, created_by.
        refusal_members: Ids and codes that stood beside `delivery_problem`, as `domain.refusal` keeps them.
    """

    id: str
    reference_code: str
    role: Literal["sender", "receiver"]
    sender: str
    receiver: str
    owner: str
    pathway: str
    triage: str
    purpose: str
    state: State
    next_seq: int
    sharing: Literal["active", "withdrawn"]
    delivery: str | None
    delivery_problem: str | None
    part_of: str | None
    closed_here: bool
    test: bool
    expires_at: datetime
    created_at: datetime
    updated_at: datetime
    data_key_id: str
    details: dict[str, Any] = field(default_factory=dict)
    persons: list[dict[str, Any]] = field(default_factory=list)
    way_back: Sequence[State] = ()
    alarms: Sequence[Sequence[Any]] = ()
    told: Sequence[str] = ()
    reviewed_at: datetime | None = None
    overdue_at: datetime | None = None
    alarm_at: datetime | None = None
    counter_referral: CounterReferral | None = None
    refusal_members: dict[str, Any] | None = None


@dataclass(frozen=True)
class SealedReferral:
    """The rows of a new referral: itself, its persons and its first event, and what it counts as."""

    referral: dict[str, Any]
    persons: list[dict[str, Any]]
    event: dict[str, Any]
    tally: Tally


def seal(
    vault: Vault, new: StoredReferral, first: StoredEvent, *, key_ids: list[str]
) -> SealedReferral:
    """Makes the rows of a new referral, its persons each under a key of their own.

    Before the transaction, so that nobody waits in it for the sealing.
    """
    values = {name: value for name, value in vars(new).items() if name not in _SEALED}
    values |= vars(timing_of(new, {Event(first.seq, first.state, first.actor): first.at}))
    details = vault.seal(new.data_key_id, new.details, place=f"referral/{new.id}")
    return SealedReferral(
        referral={**values, "sealed": details},
        persons=[
            {
                "referral_id": new.id,
                "position": position,
                "data_key_id": key_id,
                "sealed": vault.seal(key_id, person, place=f"person/{new.id}/{position}"),
            }
            for position, (person, key_id) in enumerate(
                zip(new.persons, key_ids, strict=True), start=1
            )
        ],
        event=event_row(vault, new, first, new.created_at),
        tally=_tally(new),
    )


def _tally(new: StoredReferral) -> Tally:
    route = pathways().get(new.pathway)
    is_open = route is not None and route.sensitivity == "open"
    profiles = [person.get("case_profile") for person in new.persons]
    return Tally(
        referral_id=new.id,
        role=new.role,
        pathway=new.pathway,
        case_profile=profile_of(profiles) if is_open else None,
        coarse=bool(new.details.get("anonymous")),
        created_at=new.created_at,
    )


def timing_of(stored: StoredReferral, events: Mapping[Event, datetime]) -> Timing:
    """What its clocks say after these events."""
    return timing(
        events,
        pathway=stored.pathway,
        triage=stored.triage,
        role=stored.role,
        state=stored.state,
        expires_at=stored.expires_at,
        told=stored.told,
        reviewed_at=stored.reviewed_at,
    )


def add(connection: Connection, sealed: Sequence[SealedReferral]) -> None:
    """Stores new referrals.

    Raises:
        IntegrityError: One of them is known already.
    """
    if not sealed:
        return
    connection.execute(insert(referral), [new.referral for new in sealed])
    connection.execute(insert(referral_person), [row for new in sealed for row in new.persons])
    connection.execute(insert(referral_event), [new.event for new in sealed])
    tallies.add(connection, [new.tally for new in sealed])


def add_events(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Stores what `event_row` made, each once."""
    insert_or_ignore(connection, referral_event, rows)


def event_row(
    vault: Vault, of: StoredReferral, event: StoredEvent, now: datetime
) -> dict[str, Any]:
    """The row of an event.

    Raises:
        ErasedError: It says something, and the person was erased.
    """
    place = f"event/{of.id}/{event.seq}/{event.actor}"
    return {
        "referral_id": of.id,
        "seq": event.seq,
        "actor": event.actor,
        "state": event.state,
        "at": event.at,
        "stored_at": now,
        "sealed": vault.seal(of.data_key_id, event.detail, place=place) if event.detail else None,
    }


def numbered_events(
    connection: Connection, ids: Collection[str]
) -> dict[str, dict[Event, datetime]]:
    """The events of these referrals and when each was done, without what was said."""
    found: dict[str, dict[Event, datetime]] = {referral_id: {} for referral_id in ids}
    if found:
        columns = referral_event.c
        query = select(columns.referral_id, columns.seq, columns.state, columns.actor, columns.at)
        for row in connection.execute(query.where(columns.referral_id.in_(list(found)))):
            found[row.referral_id][Event(row.seq, row.state, row.actor)] = row.at
    return found


def standing_of(stored: StoredReferral) -> dict[str, Any]:
    """The columns of a referral that change."""
    return {name: getattr(stored, name) for name in _MOVING}


def move(connection: Connection, stand: Sequence[StoredReferral]) -> None:
    """Stores where these referrals stand now."""
    if stand:
        values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in _MOVING}
        connection.execute(
            update(referral).where(referral.c.id == bindparam("of")).values(values),
            [
                {"of": stored.id, **{f"new_{name}": getattr(stored, name) for name in _MOVING}}
                for stored in stand
            ],
        )


def put_outcome(
    connection: Connection, vault: Vault, of: StoredReferral, outcome: CounterReferral
) -> None:
    """Stores the counter-referral, once.

    Raises:
        ErasedError: The person was erased.
    """
    sealed = vault.seal(of.data_key_id, outcome.model_dump(mode="json"), place=f"outcome/{of.id}")
    connection.execute(
        update(referral)
        .where(referral.c.id == of.id, referral.c.outcome.is_(None))
        .values(outcome=sealed)
    )


def put_details(connection: Connection, vault: Vault, of: StoredReferral) -> None:
    """Stores the details of a referral that was read whole.

    Raises:
        ErasedError: The person was erased.
    """
    sealed = vault.seal(of.data_key_id, of.details, place=f"referral/{of.id}")
    connection.execute(update(referral).where(referral.c.id == of.id).values(sealed=sealed))


def lock(connection: Connection, ids: Iterable[str]) -> dict[str, StoredReferral]:
    """Referrals without their sealed parts, held until the end of the transaction."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    # In one order, so that no two transactions wait for each other.
    query = select(referral).where(referral.c.id.in_(wanted)).order_by(referral.c.id)
    rows = connection.execute(query.with_for_update()).mappings()
    return {row["id"]: bare(row) for row in rows}


def by_ids(connection: Connection, ids: list[str]) -> dict[str, StoredReferral]:
    """Without their sealed parts."""
    rows = connection.execute(select(referral).where(referral.c.id.in_(ids))).mappings()
    return {row["id"]: bare(row) for row in rows}


def get(connection: Connection, vault: Vault, referral_id: str) -> StoredReferral | None:
    """The whole referral."""
    row = (
        connection.execute(select(referral).where(referral.c.id == referral_id)).mappings().first()
    )
    if row is None:
        return None
    found = bare(row)
    people = connection.execute(
        select(referral_person)
        .where(referral_person.c.referral_id == referral_id)
        .order_by(referral_person.c.position)
    ).mappings()
    outcome = row["outcome"]
    said = outcome and _open(vault, found.data_key_id, outcome, f"outcome/{found.id}")
    return replace(
        found,
        details=_open(vault, found.data_key_id, row["sealed"], f"referral/{found.id}"),
        persons=[
            _open(vault, p["data_key_id"], p["sealed"], f"person/{found.id}/{p['position']}")
            for p in people
        ],
        counter_referral=CounterReferral.model_validate(said) if said else None,
    )


def page(
    connection: Connection,
    *,
    party: str | None,
    role: str | None,
    state: str | None,
    before: tuple[datetime, str] | None,
    limit: int,
    in_time_at: datetime | None = None,
) -> list[StoredReferral]:
    """Newest first, without sealed parts; those that are not overdue at a moment when one is given."""
    query = select(referral)
    if party is not None:
        query = query.where(referral.c.owner == party)
    if role is not None:
        query = query.where(referral.c.role == role)
    if state is not None:
        query = query.where(referral.c.state == state)
    if in_time_at is not None:
        overdue_at = referral.c.overdue_at
        query = query.where(or_(overdue_at.is_(None), overdue_at > in_time_at))
    if before is not None:
        query = query.where(tuple_(referral.c.created_at, referral.c.id) < before)
    query = query.order_by(referral.c.created_at.desc(), referral.c.id.desc()).limit(limit)
    return [bare(row) for row in connection.execute(query).mappings()]


def events(connection: Connection, vault: Vault, of: StoredReferral) -> list[StoredEvent]:
    """Every event of a referral, in order."""
    rows = connection.execute(
        select(referral_event)
        .where(referral_event.c.referral_id == of.id)
        .order_by(referral_event.c.seq, referral_event.c.actor, referral_event.c.state)
    ).mappings()
    return [
        StoredEvent(
            seq=row["seq"],
            state=row["state"],
            actor=row["actor"],
            at=row["at"],
            stored_at=row["stored_at"],
            detail={}
            if row["sealed"] is None
            else _open(
                vault, of.data_key_id, row["sealed"], f"event/{of.id}/{row['seq']}/{row['actor']}"
            ),
        )
        for row in rows
    ]


def parts_of(connection: Connection, referral_id: str, *, party: str | None) -> list[str]:
    """Referrals that continue this one, oldest first; a unit's own when `party` is given."""
    query = select(referral.c.id).where(referral.c.part_of == referral_id)
    if party is not None:
        query = query.where(referral.c.owner == party)
    return list(connection.scalars(query.order_by(referral.c.created_at, referral.c.id)))


def codes_among(connection: Connection, codes: Collection[str]) -> set[str]:
    """Those of these reference codes that are taken."""
    if not codes:
        return set()
    column = referral.c.reference_code
    return set(connection.scalars(select(column).where(column.in_(list(codes)))))


def bare(row: RowMapping) -> StoredReferral:
    """A row without its sealed parts."""
    return StoredReferral(**{k: v for k, v in row.items() if k not in {"sealed", "outcome"}})


def _open(vault: Vault, key_id: str, sealed: bytes, place: str) -> dict[str, Any]:
    try:
        value: dict[str, Any] = vault.open(key_id, sealed, place=place)
    except ErasedError:
        return {}  # the person was erased; that the referral was there stays countable
    return value


def note_accepted(connection: Connection, ids: list[str], *, now: datetime) -> None:
    """The gateway took the message that carries these; a later word stays."""
    connection.execute(
        update(referral)
        .where(referral.c.id.in_(ids), referral.c.delivery == "waiting")
        .values(delivery="accepted", updated_at=now)
    )
