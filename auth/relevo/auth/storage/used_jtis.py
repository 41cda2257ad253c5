"""Ids of assertions and proofs that worked once, so that they never work again.

Kept as digests: what a caller chose to write there is nobody's business, and 32 bytes are 32 bytes.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from .tables import used_jti


def digest_of(kind: str, owner: str, jti: str) -> bytes:
    """How one id of one owner is remembered."""
    return hashlib.sha256(f"{kind}\0{owner}\0{jti}".encode()).digest()


def remember(connection: Connection, forget_at: Mapping[bytes, int]) -> set[bytes]:
    """Those of the digests that were never seen before; the others have been used.

    A unique insert, so of any number of transactions with the same digest exactly one gets it.
    """
    if not forget_at:
        return set()
    # In one order everywhere, so that two transactions never wait for each other.
    rows = [{"digest": digest, "forget_at": forget_at[digest]} for digest in sorted(forget_at)]
    if connection.dialect.name == "sqlite":
        on_sqlite = sqlite.insert(used_jti).on_conflict_do_nothing().returning(used_jti.c.digest)
        return set(connection.scalars(on_sqlite, rows))
    statement = postgresql.insert(used_jti).on_conflict_do_nothing().returning(used_jti.c.digest)
    return {bytes(digest) for digest in connection.scalars(statement, rows)}


def forget(connection: Connection, *, now: datetime, limit: int) -> int:
    """Deletes ids whose assertion would be refused as expired anyway, at most `limit` of them."""
    old = select(used_jti.c.digest).where(used_jti.c.forget_at < int(now.timestamp())).limit(limit)
    return connection.execute(delete(used_jti).where(used_jti.c.digest.in_(old))).rowcount
