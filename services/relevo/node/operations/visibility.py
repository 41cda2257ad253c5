"""A scope is never enough: what a caller may touch must also be its own."""

from datetime import datetime
from typing import Final

from relevo.contracts.clocks import reading
from relevo.contracts.lifecycles.referral import State, next_states
from relevo.contracts.person import notes_on_persons
from relevo.contracts.problem import ProblemError
from relevo.contracts.referral import Due, HistoryEntry, Referral
from relevo.node.domain.timing import kept
from relevo.node.storage.referrals import StoredEvent, StoredReferral
from relevo.servicekit.access_token import Caller

from .context import Node

_ENFORCEMENT: Final = "enforcement"


def party_of(node: Node, caller: Caller) -> str:
    """The party that a caller speaks for.

    Raises:
        ProblemError: `not_yours`, the token is of another institution, or of a unit that enforces:
            it hands people over and does nothing else here, whatever scopes its token has.
    """
    if not node.is_ours(caller.institution) or _ENFORCEMENT in caller.mandates:
        raise ProblemError("not_yours")
    return caller.unit or caller.institution


def only_party(caller: Caller) -> str | None:
    """The unit that a caller is limited to; None for the whole institution."""
    return caller.unit


def may_touch(caller: Caller, owner: str) -> bool:
    """Whether a record of this party is the caller's to read."""
    return caller.unit is None or caller.unit == owner


def found(caller: Caller, referral: StoredReferral | None) -> StoredReferral:
    """The referral, if it exists and is the caller's.

    Raises:
        ProblemError: `not_found`, the same for absent and not yours.
    """
    if referral is None or not may_touch(caller, referral.owner):
        raise ProblemError("not_found")
    return referral


def view(referral: StoredReferral, now: datetime) -> Referral:
    """A referral as its institution's systems read it at this moment of business time."""
    details = referral.details
    clocks = reading(kept(referral.alarms), now)
    return Referral(
        id=referral.id,
        reference_code=referral.reference_code,
        role=referral.role,
        sender=referral.sender,
        receiver=referral.receiver,
        pathway=referral.pathway,
        triage=referral.triage,
        purpose=referral.purpose,
        state=referral.state,
        event_seq=referral.next_seq - 1,
        needs=details.get("needs", []),
        persons=referral.persons,
        contact_rules=details.get("contact_rules", []),
        counter_referral=referral.counter_referral,
        sharing=referral.sharing,
        delivery=referral.delivery,  # type: ignore[arg-type]
        delivery_problem=referral.delivery_problem,
        withheld=details.get("withheld", []),
        local_reference=details.get("local_reference"),
        part_of=referral.part_of,
        marks=details.get("marks", []),
        notes=notes_on_persons(referral.persons),
        possible_next=_possible_next(referral),
        due=None if clocks.due is None else Due(clock=clocks.due.clock, at=clocks.due.at),
        overdue=clocks.overdue,
        reviewed_at=referral.reviewed_at,
        rung=clocks.rung,
        created_at=referral.created_at,
        updated_at=referral.updated_at,
    )


def _possible_next(referral: StoredReferral) -> list[State]:
    possible = next_states(referral.state, referral.role, referral.way_back)
    # What nobody ever received is closed; there is nobody to tell more.
    unheard = referral.role == "sender" and referral.next_seq == 1
    return [to for to in possible if not unheard or to == "closed"]


def history_entry(event: StoredEvent, *, applicable: bool) -> HistoryEntry:
    """One event as people read it. A note stays with the side that wrote it."""
    return HistoryEntry(
        seq=event.seq,
        state=event.state,
        actor=event.actor,
        at=event.at,
        entered_at=event.detail.get("entered_at"),
        stored_at=event.stored_at or event.at,
        reason=event.detail.get("reason"),
        appointment=event.detail.get("appointment"),
        seen_by=event.detail.get("seen_by"),
        questions=event.detail.get("questions", []),
        redirect_to=event.detail.get("redirect_to"),
        applicable=applicable,
    )


def as_text(moment: datetime) -> str:
    """RFC 3339 in UTC."""
    return moment.isoformat().replace("+00:00", "Z")
