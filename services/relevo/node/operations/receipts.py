"""What gateways signed for: checked, kept, and shown on the referral that the message carried."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from joserfc.jwk import OKPKey
from sqlalchemy import Connection

from relevo.contracts.envelope import DEFAULT_LIFETIME
from relevo.contracts.message_types.follow_up_requested import FOLLOW_UP_REQUESTED
from relevo.contracts.message_types.referral_state import REFERRAL_STATE
from relevo.contracts.message_types.referral_submitted import REFERRAL_SUBMITTED
from relevo.contracts.receipt import Receipt
from relevo.node.domain.outgoing import OutgoingMessage
from relevo.node.domain.refusal import kept_members
from relevo.node.domain.timing import never_expires
from relevo.node.storage import attachments, grants, outbox, referrals
from relevo.node.storage.holdings import Holdings
from relevo.node.storage.outbox import Ended, Sent
from relevo.servicekit import checkpoint, merkle
from relevo.servicekit.ids import new_id

from .context import Node
from .directory import Directory
from .follow_up_book import Book

_log = structlog.get_logger()
_ENDED = {"refused", "expired", "dead"}
_RESEALED = {"undecryptable"}
"""Refusals that a fresh seal for the receiver's newest key can mend."""
_OVER_SOME_DAY = {
    # From then on the directory says it, and the relay waits without asking the gateway.
    "receiver_not_active": timedelta(minutes=1),
    "sender_not_active": timedelta(minutes=15),
}
"""Refusals that end with a suspension. Without the step they hold up, the copies would differ for ever."""
_ASKS = {REFERRAL_SUBMITTED.id, FOLLOW_UP_REQUESTED.id}
"""Whoever asks learns at once that nobody can answer: another has to be found."""


async def proved(directory: Directory, receipts: list[Receipt]) -> list[Receipt]:
    """Those that a gateway's signed ledger really holds; a forged one ends nothing."""
    held, asked_again = [], set[str]()
    for receipt in receipts:
        gateway = receipt.leaf.gateway
        is_proved = _is_proved(receipt, await directory.gateway_keys(gateway))
        if not is_proved and gateway not in asked_again:
            asked_again.add(gateway)
            is_proved = _is_proved(receipt, await directory.gateway_keys_anew(gateway))
        if is_proved:
            held.append(receipt)
        else:
            _log.error("receipt_not_proved", gateway=gateway, message_id=receipt.leaf.message_id)
    return held


def _is_proved(receipt: Receipt, keys: list[OKPKey]) -> bool:
    try:
        checkpoint.verify_leaf(
            receipt.leaf.leaf_bytes(),
            index=receipt.index,
            proof=receipt.proof,
            note=receipt.checkpoint,
            origin=checkpoint.origin_of(receipt.leaf.gateway),
            keys=keys,
        )
    except (checkpoint.CheckpointError, merkle.ProofError):
        return False
    return True


def store_receipts(
    connection: Connection, holdings: Holdings, node: Node, receipts: list[Receipt]
) -> None:
    """Ends the messages that these proved receipts speak of; unknown ones are passed over.

    Args:
        connection: A write transaction.
        holdings: Has locked every referral of these messages, so that nobody else ends them now.
        node: This node.
        receipts: What `proved` let through.
    """
    now = node.clock.business()
    sent = outbox.sent(connection, [receipt.leaf.message_id for receipt in receipts])
    for receipt in receipts:
        leaf = receipt.leaf
        message = sent.get(leaf.message_id)
        if message is None or leaf.kind == "accepted" or message.digest != leaf.digest:
            continue
        # What was given up can still be delivered: people at the gateway send it again.
        if message.state == "delivered" or (message.state in _ENDED and leaf.kind != "delivered"):
            continue
        sent[message.id] = replace(message, state=leaf.kind)
        end_message(
            connection,
            holdings,
            node,
            message,
            leaf.kind,
            problem=leaf.problem,
            receipt=receipt.model_dump_json(),
            now=now,
        )


def end_message(
    connection: Connection,
    holdings: Holdings,
    node: Node,
    message: Sent,
    state: str,
    *,
    problem: str | None,
    now: datetime,
    receipt: str | None = None,
    members: dict[str, Any] | None = None,
) -> None:
    """A message reached its end: delivered, refused, expired or dead. Told on the feed.

    `members` are what stood beside the problem: a receipt signs its name alone.
    """
    if problem == "envelope_expired":
        state = "expired"
    resealed = _goes_again(connection, holdings, node, message, state, problem, now=now)
    holdings.end(Ended(message.id, state, problem, receipt))
    if message.message_type == FOLLOW_UP_REQUESTED.id and state != "delivered" and not resealed:
        book = Book(connection, node, now)
        book.note_undelivered(message.referral_id, problem or state)
        book.hand_over(holdings)
    if message.message_type != REFERRAL_SUBMITTED.id or resealed:
        if state != "delivered":
            _log.warning("message_not_delivered", message_id=message.id, problem=problem)
        if state in _ENDED and not resealed and (held := holdings.get(message.referral_id)):
            # The other side does not know what it said: somebody has to tell them.
            holdings.tell(held, "referral.delivery_changed", now=now)
        return
    held = holdings.get(message.referral_id)
    if held is None:
        return
    beside = kept_members(problem, members or {}) if problem else {}
    ended = replace(held, delivery=state, delivery_problem=problem, refusal_members=beside or None)
    after = holdings.stand(ended, now=now)
    holdings.tell(after, "referral.delivery_changed", now=now)


def _goes_again(
    connection: Connection,
    holdings: Holdings,
    node: Node,
    message: Sent,
    state: str,
    problem: str | None,
    *,
    now: datetime,
) -> bool:
    if state == "expired":
        return _send_again(connection, holdings, node, message, now)
    if problem in _RESEALED:
        plan = outbox.plan_of(connection, node.vault, message.id)
        return (
            plan is not None
            and plan[0].replaces is None
            and _seal_again(connection, holdings, node, message.id, now=now)
        )
    pause = _OVER_SOME_DAY.get(problem or "")
    if pause is None or message.message_type in _ASKS:
        return False
    return _seal_again(connection, holdings, node, message.id, now=now, due_at=now + pause)


def send_refused_steps_again(
    connection: Connection, holdings: Holdings, node: Node, referral_id: str, *, now: datetime
) -> None:
    """Queues refused steps of a referral anew: the other side reads a step only after all before it."""
    for message in outbox.undelivered(connection, referral_id):
        if message["message_type"] == REFERRAL_STATE.id and message["state"] == "refused":
            _seal_again(connection, holdings, node, message["id"], now=now)


def _seal_again(
    connection: Connection,
    holdings: Holdings,
    node: Node,
    message_id: str,
    *,
    now: datetime,
    due_at: datetime | None = None,
) -> bool:
    """Queues the same message under a new id, which says which one it replaces; whether it can be."""
    kept = outbox.plan_of(connection, node.vault, message_id)
    if kept is None or kept[0].expires_at <= now:
        return False
    plan, key_id = kept
    again = plan.model_copy(update={"id": new_id(), "replaces": message_id})
    message = OutgoingMessage.model_validate(again.model_dump())
    row = outbox.seal(node.vault, key_id, message, now=now)
    holdings.queue(row | {"due_at": due_at or now})
    attachments.message_replaced(connection, message_id, message.id)
    node.wake()
    return True


def _send_again(
    connection: Connection, holdings: Holdings, node: Node, message: Sent, now: datetime
) -> bool:
    """A search does not end because nobody fetched it in time: it goes out once more, as long as its
    grants let it.
    """
    held = holdings.get(message.referral_id)
    if (
        held is None
        or message.message_type != REFERRAL_SUBMITTED.id
        or held.sharing == "withdrawn"
        or not never_expires(held.pathway)
    ):
        return False
    kept = outbox.plan_of(connection, node.vault, message.id)
    if kept is None:
        return False
    plan, key_id = kept
    carried = set(plan.grant_ids)
    until = [g.expires_at for g in grants.of_referral(connection, held.id) if g.id in carried]
    expires_at = min([now + DEFAULT_LIFETIME, *until])
    if expires_at <= now:
        return False
    again = plan.model_copy(
        update={"id": new_id(), "replaces": message.id, "expires_at": expires_at}
    )
    renewed = OutgoingMessage.model_validate(again.model_dump())
    holdings.queue(outbox.seal(node.vault, key_id, renewed, now=now))
    node.wake()
    return True


def show_accepted(connection: Connection, referral_ids: list[str], *, now: datetime) -> None:
    """The gateway took these referrals' messages; a later word about them stays."""
    if referral_ids:
        referrals.note_accepted(connection, referral_ids, now=now)
