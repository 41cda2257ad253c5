"""Reading the ledger, and witnessing: peers sign our checkpoints, we sign theirs."""

from sqlalchemy import Connection

from relevo.contracts.ledger import ConsistencyProof, InclusionProof, WitnessedCheckpoint
from relevo.contracts.problem import FieldError, ProblemError
from relevo.gateway.storage import cosignatures, ledger, peers
from relevo.gateway.storage.peers import SeenLedger
from relevo.servicekit import checkpoint, merkle
from relevo.servicekit.checkpoint import Checkpoint, CheckpointError
from relevo.servicekit.http_client import RefusedError, RetryableError
from relevo.servicekit.logging import get_logger
from relevo.servicekit.merkle import ProofError

from .context import Gateway, Peer


async def newest_checkpoint(gateway: Gateway, *, witnessed: bool) -> str:
    """The newest signed head; or the newest that a peer has signed as well.

    Raises:
        ProblemError: `not_found`, no peer has signed one yet.
    """
    return await gateway.database.read(_checkpoint, gateway, witnessed=witnessed)


def _checkpoint(connection: Connection, gateway: Gateway, *, witnessed: bool) -> str:
    if witnessed:
        found = cosignatures.newest(connection)
        if found is None:
            raise ProblemError("not_found")
        return found
    head = ledger.head(connection)
    if not head.checkpoint:
        empty = Checkpoint(checkpoint.origin_of(gateway.name), 0, merkle.EMPTY_ROOT)
        return checkpoint.sign(empty, gateway.keys.signing[0])
    return cosignatures.with_lines(connection, head.size) or head.checkpoint


async def inclusion(gateway: Gateway, *, index: int, tree_size: int) -> InclusionProof:
    """Raises `invalid_input` where there is nothing to prove."""
    return await gateway.database.read(_inclusion, index=index, tree_size=tree_size)


def _inclusion(connection: Connection, *, index: int, tree_size: int) -> InclusionProof:
    tree = _tree_to(connection, tree_size)
    if index >= tree_size:
        raise _no_such("index", "There is no such entry in a tree of this size.")
    return InclusionProof(
        index=index,
        tree_size=tree_size,
        leaf_hash=tree.leaf(index).hex(),
        proof=[step.hex() for step in tree.inclusion(index, tree_size)],
    )


async def consistency(gateway: Gateway, *, older: int, newer: int) -> ConsistencyProof:
    """Raises `invalid_input` where there is nothing to prove."""
    return await gateway.database.read(_consistency, older=older, newer=newer)


def _consistency(connection: Connection, *, older: int, newer: int) -> ConsistencyProof:
    tree = _tree_to(connection, newer)
    if not 0 < older <= newer:
        raise _no_such("from", "Consistency is from an earlier size, not zero, to a later one.")
    return ConsistencyProof(
        from_size=older,
        to_size=newer,
        proof=[step.hex() for step in tree.consistency(older, newer)],
    )


def _tree_to(connection: Connection, size: int) -> merkle.Tree:
    if size > ledger.head(connection).size:
        raise _no_such("size", "The ledger is not that large.")
    return ledger.tree(connection)


def _no_such(name: str, detail: str) -> ProblemError:
    return ProblemError(
        "invalid_input", errors=[FieldError(pointer="", detail=f"{name}: {detail}")]
    )


async def take_cosignature(gateway: Gateway, peer: Peer, witnessed: WitnessedCheckpoint) -> None:
    """Keeps a peer's signature under a checkpoint of ours.

    Raises:
        ProblemError: `invalid_input`, it is not ours or not signed by the peer.
    """
    note = witnessed.checkpoint
    try:
        head = checkpoint.verify(
            note, origin=checkpoint.origin_of(gateway.name), keys=gateway.keys.signing
        )
        checkpoint.verify_cosignature(note, name=peer.gateway, keys=list(peer.signing.values()))
        line = checkpoint.cosignature_line(note, name=peer.gateway)
    except CheckpointError as error:
        raise ProblemError(
            "invalid_input", errors=[FieldError(pointer="/checkpoint", detail=str(error))]
        ) from None
    own = checkpoint.sign(head, gateway.keys.signing[0])
    await gateway.database.write(
        cosignatures.put,
        size=head.size,
        witness=peer.gateway,
        checkpoint=own,
        line=line,
        now=gateway.security(),
    )


class LedgerFaultError(Exception):
    """A peer's ledger does not continue what it said before. Everybody should hear of it."""


async def witness_all(gateway: Gateway) -> None:
    """Looks at every peer's ledger once, and signs what continues what was seen before."""
    found = await gateway.database.read(gateway.peers)
    for peer in found.by_name.values():
        try:
            await witness(gateway, peer)
        except (RetryableError, RefusedError) as error:
            get_logger().warning("peer_ledger_not_seen", peer=peer.gateway, reason=str(error))
        except LedgerFaultError as error:
            get_logger().error("peer_ledger_inconsistent", peer=peer.gateway, reason=str(error))


async def witness(gateway: Gateway, peer: Peer) -> None:
    """Looks at one peer's ledger.

    Raises:
        LedgerFaultError: It was rewritten, shrank, or is signed by somebody else.
        RetryableError, RefusedError: It could not be seen.
    """
    client = gateway.peer_client(peer)
    note = await client.checkpoint()
    seen = await gateway.database.read(peers.seen_ledger, peer.gateway)
    try:
        head = checkpoint.verify(
            note, origin=checkpoint.origin_of(peer.gateway), keys=list(peer.signing.values())
        )
        if seen is not None:
            proof = []
            if 0 < seen.size < head.size:
                proof = await client.consistency(seen.size, head.size)
            merkle.verify_consistency(seen.size, head.size, proof, seen.root, head.root)
    except (CheckpointError, ProofError) as error:
        await gateway.database.write(_note_fault, gateway, peer, seen, note, str(error))
        raise LedgerFaultError(str(error)) from None
    if seen is not None and seen.size == head.size and seen.fault is None:
        return
    now = gateway.security()
    await gateway.database.write(
        peers.put_seen_ledger, SeenLedger(peer.gateway, head.size, head.root, note, now)
    )
    own = checkpoint.cosign(
        note, name=gateway.name, key=gateway.keys.signing[0], time=int(now.timestamp())
    )
    await client.cosign(_bare(note, head) + own)


def _bare(note: str, head: Checkpoint) -> str:
    """The note with the ledger's own signature only: other witnesses' lines are not ours to repeat."""
    return head.text() + "\n" + checkpoint.cosignature_line(note, name=head.origin)


def _note_fault(
    connection: Connection,
    gateway: Gateway,
    peer: Peer,
    seen: SeenLedger | None,
    note: str,
    fault: str,
) -> None:
    size, root = (seen.size, seen.root) if seen else (0, merkle.EMPTY_ROOT)
    peers.put_seen_ledger(
        connection,
        SeenLedger(peer.gateway, size, root, note[:8000], gateway.security(), fault[:200]),
    )
