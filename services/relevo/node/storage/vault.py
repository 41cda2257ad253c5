"""Personal data is sealed per person; destroying a person's key is erasing her.

Data keys are wrapped by a master key and kept in a database of their own, backed up apart, so that
neither a copy of the main database nor one of the keys alone tells anything. Keys are made in
advance, so that taking one costs no extra durable write.
"""

import hmac
import json
import os
import threading
from collections import OrderedDict
from collections.abc import Collection
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap, aes_key_wrap
from sqlalchemy import Column, Connection, LargeBinary, MetaData, String, Table, delete, select

from relevo.servicekit.columns import naming_convention
from relevo.servicekit.database import Database, insert_or_ignore
from relevo.servicekit.ids import random_id

_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_BLIND_BYTES: Final = 16
_MADE_AT_ONCE: Final = 64
_KEPT_OPEN: Final = 4096
_FETCHED_AT_ONCE: Final = 500

DATA_KEYS: Final = MetaData(naming_convention=naming_convention)
_data_key = Table(
    "data_key",
    DATA_KEYS,
    Column("id", String(36), primary_key=True),
    Column("wrapped", LargeBinary, nullable=False),
)


def _wrapped(connection: Connection, key_ids: list[str]) -> list[tuple[str, bytes]]:
    query = select(_data_key.c.id, _data_key.c.wrapped).where(_data_key.c.id.in_(key_ids))
    return [(row.id, row.wrapped) for row in connection.execute(query)]


class ErasedError(LookupError):
    """The key of this data was destroyed: the person was erased."""


def create_master_key(path: Path) -> None:
    """Makes the key that wraps all others, readable by its owner alone.

    Raises:
        FileExistsError: There is one already; replacing it would erase everybody.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(os.urandom(_KEY_BYTES))
        file.flush()
        os.fsync(file.fileno())


class Vault:
    """Seals and opens the personal data of one node."""

    def __init__(self, database: Database, master_key: bytes) -> None:
        if len(master_key) != _KEY_BYTES:
            raise ValueError("the master key has 32 bytes")
        self._database = database
        self._master_key = master_key
        self._fingerprint_key = hmac.digest(master_key, b"fingerprint", "sha256")
        self._index_key = hmac.digest(master_key, b"blind index", "sha256")
        self._lock = threading.Lock()
        self._fresh: list[tuple[str, bytes]] = []
        self._open: OrderedDict[str, AESGCM] = OrderedDict()

    def new_key(self) -> str:
        """The id of a key that was never used."""
        with self._lock:
            if not self._fresh:
                made = [(random_id(), os.urandom(_KEY_BYTES)) for _ in range(_MADE_AT_ONCE)]
                self._database.write_now(self._store, made)
                self._fresh = made
            key_id, key = self._fresh.pop()
            self._remember(key_id, AESGCM(key))
        return key_id

    def new_keys(self, count: int) -> list[str]:
        """The ids of many keys that were never used, stored in one transaction."""
        made = [(random_id(), os.urandom(_KEY_BYTES)) for _ in range(count)]
        if made:
            self._database.write_now(self._store, made)
        with self._lock:
            for key_id, key in made:
                self._remember(key_id, AESGCM(key))
        return [key_id for key_id, _ in made]

    def fetch(self, key_ids: Collection[str]) -> None:
        """Reads many keys at once, for what is opened next; those destroyed stay away."""
        with self._lock:
            wanted = sorted(set(key_ids) - self._open.keys())[:_KEPT_OPEN]
        for start in range(0, len(wanted), _FETCHED_AT_ONCE):
            rows = self._database.read_now(_wrapped, wanted[start : start + _FETCHED_AT_ONCE])
            ciphers = [(i, AESGCM(aes_key_unwrap(self._master_key, key))) for i, key in rows]
            with self._lock:
                for key_id, cipher in ciphers:
                    self._remember(key_id, cipher)

    def fingerprint(self, *parts: str) -> str:
        """A name for something personal that tells nothing without the master key; equal for equal parts."""
        message = json.dumps(parts).encode()
        return hmac.digest(self._fingerprint_key, message, "sha256").hex()

    def blind(self, *parts: str) -> bytes:
        """What a blind index holds in the place of something personal: 16 bytes, equal for equal parts.

        HMAC-SHA-256, cut to half, under a key derived from the master key for this alone. The master
        key is the one secret that never stands beside the database and is never replaced; keys of the
        institution's identity are, and are used elsewhere. With a key of its own, a row of the index
        is never equal to a fingerprint of the same words in another table.
        """
        message = json.dumps(parts).encode()
        return hmac.digest(self._index_key, message, "sha256")[:_BLIND_BYTES]

    def gone(self, key_ids: Collection[str]) -> set[str]:
        """Which of these keys were destroyed."""
        wanted = sorted(set(key_ids))
        left = {
            key_id
            for start in range(0, len(wanted), _FETCHED_AT_ONCE)
            for key_id, _ in self._database.read_now(
                _wrapped, wanted[start : start + _FETCHED_AT_ONCE]
            )
        }
        return set(wanted) - left

    def seal(self, key_id: str, value: Any, *, place: str) -> bytes:
        """JSON sealed with AES-256-GCM; `place` (table and row) keeps it from being moved elsewhere.

        Raises:
            ErasedError: The key was destroyed.
        """
        nonce = os.urandom(_NONCE_BYTES)
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
        return nonce + self._cipher(key_id).encrypt(nonce, text, place.encode())

    def open(self, key_id: str, sealed: bytes, *, place: str) -> Any:
        """What was sealed.

        Raises:
            ErasedError: The key was destroyed, or this was never sealed here.
        """
        nonce, text = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return json.loads(self._cipher(key_id).decrypt(nonce, text, place.encode()))
        except InvalidTag:
            raise ErasedError("sealed data does not open here") from None

    def destroy(self, key_id: str) -> None:
        """Erases everything that was sealed with this key, wherever it was copied."""
        with self._lock:
            self._open.pop(key_id, None)
        self._database.write_now(
            lambda connection: connection.execute(delete(_data_key).where(_data_key.c.id == key_id))
        )

    def close(self) -> None:
        """Lets the key database go."""
        self._database.close()

    def _store(self, connection: Connection, made: list[tuple[str, bytes]]) -> None:
        rows = [{"id": i, "wrapped": aes_key_wrap(self._master_key, key)} for i, key in made]
        insert_or_ignore(connection, _data_key, rows)

    def _cipher(self, key_id: str) -> AESGCM:
        with self._lock:
            if key_id in self._open:
                self._open.move_to_end(key_id)
                return self._open[key_id]
        wrapped = self._database.read_now(
            lambda connection: connection.scalar(
                select(_data_key.c.wrapped).where(_data_key.c.id == key_id)
            )
        )
        if wrapped is None:
            raise ErasedError("the key of this data was destroyed")
        cipher = AESGCM(aes_key_unwrap(self._master_key, wrapped))
        with self._lock:
            self._remember(key_id, cipher)
        return cipher

    def _remember(self, key_id: str, cipher: AESGCM) -> None:
        self._open[key_id] = cipher
        while len(self._open) > _KEPT_OPEN:
            self._open.popitem(last=False)
