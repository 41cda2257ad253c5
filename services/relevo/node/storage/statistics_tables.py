"""What statistics are made from beside the referrals' own coarse columns."""

from typing import Final

from sqlalchemy import Column, Integer, String, Table, Text

from relevo.servicekit.columns import UtcDateTime

from .tables import METADATA

profile_tally: Final = Table(
    "profile_tally",
    METADATA,
    Column("month", String(7), primary_key=True),
    Column("role", String(8), primary_key=True),
    Column("pathway", String(80), primary_key=True),
    Column("case_profile", String(80), primary_key=True),
    Column("shard", Integer, primary_key=True, autoincrement=False),
    Column("count", Integer, nullable=False),
)
"""How many referrals of a month were about whom. No row knows which: there is no id and no moment.

A tally stands in several shards, so that submissions do not wait for one row.
"""

counted_coarsely: Final = Table(
    "counted_coarsely",
    METADATA,
    Column("referral_id", String(36), primary_key=True),
)
"""Referrals that only coarse totals count: made by a split, or a complaint without a name."""

statistics_publication: Final = Table(
    "statistics_publication",
    METADATA,
    Column("period", String(8), primary_key=True),
    Column("kind", String(8), primary_key=True),
    Column("starts_at", UtcDateTime, nullable=False),
    Column("ends_at", UtcDateTime, nullable=False),
    Column("counted_at", UtcDateTime, nullable=False),
    Column("minimum", Integer, nullable=False),
    Column("document", Text, nullable=False),
)
"""What was published, `open` or `sealed`, and never changes."""
