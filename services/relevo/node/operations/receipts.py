"""What gateways signed for: checked, kept, and shown on the referral that the message carried."""

from dataclasses import replace
from datetime import datetime

import structlog
from sqlalchemy import Connection

from relevo.contracts.message_types.referral_submitted import REFERRAL_SUBMITTED
from relevo.contracts.receipt import Receipt
from relevo.node.domain.outgoing import OutgoingMessage
from relevo.node.storage import feed, outbox, referrals
from relevo.servicekit import checkpoint, merkle
from relevo.servicekit.ids import new_id

from .context import Node
from .directory import Directory

_log = structlog.get_logger()
_RESEALED = {"undecryptable"}
"""Refusals that a fresh seal for the receiver's newest key can mend."""


async def proved(directory: Directory, receipts: list[Receipt]) -> list[Receipt]:
    """Those that a gateway's signed ledger really holds; a forged one ends nothing."""
    held = []
    for receipt in receipts:
        gateway = receipt.leaf.gateway
        try:
            checkpoint.verify_leaf(
                receipt.leaf.leaf_bytes(),
                index=receipt.index,
                proof=receipt.proof,
                note=receipt.checkpoint,
                origin=checkpoint.origin_of(gateway),
                keys=await directory.gateway_keys(gateway),
            )
        except (checkpoint.CheckpointError, merkle.ProofError):
            _log.error("receipt_not_proved", gateway=gateway, message_id=receipt.leaf.message_id)
        else:
            held.append(receipt)
    return held


def store_receipts(connection: Connection, node: Node, receipts: list[Receipt]) -> None:
    """Ends the messages that these proved receipts speak of; unknown ones are passed over."""
    now = node.clock.business()
    for receipt in receipts:
        leaf = receipt.leaf
        known = outbox.state_of(connection, leaf.message_id)
        if known is None or leaf.kind == "accepted" or known[3] != leaf.digest:
            continue
        state, referral_id, message_type, _ = known
        if state in {"delivered", "refused", "expired", "dead"}:
            continue
        end_message(
            connection,
            node,
            leaf.message_id,
            referral_id=referral_id,
            message_type=message_type,
            state=leaf.kind,
            problem=leaf.problem,
            receipt=receipt.model_dump_json(),
            now=now,
        )


def end_message(
    connection: Connection,
    node: Node,
    message_id: str,
    *,
    referral_id: str,
    message_type: str,
    state: str,
    problem: str | None,
    receipt: str | None,
    now: datetime,
) -> None:
    """A message reached its end: delivered, refused, expired or dead. Told on the feed."""
    if problem == "envelope_expired":
        state = "expired"
    resealed = problem in _RESEALED and _seal_again(connection, node, message_id, now)
    outbox.mark(connection, message_id, state, receipt=receipt, problem=problem)
    if message_type != REFERRAL_SUBMITTED.id or resealed:
        if state != "delivered":
            _log.warning("message_not_delivered", message_id=message_id, problem=problem)
        return
    held = referrals.lock(connection, referral_id)
    if held is None:
        return
    changed = replace(held, delivery=state, delivery_problem=problem)
    after = referrals.stand_again(connection, changed, now=now)
    feed.append(
        connection, [feed.FeedEvent("referral.delivery_changed", referral_id, after.owner, now)]
    )


def _seal_again(connection: Connection, node: Node, message_id: str, now: datetime) -> bool:
    """Queues the same message under a new id, once; it says which one it replaces."""
    kept = outbox.plan_of(connection, node.vault, message_id)
    if kept is None or kept[0].replaces is not None:
        return False
    plan, key_id = kept
    again = plan.model_copy(update={"id": new_id(), "replaces": message_id})
    outbox.put(
        connection,
        node.vault,
        key_id,
        [OutgoingMessage.model_validate(again.model_dump())],
        now=now,
    )
    node.wake()
    return True


def show_accepted(connection: Connection, referral_ids: list[str], *, now: datetime) -> None:
    """The gateway took these referrals' messages; a later word about them stays."""
    if referral_ids:
        referrals.note_accepted(connection, referral_ids, now=now)
