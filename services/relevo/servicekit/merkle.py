"""The Merkle tree of a ledger, RFC 9162 §2.1, as pure functions over stored hashes.

A node is named by height and index: leaf `i` is `(0, i)`, and `(h, i)` is the root over the leaves
from `i << h` to `(i + 1) << h`. Only complete nodes at heights that are multiples of eight need to be
stored (leaves, roots of 256 leaves, of 65,536 …); everything else is computed from at most 256 of
them, so a proof costs a few range reads at any size.

Appending needs nothing but the frontier: the roots of the complete trees that the leaves so far fall
into, the largest first.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

STORED_EVERY: Final = 8
"""Heights that are stored: 0, 8, 16 …"""
_TILE: Final = 1 << STORED_EVERY

Hash = bytes
ReadNodes = Callable[[int, int, int], Sequence[Hash]]
"""`read(height, first, count)`: stored hashes in order, fewer where the tree ends.

The height is a multiple of `STORED_EVERY`.
"""

EMPTY_ROOT: Final = hashlib.sha256(b"").digest()


class ProofError(ValueError):
    """A proof does not show what it should, or nothing can be proved about such sizes."""


def leaf_hash(data: bytes) -> Hash:
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: Hash, right: Hash) -> Hash:
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Appended:
    """A tree after leaves were added.

    Attributes:
        first: Index of the first new leaf.
        size: Leaves altogether.
        root: Root over all of them.
        frontier: To go on from.
        completed: `(height, index, hash)` of each node that became complete at a height above zero
            that is stored.
        proofs: For each new leaf, its inclusion proof in this tree.
    """

    first: int
    size: int
    root: Hash
    frontier: list[Hash]
    completed: list[tuple[int, int, Hash]]
    proofs: list[list[Hash]]


def append(frontier: Sequence[Hash], size: int, leaves: Sequence[Hash]) -> Appended:
    """Adds leaf hashes to a tree of which only size and frontier are known.

    Raises:
        ProofError: The frontier is not one of a tree of this size.
    """
    if len(frontier) != size.bit_count():
        raise ProofError("the frontier does not fit the size")
    levels = _levels_of(frontier, size)
    end = size + len(leaves)
    levels[0].update(enumerate(leaves, start=size))
    completed: list[tuple[int, int, Hash]] = []
    height = 0
    while end >> (height + 1):
        below, above = levels[height], levels[height + 1]
        for index in range(size >> (height + 1), end >> (height + 1)):
            above[index] = node_hash(below[2 * index], below[2 * index + 1])
        height += 1
        if height % STORED_EVERY == 0:
            completed += (
                (height, index, above[index]) for index in range(size >> height, end >> height)
            )
    edges = _edges(levels, end)
    return Appended(
        first=size,
        size=end,
        root=edges[-1] if edges else EMPTY_ROOT,
        frontier=[
            levels[height][(end >> height) - 1]
            for height in range(end.bit_length() - 1, -1, -1)
            if end >> height & 1
        ],
        completed=completed,
        proofs=[_path(levels, edges, index, end) for index in range(size, end)],
    )


class _Levels(dict[int, dict[int, Hash]]):
    def __missing__(self, height: int) -> dict[int, Hash]:
        level: dict[int, Hash] = {}
        self[height] = level
        return level


def _levels_of(frontier: Sequence[Hash], size: int) -> _Levels:
    levels = _Levels()
    heights = (height for height in range(size.bit_length() - 1, -1, -1) if size >> height & 1)
    for height, value in zip(heights, frontier, strict=True):
        levels[height][(size >> height) - 1] = value
    return levels


def _edges(levels: _Levels, size: int) -> list[Hash]:
    """At each height the root over the leaves behind its last complete node; the tree's root last."""
    edges: list[Hash] = []
    edge: Hash | None = None
    for height in range(size.bit_length()):
        edges.append(edge or b"")
        if size >> height & 1:
            last = levels[height][(size >> height) - 1]
            edge = last if edge is None else node_hash(last, edge)
    if edge is not None:
        edges.append(edge)
    return edges


def _path(levels: _Levels, edges: list[Hash], index: int, size: int) -> list[Hash]:
    proof: list[Hash] = []
    height = 0
    while (1 << height) < size:
        sibling = (index >> height) ^ 1
        complete = size >> height
        if sibling < complete:
            proof.append(levels[height][sibling])
        elif sibling == complete and edges[height]:
            proof.append(edges[height])
        height += 1
    return proof


# -- proofs from stored nodes -----------------------------------------------------------------------


class Tree:
    """Roots and proofs of a stored tree, at its present size or any earlier one."""

    def __init__(self, read: ReadNodes) -> None:
        self._read = read
        self._known: dict[tuple[int, int], Hash] = {}
        self._tiles: dict[tuple[int, int], Sequence[Hash]] = {}

    def root(self, size: int) -> Hash:
        """The root when the tree had this size."""
        return EMPTY_ROOT if size == 0 else self._range(0, size)

    def leaf(self, index: int) -> Hash:
        """The hash of a leaf."""
        return self._stored(0, index)

    def inclusion(self, index: int, size: int) -> list[Hash]:
        """Proof that a leaf stands in the tree of this size (RFC 9162 §2.1.3.1).

        Raises:
            ProofError: There is no such leaf in it.
        """
        if not 0 <= index < size:
            raise ProofError("no such leaf in a tree of this size")
        proof: list[Hash] = []
        first, end = 0, size
        while end - first > 1:
            middle = first + _split(end - first)
            if index < middle:
                proof.append(self._range(middle, end))
                end = middle
            else:
                proof.append(self._range(first, middle))
                first = middle
        proof.reverse()
        return proof

    def consistency(self, older: int, newer: int) -> list[Hash]:
        """Proof that the older tree is a prefix of the newer (RFC 9162 §2.1.4.1).

        Raises:
            ProofError: The sizes are not in this order, or the older tree is empty.
        """
        if not 0 < older <= newer:
            raise ProofError("consistency is between two sizes, the older first, not zero")
        proof: list[Hash] = []
        first, end, whole = 0, newer, True
        while older != end:
            middle = first + _split(end - first)
            if older <= middle:
                proof.append(self._range(middle, end))
                end = middle
            else:
                proof.append(self._range(first, middle))
                first, whole = middle, False
        if not whole:
            proof.append(self._range(first, end))
        proof.reverse()
        return proof

    def _range(self, first: int, end: int) -> Hash:
        count = end - first
        if count & (count - 1) == 0:
            return self._node(count.bit_length() - 1, first >> (count.bit_length() - 1))
        middle = first + _split(count)
        return node_hash(self._range(first, middle), self._range(middle, end))

    def _node(self, height: int, index: int) -> Hash:
        known = self._known.get((height, index))
        if known is not None:
            return known
        stored = height - height % STORED_EVERY
        if height == stored:
            value = self._stored(height, index)
        else:
            value = node_hash(
                self._node(height - 1, 2 * index), self._node(height - 1, 2 * index + 1)
            )
        self._known[height, index] = value
        return value

    def _stored(self, height: int, index: int) -> Hash:
        tile, offset = divmod(index, _TILE)
        hashes = self._tiles.get((height, tile))
        if hashes is None:
            hashes = self._read(height, tile * _TILE, _TILE)
            self._tiles[height, tile] = hashes
        if offset >= len(hashes):
            raise ProofError("the tree is not that large")
        return hashes[offset]


def _split(count: int) -> int:
    """The largest power of two below a number."""
    return 1 << ((count - 1).bit_length() - 1)


# -- verification -----------------------------------------------------------------------------------


def verify_inclusion(leaf: Hash, index: int, size: int, proof: Sequence[Hash], root: Hash) -> None:
    """Checks that a leaf stands at an index of the tree with this root (RFC 9162 §2.1.3.2).

    Raises:
        ProofError: It is not shown.
    """
    if not 0 <= index < size:
        raise ProofError("no such leaf in a tree of this size")
    place, last, value = index, size - 1, leaf
    for step in proof:
        if last == 0:
            raise ProofError("the proof is too long")
        if place & 1 or place == last:
            value = node_hash(step, value)
            while not place & 1 and place != 0:
                place >>= 1
                last >>= 1
        else:
            value = node_hash(value, step)
        place >>= 1
        last >>= 1
    if last != 0 or value != root:
        raise ProofError("the proof does not lead to the root")


def verify_consistency(
    older: int, newer: int, proof: Sequence[Hash], older_root: Hash, newer_root: Hash
) -> None:
    """Checks that nothing of an older tree was changed in a newer one (RFC 9162 §2.1.4.2).

    Raises:
        ProofError: It is not shown.
    """
    if not 0 <= older <= newer:
        raise ProofError("a ledger never shrinks")
    if older in {0, newer}:
        expected = EMPTY_ROOT if older == 0 < newer else newer_root
        if proof or older_root != expected:
            raise ProofError("one size has one root, and nothing more is to be proved")
        return
    steps = [older_root, *proof] if older & (older - 1) == 0 else list(proof)
    if not steps or _climb(older - 1, newer - 1, steps) != (older_root, newer_root):
        raise ProofError("the proof does not lead from the older root to the newer")


def _climb(place: int, last: int, steps: Sequence[Hash]) -> tuple[Hash, Hash]:
    """Both roots that a consistency proof leads to (RFC 9162 §2.1.4.2, steps 5 and 6)."""
    while place & 1:
        place >>= 1
        last >>= 1
    old_value = new_value = steps[0]
    for step in steps[1:]:
        if last == 0:
            raise ProofError("the proof is too long")
        if place & 1 or place == last:
            old_value = node_hash(step, old_value)
            new_value = node_hash(step, new_value)
            while not place & 1 and place != 0:
                place >>= 1
                last >>= 1
        else:
            new_value = node_hash(new_value, step)
        place >>= 1
        last >>= 1
    if last != 0:
        raise ProofError("the proof is too short")
    return old_value, new_value
