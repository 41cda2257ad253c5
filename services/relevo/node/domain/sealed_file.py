"""A file as sealed pieces: AES-256-GCM under a key that is used for this one file and never again."""

from collections.abc import Iterator
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from relevo.contracts.attachment import BLOB_BYTES, piece_sizes

_NONCE_BYTES: Final = 12


class UnopenableError(ValueError):
    """A piece that was not sealed with this key, for this file, at this place."""


def pieces(content: bytes) -> Iterator[bytes]:
    """The padded pieces of a file, in order."""
    for position, size in enumerate(piece_sizes(len(content))):
        start = position * BLOB_BYTES
        yield content[start : start + BLOB_BYTES].ljust(size, b"\0")


def seal_piece(key: bytes, piece: bytes, *, file_id: str, size: int, position: int) -> bytes:
    """One padded piece, sealed; the same bytes whenever it is done again.

    The key belongs to one file, so the position can be the nonce. File, size and place are bound to it:
    a piece cannot be put elsewhere, and none can be left out.
    """
    return AESGCM(key).encrypt(_nonce(position), piece, _bound(file_id, size, position))


def open_piece(key: bytes, sealed: bytes, *, file_id: str, size: int, position: int) -> bytes:
    """One padded piece.

    Raises:
        UnopenableError: It was sealed with another key or for another place, or is damaged.
    """
    try:
        return AESGCM(key).decrypt(_nonce(position), sealed, _bound(file_id, size, position))
    except InvalidTag:
        raise UnopenableError("a piece does not open here") from None


def _nonce(position: int) -> bytes:
    return position.to_bytes(_NONCE_BYTES, "big")


def _bound(file_id: str, size: int, position: int) -> bytes:
    return f"relevo-blob/1/{file_id}/{size}/{position}".encode()
