"""Reading this gateway's own ledger: its signed head, and proofs about what stands in it."""

from typing import Final

from sqlalchemy import Connection

from relevo.contracts.ledger import ConsistencyProof, InclusionProof
from relevo.contracts.problem import FieldError, ProblemError
from relevo.gateway.storage import cosignatures, ledger
from relevo.servicekit import checkpoint, merkle

from .context import Gateway

MOST_WITNESSES: Final = 24
"""As many lines as surely fit into one note."""


async def newest_checkpoint(gateway: Gateway, *, witnessed: bool) -> str:
    """The newest head as a signed note, with the cosignatures that there are for it.

    Args:
        gateway: This gateway.
        witnessed: Whether it must have a cosignature. The ledger grows faster than witnesses look.

    Raises:
        ProblemError: `not_found`, no witness has signed any yet.
    """
    return await gateway.database.read(_checkpoint, gateway, witnessed=witnessed)


def _checkpoint(connection: Connection, gateway: Gateway, *, witnessed: bool) -> str:
    if witnessed:
        found = cosignatures.newest(connection)
        if found is None:
            raise ProblemError("not_found")
        size, note = found
    else:
        head = ledger.head(connection)
        size, note = head.size, head.checkpoint or _empty(gateway)
    return note + "".join(cosignatures.lines(connection, size, limit=MOST_WITNESSES))


def _empty(gateway: Gateway) -> str:
    """A ledger without entries has a head, too, so that witnesses can begin to look."""
    head = checkpoint.Checkpoint(checkpoint.origin_of(gateway.name), 0, merkle.EMPTY_ROOT)
    return checkpoint.sign(head, gateway.keys.signing[0])


async def inclusion(gateway: Gateway, index: int, tree_size: int) -> InclusionProof:
    """Proof that an entry stands in the tree of this size.

    Raises:
        ProblemError: `invalid_input`, there is no such entry or the tree is not that large.
    """
    return await gateway.database.read(_inclusion, index, tree_size)


def _inclusion(connection: Connection, index: int, tree_size: int) -> InclusionProof:
    _check_size(connection, "tree_size", tree_size)
    if index >= tree_size:
        raise _out_of_range("index", "This must be less than tree_size.")
    leaf_hash = ledger.leaf_hash_at(connection, index)
    if leaf_hash is None:
        raise _out_of_range("index", "There is no such entry.")
    proof = ledger.tree(connection).inclusion(index, tree_size)
    return InclusionProof(
        index=index,
        tree_size=tree_size,
        leaf_hash=leaf_hash.hex(),
        proof=[step.hex() for step in proof],
    )


async def consistency(gateway: Gateway, older: int, newer: int) -> ConsistencyProof:
    """Proof that the tree of one size is the beginning of the tree of another.

    Raises:
        ProblemError: `invalid_input`, the sizes are not in order or the ledger is not that large.
    """
    return await gateway.database.read(_consistency, older, newer)


def _consistency(connection: Connection, older: int, newer: int) -> ConsistencyProof:
    _check_size(connection, "to", newer)
    if older > newer:
        raise _out_of_range("from", "This must be at most `to`.")
    # Everything begins with the empty tree, and that needs no proof.
    proof = ledger.tree(connection).consistency(older, newer) if older else []
    return ConsistencyProof(from_size=older, to_size=newer, proof=[step.hex() for step in proof])


def _check_size(connection: Connection, parameter: str, size: int) -> None:
    now = ledger.head(connection).size
    if size > now:
        raise _out_of_range(parameter, f"The ledger has {now} entries now.")


def _out_of_range(parameter: str, detail: str) -> ProblemError:
    # Parameters have no JSON pointer; this is how every service names them.
    return ProblemError(
        "invalid_input", errors=[FieldError(pointer="", detail=f"query {parameter}: {detail}")]
    )
