"""The table of what is written down beside a referral and read by the unit that holds it alone."""

from sqlalchemy import Column, Index, LargeBinary, String, Table

from relevo.servicekit.columns import UtcDateTime

from .tables import METADATA

sealed_record = Table(
    "sealed_record",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("referral_id", String(36), nullable=False),
    Column("recorded_by", String(120), nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    Column("data_key_id", String(36), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index("ix_sealed_record_referral_id", "referral_id", "id"),
)
"""Not even its kind stands in the clear: that somebody was identified says that somebody died."""
