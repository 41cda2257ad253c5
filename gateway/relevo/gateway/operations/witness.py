"""Watching each other: a ledger that shows different things to different people is found out.

Each gateway remembers the newest checkpoint of each peer. A later one must contain it; then it is
remembered first and cosigned after, so that nobody can have two cosigned ledgers. A contradiction is
kept with both signed checkpoints, which prove it to anybody, and stays until people have settled it.
"""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection

from relevo.contracts.problem import FieldError, ProblemError
from relevo.gateway.clients.peer import PeerClient
from relevo.gateway.storage import cosignatures, ledger, peers
from relevo.gateway.storage.cosignatures import Cosignature
from relevo.gateway.storage.peers import SeenLedger
from relevo.servicekit import checkpoint, merkle
from relevo.servicekit.checkpoint import Checkpoint
from relevo.servicekit.database import exclusive
from relevo.servicekit.http_client import RefusedError, RetryableError
from relevo.servicekit.logging import get_logger

from .context import Gateway, Peer
from .relay import peer_named

_LOCK: Final = "gateway-witness"
_MOST_AHEAD_SECONDS: Final = 300
_MOST_BEHIND_SECONDS: Final = 86_400


# -- peers' ledgers ---------------------------------------------------------------------------------


async def look_at_peers(gateway: Gateway) -> None:
    """Looks at every peer's ledger once. One peer's trouble is not the others'."""
    known = await gateway.database.read(gateway.peers)
    looked = await asyncio.gather(
        *(look_at(gateway, peer) for peer in known.by_name.values()), return_exceptions=True
    )
    for peer, outcome in zip(known.by_name, looked, strict=True):
        if isinstance(outcome, Exception):
            get_logger().error("peer_ledger_not_checked", peer=peer, exc_info=outcome)


async def look_at(gateway: Gateway, peer: Peer) -> None:
    """Fetches a peer's checkpoint, and cosigns it if it contains the one seen before."""
    before = await gateway.database.read(peers.seen_ledger, peer.gateway)
    if before is not None and before.fault is not None:
        # Said every time: nobody can overlook it, and only people can settle it.
        get_logger().error("peer_ledger_faulty", peer=peer.gateway, reason=before.fault)
        return
    client = gateway.peer_client(peer)
    try:
        note = await client.checkpoint()
        head = checkpoint.verify(
            note, origin=checkpoint.origin_of(peer.gateway), keys=list(peer.signing.values())
        )
        fault = await _fault(client, before, head)
        if await _remembered(gateway, peer, before, head, note, fault) and head.size:
            await client.cosign(_cosigned(gateway, note, head))
    except RetryableError as error:
        get_logger().warning("peer_ledger_not_seen", peer=peer.gateway, reason=error.cause)
    except RefusedError as error:
        # A ledger that signs a size and then will not prove it shows up here, every minute.
        get_logger().error(
            "peer_ledger_refused", peer=peer.gateway, status=error.status, problem=error.name
        )
    except checkpoint.CheckpointError as error:
        # Nobody's signature, so nothing that could be held against the peer.
        get_logger().error("peer_checkpoint_not_signed", peer=peer.gateway, reason=str(error))


async def _fault(client: PeerClient, before: SeenLedger | None, head: Checkpoint) -> str | None:
    """What speaks against a later checkpoint; None when it contains the earlier one."""
    size, root = (0, merkle.EMPTY_ROOT) if before is None else (before.size, before.root)
    if head.size < size:
        return f"the ledger shrank from {size} entries to {head.size}"
    if head.size == size and before is not None:
        return None if head.root == root else f"two different roots over {size} entries"
    proof = await client.consistency(size, head.size) if size else []
    try:
        merkle.verify_consistency(size, head.size, proof, root, head.root)
    except merkle.ProofError:
        return f"{head.size} entries do not begin with the {size} seen before"
    return None


async def _remembered(
    gateway: Gateway,
    peer: Peer,
    before: SeenLedger | None,
    head: Checkpoint,
    note: str,
    fault: str | None,
) -> bool:
    """Writes down what was seen; True when it may be cosigned."""
    now = gateway.security()
    if fault is None:
        own = _own_part(note, head.origin)
        seen = SeenLedger(peer.gateway, head.size, head.root, own, now)
    elif before is not None:
        seen = replace(before, fault=fault, contradiction=_own_part(note, head.origin))
    else:
        # The first one contradicts itself: entries without a root, or a root without entries.
        own = _own_part(note, head.origin)
        seen = SeenLedger(peer.gateway, head.size, head.root, own, now, fault, own)
    stored = await gateway.database.write(_store_seen, before, seen)
    if stored and fault is not None:
        get_logger().error("peer_ledger_faulty", peer=peer.gateway, reason=fault)
    return stored and fault is None


def _store_seen(connection: Connection, before: SeenLedger | None, seen: SeenLedger) -> bool:
    exclusive(connection, _LOCK)
    if peers.seen_ledger(connection, seen.gateway) != before:
        # Another process looked meanwhile; what we saw says nothing against what it saw.
        return False
    peers.put_seen_ledger(connection, seen)
    return True


def _own_part(note: str, origin: str) -> str:
    """A note without the signatures of others."""
    text, _, signatures = note.rpartition("\n\n")
    own = [line for line in signatures.splitlines() if line.startswith(f"— {origin} ")]
    return text + "\n\n" + "".join(f"{line}\n" for line in own)


def _cosigned(gateway: Gateway, note: str, head: Checkpoint) -> str:
    own = _own_part(note, head.origin)
    return own + checkpoint.cosign(
        own,
        name=gateway.name,
        key=gateway.keys.signing[0],
        time=int(gateway.security().timestamp()),
    )


async def seen_ledgers(gateway: Gateway) -> list[tuple[Peer, SeenLedger | None]]:
    """Every peer with what its ledger said; None before the first look."""
    return await gateway.database.read(_seen_ledgers, gateway)


def _seen_ledgers(connection: Connection, gateway: Gateway) -> list[tuple[Peer, SeenLedger | None]]:
    known = gateway.peers(connection).by_name
    return [(peer, peers.seen_ledger(connection, name)) for name, peer in sorted(known.items())]


async def settle(gateway: Gateway, peer_name: str, *, client: str) -> None:
    """Begins anew with a peer's ledger, after people have cleared up what was wrong with it.

    Raises:
        ProblemError: `not_found`, nothing is remembered of such a peer.
    """
    if not await gateway.database.write(peers.forget_ledger, peer_name):
        raise ProblemError("not_found")
    get_logger().warning("peer_ledger_settled", peer=peer_name, client=client)


# -- our own ----------------------------------------------------------------------------------------


async def take_cosignature(gateway: Gateway, caller: str, note: str) -> None:
    """Keeps a peer's cosignature under one of our checkpoints.

    Args:
        gateway: This gateway.
        caller: Whose token it was.
        note: Our checkpoint with the peer's signature line under it.

    Raises:
        ProblemError: `not_yours` without an agreement; `invalid_input` when it is not our checkpoint
            or the peer has not signed it.
    """
    peer = await peer_named(gateway, caller)
    keys = gateway.keys.signing
    try:
        head = checkpoint.verify(note, origin=checkpoint.origin_of(gateway.name), keys=keys)
        line = checkpoint.cosignature_line(note, name=peer.gateway)
        own = checkpoint.sign(head, keys[0])
        seconds = checkpoint.verify_cosignature(
            own + line, name=peer.gateway, keys=list(peer.signing.values())
        )
    except checkpoint.CheckpointError as error:
        raise _refused(str(error)) from None
    ahead = seconds - gateway.security().timestamp()
    if not -_MOST_BEHIND_SECONDS <= ahead <= _MOST_AHEAD_SECONDS:
        raise _refused("the time of the cosignature is not now")
    at = datetime.fromtimestamp(seconds, tz=UTC)
    item = Cosignature(head.size, peer.gateway, own, line, at)
    if not await gateway.database.write(_keep, head, item):
        # We signed this once and have another tree now: our database is not what it was.
        get_logger().error("own_ledger_contradicted", peer=peer.gateway, count=head.size)
        raise _refused("this is not the ledger's tree")


def _keep(connection: Connection, head: Checkpoint, item: Cosignature) -> bool:
    if head.size > ledger.head(connection).size:
        return False
    if ledger.tree(connection).root(head.size) != head.root:
        return False
    cosignatures.put(connection, item)
    return True


def _refused(why: str) -> ProblemError:
    return ProblemError(
        "invalid_input", errors=[FieldError(pointer="/checkpoint", detail=f"Refused: {why}.")]
    )
