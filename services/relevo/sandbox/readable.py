"""What somebody who holds some bytes can read in them: the text, and whatever is only encoded.

Signed tokens are base64url and not secret, so they are opened, as deep as they nest.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from typing import Final

from sqlalchemy import Connection, MetaData, select

from relevo.servicekit.database import Database

_ENCODED: Final = re.compile(rb"[A-Za-z0-9_-]{16,}")
_DEEPEST: Final = 4


def readable_words(data: bytes, words: Iterable[str], *, depth: int = _DEEPEST) -> set[str]:
    """Those of the words that stand in these bytes for anyone to read."""
    missing = set(words)
    found: set[str] = set()
    for part in readable_parts(data, depth=depth):
        found |= {word for word in missing if word.encode() in part}
        missing -= found
        if not missing:
            break
    return found


def readable_parts(data: bytes, *, depth: int = _DEEPEST) -> Iterator[bytes]:
    """The bytes, and whatever is only encoded in them."""
    yield data
    if depth:
        for match in _ENCODED.finditer(data):
            inner = _decoded(match.group())
            if inner:
                yield from readable_parts(inner, depth=depth - 1)


def _decoded(text: bytes) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return b""


def words_in_database(url: str, words: Iterable[str]) -> set[str]:
    """Those of the words that anyone who may read this database can read in it."""
    database = Database(url, pool_size=1)
    try:
        return database.read_now(_search, set(words))
    finally:
        database.close()


def _search(connection: Connection, words: set[str]) -> set[str]:
    tables = MetaData()
    tables.reflect(connection)
    found: set[str] = set()
    for table in tables.tables.values():
        for row in connection.execute(select(table)):
            for value in row:
                data = value if isinstance(value, bytes) else str(value).encode()
                found |= readable_words(data, words - found)
    return found
