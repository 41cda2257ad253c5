"""The sender wants a referral to stop; the receiver's node, or a person there, answers."""

from dataclasses import replace
from typing import Final

from sqlalchemy import Connection

from relevo.contracts.cancellation import CancelRequest
from relevo.contracts.lifecycles.referral import BEFORE_ACCEPTED, ENDED, State
from relevo.contracts.message_types.cancel_requested import CANCEL_REQUESTED, CancelRequested
from relevo.contracts.problem import ProblemError
from relevo.contracts.referral import Referral
from relevo.node.storage import cancellations, outbox
from relevo.node.storage.cancellations import Asked
from relevo.node.storage.holdings import Holdings
from relevo.node.storage.outbox import Ended
from relevo.node.storage.referrals import StoredEvent, StoredReferral
from relevo.servicekit.access_token import Caller
from relevo.servicekit.ids import new_id

from .batch import Batch
from .context import Node
from .open_envelope import Opened
from .sealed_records import check_reason
from .tell import control_message, tell_state
from .visibility import found, party_of
from .whole import whole

ERROR: Final = "entered_in_error"
_STOPPED: Final = {"cancelled", "entered_in_error", "cancel_requested"}


async def cancel(node: Node, caller: Caller, referral_id: str, asked: CancelRequest) -> Referral:
    """Asks for it, or says why that is too late. Asking again changes nothing.

    What never left is taken back at once. What nobody has received yet is asked as soon as the other
    side's node has spoken: a message that overtook the referral would find nothing.

    Raises:
        ProblemError: `not_found`, `not_your_step`, or `illegal_transition` after an outcome, unless it
            was entered in error: that the sender says alone.
    """
    party_of(node, caller)
    after = await node.database.write(_cancel, node, caller, referral_id, asked)
    node.wake()
    return after


def _cancel(
    connection: Connection, node: Node, caller: Caller, referral_id: str, asked: CancelRequest
) -> Referral:
    holdings = Holdings(connection, node.vault, [referral_id])
    held = found(caller, holdings.get(referral_id))
    check_reason(connection, node, held.id, asked.reason)
    now = node.clock.business()
    if held.role != "sender":
        raise ProblemError(
            "not_your_step", from_state=held.state, to_state="cancel_requested", actor="sender"
        )
    if held.state in ENDED - _STOPPED or (
        held.state == "cancelled" and asked.reason == ERROR and held.next_seq > 1
    ):
        if asked.reason != ERROR or held.next_seq == 1:
            raise ProblemError(
                "illegal_transition",
                subject="referral",
                from_state=held.state,
                to_state="cancel_requested",
            )
        event = StoredEvent(held.next_seq, ERROR, "sender", now, {"reason": ERROR})
        tell_state(holdings, held, event, now=now)
        holdings.tell(held, "referral.state_changed", now=now, event_seq=held.next_seq)
    elif held.state in _STOPPED or _is_asked(connection, node, held):
        return whole(connection, node, caller, referral_id)
    elif unsent := outbox.never_left(connection, held.id):
        for message_id in unsent:
            holdings.end(Ended(message_id, "recalled"))
        after = holdings.stand(replace(held, delivery="recalled"), now=now)
        holdings.tell(after, "referral.delivery_changed", now=now)
    else:
        wish = Asked(new_id(), now, asked.reason, sent=held.next_seq > 1)
        cancellations.add(connection, node.vault, held, wish)
        if wish.sent:
            _ask(holdings, held, wish)
    holdings.write()
    return whole(connection, node, caller, referral_id)


def _is_asked(connection: Connection, node: Node, held: StoredReferral) -> bool:
    last = cancellations.last_of(connection, node.vault, held)
    return last is not None and last.answer == "waiting"


def _ask(holdings: Holdings, held: StoredReferral, wish: Asked) -> None:
    body = CancelRequested(reason=wish.reason, asked_at=wish.asked_at)
    message = control_message(
        held, CANCEL_REQUESTED.id, body.model_dump(mode="json"), now=wish.asked_at
    ).model_copy(update={"id": wish.message_id})
    holdings.send(held, message, now=wish.asked_at)


def ask_now(batch: Batch, after: StoredReferral) -> None:
    """The other side has spoken for the first time: what waited to be asked is asked."""
    wish = batch.unasked_cancels.pop(after.id, None)
    if wish is None:
        return
    if after.state in ENDED:
        cancellations.note_answer(batch.connection, after.id, wish.message_id, "inapplicable")
        return
    cancellations.mark_sent(batch.connection, wish.message_id)
    _ask(batch.holdings, after, replace(wish, asked_at=batch.now))


def cancel_requested(batch: Batch, item: Opened) -> bool:
    """The sender wants to stop: confirmed here before acceptance, put before a person after it."""
    message_id, body = item.envelope.jti, item.body
    held, actor = batch.party_to(item)
    if actor != "sender":
        raise ProblemError("not_found")
    if held.state in ENDED or held.state == "cancel_requested":
        batch.answer_inapplicable(held, message_id)
        return False
    said = {"reason": body.reason, "answers": message_id}
    steps: list[State] = ["cancel_requested"]
    if held.state in BEFORE_ACCEPTED:
        steps.append("entered_in_error" if body.reason == ERROR else "cancelled")
    batch.holdings.tell(held, "referral.cancel_requested", now=batch.now)
    for to in steps:
        event = StoredEvent(held.next_seq, to, "receiver", batch.now, said)
        held = tell_state(batch.holdings, held, event, now=batch.now)
        batch.holdings.tell(held, "referral.state_changed", now=batch.now, event_seq=event.seq)
    return True
