"""An institution takes a step on a referral: stored, told to the other side, in one transaction."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from relevo.contracts.attachment import split_by_category
from relevo.contracts.lifecycles.referral import NEEDS_REASON, check_transition
from relevo.contracts.pathways.loader import pathways
from relevo.contracts.problem import ProblemError
from relevo.contracts.referral import Referral, Transition
from relevo.contracts.sensitive_routes import check_place
from relevo.node.storage import information, referrals
from relevo.node.storage.grants import HeldGrant
from relevo.node.storage.holdings import Holdings
from relevo.node.storage.referrals import StoredEvent, StoredReferral
from relevo.servicekit import jose
from relevo.servicekit.access_token import Caller

from . import attach
from .afterwards import step_taken_at
from .context import Node
from .receipts import send_refused_steps_again
from .route_checks import check_outcome
from .sealed_records import check_step
from .tell import tell_state
from .visibility import as_text, found, party_of
from .way_back import live_return_grants, outcome_message
from .whole import whole


async def transition(node: Node, caller: Caller, referral_id: str, step: Transition) -> Referral:
    """Takes the step, or says why it cannot be taken now.

    Repeating the step that was taken last changes nothing and answers the same: a lost answer is
    no fault of the caller.

    Raises:
        ProblemError: `not_found`, `illegal_transition`, `not_your_step` or `reason_required`.
    """
    party_of(node, caller)
    after = await node.database.write(_transition, node, caller, referral_id, step)
    node.wake()
    return after


def _transition(
    connection: Connection, node: Node, caller: Caller, referral_id: str, step: Transition
) -> Referral:
    holdings = Holdings(connection, node.vault, [referral_id])
    held = found(caller, holdings.get(referral_id))
    detail = _detail(step)
    if (
        held.state == step.to
        and _said_by(held, step)
        and not _says_more(connection, node, held, detail)
    ):
        return whole(connection, node, caller, referral_id)
    check_transition(held.state, step.to, held.role, held.way_back)
    if step.to in NEEDS_REASON and step.reason is None:
        raise ProblemError("reason_required", to_state=step.to)
    unheard = held.next_seq == 1 and held.role == "sender"
    if unheard and step.to != "closed":
        raise ProblemError(
            "illegal_transition", subject="referral", from_state=held.state, to_state=step.to
        )
    check_step(connection, node, held, step)
    if step.counter_referral is not None:
        check_outcome(held.pathway, step.counter_referral)
    if step.appointment is not None:
        route = pathways().get(held.pathway)
        check_place(
            step.appointment.place,
            # A route of a later contract may be sealed for all that is known here.
            sensitivity="sealed" if route is None else route.sensitivity,
            mandates=caller.mandates,
        )
    if step.redirect_to in {held.sender, held.receiver}:
        raise ProblemError("redirect_loop", receiver=step.redirect_to)
    now = node.clock.business()
    kept: list[str] = []
    if unheard:
        # The other side never spoke, so there is nobody to tell.
        holdings.stand(replace(held, closed_here=True), now=now)
    else:
        done_at = step_taken_at(step.done_at, now=now, steps=holdings.steps(held.id))
        if step.done_at is not None:
            detail["entered_at"] = as_text(now)
        detail |= _outcome_under_law(connection, node, held, step)
        event = StoredEvent(held.next_seq, step.to, held.role, done_at, detail)
        tell_state(holdings, held, event, now=now)
        send_refused_steps_again(connection, holdings, node, held.id, now=now)
        if step.counter_referral is not None:
            referrals.put_outcome(connection, node.vault, held, step.counter_referral)
            kept = _send_back(connection, node, caller, holdings, held, step, now)
    holdings.tell(held, "referral.state_changed", now=now, event_seq=held.next_seq)
    holdings.write()
    after = whole(connection, node, caller, referral_id)
    return after.model_copy(update={"withheld": kept}) if kept else after


def _outcome_under_law(
    connection: Connection, node: Node, held: StoredReferral, step: Transition
) -> dict[str, Any]:
    """Of what was referred under a law, not by consent, its sender is told the outcome and no more."""
    if step.counter_referral is None or not _is_under_law(connection, node, held):
        return {}
    return {"outcome": step.counter_referral.outcome}


def _is_under_law(connection: Connection, node: Node, held: StoredReferral) -> bool:
    opened = referrals.get(connection, node.vault, held.id)
    return opened is not None and opened.details.get("basis") is not None


def _said_by(held: StoredReferral, step: Transition) -> bool:
    return (step.to == "closed") == (held.role == "sender")


def _detail(step: Transition) -> dict[str, Any]:
    said = step.model_dump(
        mode="json", exclude_none=True, exclude={"to", "counter_referral", "done_at", "attachments"}
    )
    return {name: value for name, value in said.items() if value != []}


def _says_more(
    connection: Connection, node: Node, held: StoredReferral, detail: dict[str, Any]
) -> bool:
    """Whether a repeated step is a new one: another appointment, other questions."""
    if held.state not in {"scheduled", "info_requested"}:
        return False
    events = referrals.events(connection, node.vault, held)
    last = next(event for event in reversed(events) if event.state == held.state)
    return any(last.detail.get(name) != detail.get(name) for name in ("appointment", "questions"))


def _send_back(
    connection: Connection,
    node: Node,
    caller: Caller,
    holdings: Holdings,
    held: StoredReferral,
    step: Transition,
    now: datetime,
) -> list[str]:
    """The outcome goes back while the person's consent to that stands; its state goes back always.

    Returns what `withheld` says of the files that her consent does not let go back.
    """
    uploads = attach.read_uploads(connection, node, caller, step.attachments)
    owners = _owners(connection, node, held) if step.attachments else {}
    attach.check_persons(step.attachments, owners)
    live = live_return_grants(connection, held, now)
    allowed = _allowed_by(live) if held.sharing == "active" else set()
    files, kept = split_by_category(step.attachments, allowed=allowed, wanted=allowed)
    if held.sharing == "withdrawn" or not live or step.counter_referral is None:
        return kept
    made = attach.seal_files(uploads, files, owners)
    message = outcome_message(
        held,
        step.counter_referral,
        live,
        categories={one.data_category for one in files},
        now=now,
    )
    message = attach.carried(message, made)
    attach.store(connection, [attach.rows_of(node, message, made)])
    holdings.send(held, message, now=now)
    return kept


def _owners(connection: Connection, node: Node, held: StoredReferral) -> dict[str, tuple[int, str]]:
    """Position and data key of each person, by the key that this side knows her by."""
    stored = referrals.get(connection, node.vault, held.id)
    keys = information.keys_of(connection, held.id)
    return {
        str(person["person_id"]): (place, keys[place])
        for place, person in enumerate(stored.persons if stored else [], start=1)
        if "person_id" in person and place in keys
    }


def _allowed_by(live: list[HeldGrant]) -> set[str]:
    """What every grant of the way back lets through: one adult's word never opens another's file."""
    said = [set(jose.peek(grant.jws)[1].get("categories", [])) for grant in live]
    return set.intersection(*said) if said else set()
