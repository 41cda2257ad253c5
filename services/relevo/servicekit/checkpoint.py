"""Signed heads of a ledger in the C2SP forms signed-note, tlog-checkpoint and tlog-cosignature v1.

A checkpoint is a text of three lines (origin, size, root) with signature lines below:

    relevo.example/ledger/gateway.mx
    1201
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

    — relevo.example/ledger/gateway.mx Az3grlgtzPICa5OS…
    — gateway.gt 2kWbPz…

The first signature is the ledger's own; the others are witnesses' cosignatures, which hold a time.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from joserfc.jwk import OKPKey

from . import jose, merkle

MAX_NOTE_CHARS: Final = 8000
MAX_SIGNATURES: Final = 32
_ED25519: Final = 0x01
_COSIGNATURE: Final = 0x04
_SIGNATURE_LINE: Final = re.compile(r"— (?P<name>[^\s+]+) (?P<signature>[A-Za-z0-9+/]+={0,2})")
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,18}")


class CheckpointError(ValueError):
    """Not a checkpoint, or nobody whom we know signed it."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a ledger says of itself: how many entries, and the root over them."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """The signed part."""
        root = base64.b64encode(self.root).decode("ascii")
        return f"{self.origin}\n{self.size}\n{root}\n"


def origin_of(gateway: str) -> str:
    """The name of a gateway's ledger, which is also the name of the key that signs it."""
    return f"relevo.example/ledger/{gateway}"


def sign(checkpoint: Checkpoint, key: OKPKey) -> str:
    """A signed note: the checkpoint with the ledger's own signature."""
    text = checkpoint.text()
    signature = jose.sign_raw(text.encode(), key)
    return f"{text}\n" + _line(checkpoint.origin, key, _ED25519, signature)


def cosign(note: str, *, name: str, key: OKPKey, time: int) -> str:
    """A witness's signature line for a checkpoint that it has found consistent.

    Args:
        note: The signed note.
        name: The witness's own name; a gateway's id.
        key: The witness's key.
        time: Seconds since 1970, when it looked.
    """
    text, _ = _split(note)
    signature = jose.sign_raw(_cosigned_text(text, time), key)
    return _line(name, key, _COSIGNATURE, time.to_bytes(8, "big") + signature)


def verify(note: str, *, origin: str, keys: Sequence[OKPKey]) -> Checkpoint:
    """The checkpoint of a note that the ledger itself signed.

    Raises:
        CheckpointError: It is another ledger's, malformed, or none of the keys signed it.
    """
    return _verify(note, origin, tuple(map(_public_bytes, keys)))


@lru_cache(maxsize=64)  # one checkpoint serves every receipt of a batch
def _verify(note: str, origin: str, public_keys: tuple[bytes, ...]) -> Checkpoint:
    text, lines = _split(note)
    checkpoint = parse(text)
    if checkpoint.origin != origin:
        raise CheckpointError("the checkpoint is of another ledger")
    keys = (Ed25519PublicKey.from_public_bytes(public) for public in public_keys)
    if not any(_signed_by(text, lines, origin, OKPKey.import_key(key)) for key in keys):
        raise CheckpointError("the ledger's own signature is missing or wrong")
    return checkpoint


def verify_cosignature(note: str, *, name: str, keys: Sequence[OKPKey]) -> int:
    """When a witness looked at the checkpoint of this note, in seconds since 1970.

    Raises:
        CheckpointError: The witness has not signed it.
    """
    text, lines = _split(note)
    for found, raw in lines:
        if found != name or len(raw) != 4 + 8 + 64:
            continue
        time = int.from_bytes(raw[4:12], "big")
        for key in keys:
            if raw[:4] != key_id(name, key, _COSIGNATURE):
                continue
            try:
                jose.verify_raw(_cosigned_text(text, time), raw[12:], key)
            except jose.BadSignatureError:
                continue
            return time
    raise CheckpointError("this witness has not signed the checkpoint")


def cosignature_line(note: str, *, name: str) -> str:
    """The line of a note that is signed in this name.

    Raises:
        CheckpointError: There is none.
    """
    _split(note)
    for line in note.partition("\n\n")[2].splitlines():
        if line.startswith(f"— {name} "):
            return line + "\n"
    raise CheckpointError("this witness has not signed the checkpoint")


def parse(text: str) -> Checkpoint:
    """A checkpoint's text without its signatures. Further lines are allowed and ignored.

    Raises:
        CheckpointError: It is not one.
    """
    lines = text.split("\n")
    if len(lines) < 4 or lines[-1] or not lines[0] or not _NUMBER.fullmatch(lines[1]):
        raise CheckpointError("not a checkpoint")
    try:
        root = base64.b64decode(lines[2], validate=True)
    except (binascii.Error, ValueError):
        raise CheckpointError("not a checkpoint") from None
    if len(root) != 32:
        raise CheckpointError("not a checkpoint")
    return Checkpoint(lines[0], int(lines[1]), root)


def verify_leaf(
    leaf: bytes, *, index: int, proof: Sequence[str], note: str, origin: str, keys: Sequence[OKPKey]
) -> Checkpoint:
    """Checks that a signed checkpoint covers a leaf: what a receipt claims.

    Args:
        leaf: The leaf's bytes.
        index: Its place in the ledger.
        proof: Inclusion proof, hashes in hex.
        note: The signed checkpoint.
        origin: Name of the ledger.
        keys: The gateway's signing keys.

    Raises:
        CheckpointError: The checkpoint is not the ledger's.
        merkle.ProofError: It does not cover the leaf.
    """
    checkpoint = verify(note, origin=origin, keys=keys)
    hashes = [bytes.fromhex(item) for item in proof]
    merkle.verify_inclusion(merkle.leaf_hash(leaf), index, checkpoint.size, hashes, checkpoint.root)
    return checkpoint


def key_id(name: str, key: OKPKey, kind: int = _ED25519) -> bytes:
    """The four bytes by which a signed note tells keys of one name apart."""
    public = _public_bytes(key)
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:4]


def _public_bytes(key: OKPKey) -> bytes:
    return bytes(key.public_key.public_bytes_raw())


def _line(name: str, key: OKPKey, kind: int, signature: bytes) -> str:
    encoded = base64.b64encode(key_id(name, key, kind) + signature).decode("ascii")
    return f"— {name} {encoded}\n"


def _cosigned_text(text: str, time: int) -> bytes:
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def _split(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    """The signed text, and the names and raw signatures below it."""
    if len(note) > MAX_NOTE_CHARS:
        raise CheckpointError("the note is too long")
    text, gap, signatures = note.rpartition("\n\n")
    if not gap or not signatures.endswith("\n"):
        raise CheckpointError("not a signed note")
    lines: list[tuple[str, bytes]] = []
    for line in signatures[:-1].split("\n"):
        found = _SIGNATURE_LINE.fullmatch(line)
        if found is None or len(lines) >= MAX_SIGNATURES:
            raise CheckpointError("not a signed note")
        try:
            raw = base64.b64decode(found["signature"], validate=True)
        except (binascii.Error, ValueError):
            raise CheckpointError("not a signed note") from None
        if len(raw) < 5:
            raise CheckpointError("not a signed note")
        lines.append((found["name"], raw))
    return text + "\n", lines


def _signed_by(text: str, lines: list[tuple[str, bytes]], name: str, key: OKPKey) -> bool:
    expected = key_id(name, key)
    for found, raw in lines:
        if found != name or raw[:4] != expected:
            continue
        try:
            jose.verify_raw(text.encode(), raw[4:], key)
        except jose.BadSignatureError:
            continue
        return True
    return False
