"""What a peer gateway brings: messages for our institutions, and receipts for what they sent."""

from typing import Final

from sqlalchemy import Connection

from relevo.contracts.problem import ProblemError
from relevo.contracts.receipt import FINAL_RECEIPTS, Receipt
from relevo.gateway.domain.delivery import gateway_target
from relevo.gateway.storage import blobs, deliveries
from relevo.servicekit import checkpoint, merkle
from relevo.servicekit.ids import new_id
from relevo.servicekit.logging import get_logger

from .context import Gateway, Peer

_WITHOUT_FILES: Final = frozenset({"refused", "expired", "dead"})
_FAULTS: Final = (checkpoint.CheckpointError, merkle.ProofError)


async def peer_named(gateway: Gateway, name: str) -> Peer:
    """The peer that a caller is.

    Raises:
        ProblemError: `not_yours`, there is no agreement with it.
    """
    peers = await gateway.database.read(gateway.peers)
    found = peers.by_name.get(name)
    if found is None:
        raise ProblemError("not_yours")
    return found


async def take_receipts(gateway: Gateway, peer: Peer, receipts: list[Receipt]) -> None:
    """Passes a peer's receipts on to those who sent the messages, if its ledger shows them."""
    shown = [receipt for receipt in receipts if _is_shown(receipt, peer)]
    if len(shown) != len(receipts):
        get_logger().warning(
            "receipts_not_believed", peer=peer.gateway, failed=len(receipts) - len(shown)
        )
    if shown:
        await gateway.database.write(_pass_on, gateway, peer, shown)
        gateway.wake()


def _is_shown(receipt: Receipt, peer: Peer) -> bool:
    if receipt.leaf.gateway != peer.gateway or receipt.leaf.kind not in FINAL_RECEIPTS:
        return False
    try:
        checkpoint.verify_leaf(
            receipt.leaf.leaf_bytes(),
            index=receipt.index,
            proof=receipt.proof,
            note=receipt.checkpoint,
            origin=checkpoint.origin_of(peer.gateway),
            keys=list(peer.signing.values()),
        )
    except _FAULTS:
        return False
    return True


def _pass_on(connection: Connection, gateway: Gateway, peer: Peer, receipts: list[Receipt]) -> None:
    sent = {
        delivery.id: delivery
        for delivery in deliveries.get_many(
            connection, {receipt.leaf.message_id for receipt in receipts}
        )
    }
    items = []
    outcomes: dict[str, str] = {}
    for receipt in receipts:
        leaf = receipt.leaf
        delivery = sent.get(leaf.message_id)
        if delivery is None or delivery.digest != leaf.digest:
            continue
        if delivery.target != gateway_target(peer.gateway) or delivery.outcome == leaf.kind:
            continue
        outcomes[delivery.id] = leaf.kind
        items.append(
            {"id": new_id(), "target": delivery.return_to, "receipt": receipt.model_dump_json()}
        )
    deliveries.note_outcomes(connection, outcomes)
    ended = {message_id for message_id, kind in outcomes.items() if kind in _WITHOUT_FILES}
    blobs.end_of_messages(connection, ended)
    deliveries.add_receipts(connection, items, now=gateway.security())
