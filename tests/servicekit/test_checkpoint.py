"""Signed notes: ours verify, the published examples verify, anything else does not."""

import base64
from collections.abc import Callable

import pytest

from relevo.servicekit import checkpoint as notes
from relevo.servicekit import jose, merkle
from relevo.servicekit.checkpoint import Checkpoint, CheckpointError

ORIGIN = notes.origin_of("gateway.mx")


def a_checkpoint(size: int = 3) -> Checkpoint:
    return Checkpoint(ORIGIN, size, merkle.leaf_hash(str(size).encode()))


def test_a_signed_checkpoint_verifies_with_the_ledgers_key() -> None:
    key = jose.generate_signing_key()
    other = jose.generate_signing_key()
    note = notes.sign(a_checkpoint(), key)
    assert notes.verify(note, origin=ORIGIN, keys=[other, key]) == a_checkpoint()


def test_the_note_has_the_lines_of_the_published_form() -> None:
    key = jose.generate_signing_key()
    note = notes.sign(a_checkpoint(), key)
    origin, size, root, gap, signature, end = note.split("\n")
    assert (origin, size, gap, end) == (ORIGIN, "3", "", "")
    assert len(base64.b64decode(root)) == 32
    mark, name, encoded = signature.split(" ")
    assert (mark, name) == ("—", ORIGIN)
    assert len(base64.b64decode(encoded)) == 4 + 64


def test_the_example_of_the_signed_note_package_verifies() -> None:
    # golang.org/x/mod/sumdb/note, the key and message of its documentation.
    public = base64.b64decode("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    assert public[0] == 1
    key = jose.import_public_key(
        {
            "kty": "OKP",
            "crv": "Ed25519",
            "x": base64.urlsafe_b64encode(public[1:]).decode().rstrip("="),
        }
    )
    assert notes.key_id("PeterNeumann", key).hex() == "c74f20a3"
    text = (
        "If you think cryptography is the answer to your problem,\n"
        "then you don't know what your problem is.\n"
    )
    raw = base64.b64decode(
        "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
    )
    assert raw[:4] == notes.key_id("PeterNeumann", key)
    jose.verify_raw(text.encode(), raw[4:], key)


def test_a_cosignature_holds_its_time_and_verifies_by_name() -> None:
    ledger, witness = jose.generate_signing_key(), jose.generate_signing_key()
    note = notes.sign(a_checkpoint(), ledger)
    line = notes.cosign(note, name="gateway.gt", key=witness, time=1_700_000_000)
    both = note + line
    assert notes.verify(both, origin=ORIGIN, keys=[ledger]) == a_checkpoint()
    assert notes.verify_cosignature(both, name="gateway.gt", keys=[witness]) == 1_700_000_000
    assert notes.cosignature_line(both, name="gateway.gt") == line
    raw = base64.b64decode(line.split(" ")[2])
    assert len(raw) == 4 + 8 + 64


def test_a_witness_signs_another_text_than_the_ledger() -> None:
    # A cosignature must never pass for the ledger's own signature, even with one key and name.
    key = jose.generate_signing_key()
    note = notes.sign(a_checkpoint(), key)
    line = notes.cosign(note, name=ORIGIN, key=key, time=5)
    alone = a_checkpoint().text() + "\n" + line
    with pytest.raises(CheckpointError):
        notes.verify(alone, origin=ORIGIN, keys=[key])


@pytest.mark.parametrize(
    "change",
    [
        lambda note: note.replace("\n3\n", "\n4\n"),
        lambda note: note.replace("gateway.mx", "gateway.hn"),
        lambda note: note[:-2],
        lambda note: note.partition("\n\n")[0] + "\n",
        lambda note: note.replace("— ", "- "),
        lambda note: note.replace("\n3\n", "\n03\n"),
        lambda note: note + "x" * 9000,
        lambda _: "",
        lambda note: note.replace("\n3\n", "\n-1\n"),
    ],
)
def test_a_changed_checkpoint_is_refused(change: Callable[[str], str]) -> None:
    key = jose.generate_signing_key()
    with pytest.raises(CheckpointError):
        notes.verify(change(notes.sign(a_checkpoint(), key)), origin=ORIGIN, keys=[key])


def test_another_ledgers_checkpoint_and_another_key_are_refused() -> None:
    key = jose.generate_signing_key()
    note = notes.sign(a_checkpoint(), key)
    with pytest.raises(CheckpointError):
        notes.verify(note, origin=notes.origin_of("gateway.gt"), keys=[key])
    with pytest.raises(CheckpointError):
        notes.verify(note, origin=ORIGIN, keys=[jose.generate_signing_key()])


def test_a_cosignature_of_nobody_we_know_is_refused() -> None:
    ledger, witness = jose.generate_signing_key(), jose.generate_signing_key()
    note = notes.sign(a_checkpoint(), ledger)
    both = note + notes.cosign(note, name="gateway.gt", key=witness, time=7)
    for name, key in (("gateway.hn", witness), ("gateway.gt", jose.generate_signing_key())):
        with pytest.raises(CheckpointError):
            notes.verify_cosignature(both, name=name, keys=[key])
    with pytest.raises(CheckpointError):
        notes.cosignature_line(both, name="gateway.hn")


def test_a_leaf_is_covered_by_its_checkpoint_and_by_no_other() -> None:
    key = jose.generate_signing_key()
    leaves = [b"one", b"two", b"three"]
    added = merkle.append([], 0, [merkle.leaf_hash(leaf) for leaf in leaves])
    note = notes.sign(Checkpoint(ORIGIN, added.size, added.root), key)
    proof = [step.hex() for step in added.proofs[1]]
    covered = notes.verify_leaf(b"two", index=1, proof=proof, note=note, origin=ORIGIN, keys=[key])
    assert covered.size == 3
    with pytest.raises(merkle.ProofError):
        notes.verify_leaf(b"four", index=1, proof=proof, note=note, origin=ORIGIN, keys=[key])
