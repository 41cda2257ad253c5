"""The tree against RFC 6962's known roots and proofs, a plain reference, and every size to 70."""

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relevo.servicekit import merkle
from relevo.servicekit.merkle import ProofError

# The leaves and roots of the Certificate Transparency reference implementation's own test.
CT_LEAVES = [
    bytes.fromhex(text)
    for text in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
CT_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
CT_INCLUSION = [
    (0, 1, []),
    (
        0, 8,
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        5, 8,
        [
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
]  # fmt: skip
CT_CONSISTENCY = [
    (1, 1, []),
    (
        1, 8,
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        6, 8,
        [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
]  # fmt: skip


class StoredTree:
    """Keeps what a ledger's tables keep: leaves, completed nodes, the frontier."""

    def __init__(self) -> None:
        self.nodes: dict[tuple[int, int], bytes] = {}
        self.frontier: list[bytes] = []
        self.size = 0

    def append(self, leaves: Sequence[bytes]) -> merkle.Appended:
        added = merkle.append(self.frontier, self.size, leaves)
        for index, leaf in enumerate(leaves, start=self.size):
            self.nodes[0, index] = leaf
        for height, index, value in added.completed:
            self.nodes[height, index] = value
        self.frontier, self.size = added.frontier, added.size
        return added

    def read(self, height: int, first: int, count: int) -> list[bytes]:
        assert height % merkle.STORED_EVERY == 0
        wanted = range(first, first + count)
        return [self.nodes[height, index] for index in wanted if (height, index) in self.nodes]

    def tree(self) -> merkle.Tree:
        return merkle.Tree(self.read)


def reference_root(leaves: Sequence[bytes]) -> bytes:
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return hashlib.sha256(
        b"\x01" + reference_root(leaves[:half]) + reference_root(leaves[half:])
    ).digest()


def leaves_of(count: int) -> list[bytes]:
    return [merkle.leaf_hash(str(number).encode()) for number in range(count)]


def grown(count: int, step: int = 1) -> StoredTree:
    stored = StoredTree()
    leaves = leaves_of(count)
    for first in range(0, count, step):
        stored.append(leaves[first : first + step])
    return stored


def ct_tree() -> StoredTree:
    stored = StoredTree()
    stored.append([merkle.leaf_hash(leaf) for leaf in CT_LEAVES])
    return stored


def test_roots_are_those_of_rfc_6962() -> None:
    tree = ct_tree().tree()
    assert tree.root(0).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert [tree.root(size).hex() for size in range(1, 9)] == CT_ROOTS


@pytest.mark.parametrize(("index", "size", "proof"), CT_INCLUSION)
def test_inclusion_proofs_are_those_of_rfc_6962(index: int, size: int, proof: list[str]) -> None:
    assert [step.hex() for step in ct_tree().tree().inclusion(index, size)] == proof


@pytest.mark.parametrize(("older", "newer", "proof"), CT_CONSISTENCY)
def test_consistency_proofs_are_those_of_rfc_6962(older: int, newer: int, proof: list[str]) -> None:
    assert [step.hex() for step in ct_tree().tree().consistency(older, newer)] == proof


def test_every_size_to_70_has_the_reference_root_and_proves_every_leaf() -> None:
    leaves = leaves_of(70)
    tree = grown(70).tree()
    for size in range(1, 71):
        root = reference_root(leaves[:size])
        assert tree.root(size) == root
        for index in range(size):
            proof = tree.inclusion(index, size)
            merkle.verify_inclusion(leaves[index], index, size, proof, root)


def test_every_pair_of_sizes_to_70_is_proved_consistent() -> None:
    tree = grown(70).tree()
    roots = [tree.root(size) for size in range(71)]
    for newer in range(1, 71):
        for older in range(1, newer + 1):
            proof = tree.consistency(older, newer)
            merkle.verify_consistency(older, newer, proof, roots[older], roots[newer])


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(min_value=0, max_value=150), min_size=1, max_size=6))
def test_appending_in_any_batches_gives_one_tree_and_proofs_that_hold(sizes: list[int]) -> None:
    leaves = leaves_of(sum(sizes))
    stored = StoredTree()
    for count in sizes:
        added = stored.append(leaves[stored.size : stored.size + count])
        assert added.root == reference_root(leaves[: added.size])
        assert added.root == stored.tree().root(added.size)
        for index, proof in enumerate(added.proofs, start=added.first):
            assert proof == stored.tree().inclusion(index, added.size)
            merkle.verify_inclusion(leaves[index], index, added.size, proof, added.root)


def test_proofs_cross_stored_heights() -> None:
    stored = grown(1000, step=100)
    assert (8, 2) in stored.nodes
    tree = stored.tree()
    for index in (0, 255, 256, 511, 767, 768, 999):
        merkle.verify_inclusion(
            leaves_of(1000)[index], index, 1000, tree.inclusion(index, 1000), tree.root(1000)
        )
    merkle.verify_consistency(
        300, 1000, tree.consistency(300, 1000), tree.root(300), tree.root(1000)
    )


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_changed_inclusion_proof_never_holds(data: st.DataObject) -> None:
    size = data.draw(st.integers(min_value=1, max_value=40))
    index = data.draw(st.integers(min_value=0, max_value=size - 1))
    tree, leaf = grown(size).tree(), leaves_of(size)[index]
    proof, root = tree.inclusion(index, size), tree.root(size)
    other = b"\x07" * 32
    change = data.draw(st.sampled_from(["longer", "shorter", "step", "leaf", "root", "index"]))
    if change == "longer":
        proof = [*proof, other]
    elif change == "shorter":
        proof = proof[:-1] if proof else [other]
    elif change == "step":
        proof = [other, *proof[1:]]
    elif change == "leaf":
        leaf = other
    elif change == "root":
        root = other
    else:
        index = size
    with pytest.raises(ProofError):
        merkle.verify_inclusion(leaf, index, size, proof, root)


def test_a_rewritten_past_is_never_consistent() -> None:
    leaves = leaves_of(50)
    honest = StoredTree()
    honest.append(leaves)
    for older in range(1, 50):
        forged = StoredTree()
        forged.append([b"\x01" * 32, *leaves[1:]])
        proof = forged.tree().consistency(older, 50)
        with pytest.raises(ProofError):
            merkle.verify_consistency(
                older, 50, proof, honest.tree().root(older), forged.tree().root(50)
            )


def test_a_ledger_that_shrank_is_refused() -> None:
    tree = grown(9).tree()
    with pytest.raises(ProofError):
        merkle.verify_consistency(9, 8, [], tree.root(9), tree.root(8))


def test_one_size_with_two_roots_is_refused() -> None:
    with pytest.raises(ProofError):
        merkle.verify_consistency(4, 4, [], b"\x01" * 32, b"\x02" * 32)


def test_nothing_is_proved_about_leaves_that_are_not_there() -> None:
    tree = grown(5).tree()
    for index, size in ((5, 5), (-1, 5), (0, 0)):
        with pytest.raises(ProofError):
            tree.inclusion(index, size)
    for older, newer in ((0, 5), (6, 5)):
        with pytest.raises(ProofError):
            tree.consistency(older, newer)
    with pytest.raises(ProofError):
        tree.root(6)


def test_a_frontier_of_another_size_is_refused() -> None:
    with pytest.raises(ProofError):
        merkle.append([b"\x01" * 32], 3, [])
