"""The secret that opens the stored signing keys: one file beside the service, never in the database.

A copy of the database alone, such as a backup, signs nothing.
"""

import os
import secrets
import stat
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from relevo.auth.exceptions import WrappingKeyError

FILE_NAME: Final = "auth-wrapping.key"
_NONCE_BYTES: Final = 12
_KEY_BYTES: Final = 32


class WrappingKey:
    """AES-256-GCM under the secret of one file; the key's name is authenticated with it."""

    def __init__(self, secret: bytes) -> None:
        self._cipher = AESGCM(secret)

    def wrap(self, private: bytes, kid: str) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, private, kid.encode())

    def unwrap(self, wrapped: bytes, kid: str) -> bytes:
        try:
            return self._cipher.decrypt(
                wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], kid.encode()
            )
        except InvalidTag as error:
            raise WrappingKeyError(
                f"{FILE_NAME} is not the one under which the signing keys of this database were stored; "
                "put the right file back, or rotate keys at once"
            ) from error


def load(directory: Path) -> WrappingKey | None:
    """The secret, or None when there is no file yet.

    Raises:
        WrappingKeyError: Others may read the file, or it is damaged.
    """
    path = directory / FILE_NAME
    try:
        mode = path.stat().st_mode
        content = path.read_text("ascii").strip()
    except FileNotFoundError:
        return None
    if stat.S_IMODE(mode) & 0o077:
        raise WrappingKeyError(f"{path} may be read by others: chmod 600 it, then rotate keys")
    try:
        secret = b64decode(content, validate=True)
    except ValueError:
        secret = b""
    if len(secret) != _KEY_BYTES:
        raise WrappingKeyError(f"{path} is damaged: it must hold 32 bytes in base64")
    return WrappingKey(secret)


def create(directory: Path) -> WrappingKey:
    """Makes the secret; when another process was quicker, takes that one's."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Written aside and linked into place, so that nobody ever reads half of it.
    draft = directory / f".{FILE_NAME}.{secrets.token_hex(8)}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(b64encode(secrets.token_bytes(_KEY_BYTES)) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, directory / FILE_NAME)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    made = load(directory)
    if made is None:
        raise WrappingKeyError(f"{directory / FILE_NAME} vanished while it was made")
    return made
