"""Tables by which records that may be one person's are found. No name stands in them, and no part of one."""

from typing import Final

from sqlalchemy import Boolean, Column, ForeignKey, Index, LargeBinary, String, Table

from .tables import METADATA

returnee_key: Final = Table(
    "returnee_key",
    METADATA,
    Column("blind", LargeBinary, primary_key=True),
    Column("returnee_id", ForeignKey("returnee.id"), primary_key=True),
    Index("ix_returnee_key_returnee_id", "returnee_id"),
    sqlite_with_rowid=False,
)
"""`blind` is the HMAC of a key under the institution's own: equal keys of one unit are equal."""

returnee_indexed: Final = Table(
    "returnee_indexed",
    METADATA,
    Column("returnee_id", ForeignKey("returnee.id"), primary_key=True),
    Column("edition", String(32), nullable=False),
    Column("apart", Boolean, nullable=False),
)
"""Which records have keys, made how; `apart` has none and never will, as one who is searched for."""
