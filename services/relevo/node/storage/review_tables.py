"""The table of reviews; it stands on the same metadata as the others."""

from typing import Final

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, String, Table

from relevo.servicekit.columns import UtcDateTime

from .tables import METADATA

referral_review: Final = Table(
    "referral_review",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("referral_id", ForeignKey("referral.id"), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("stored_at", UtcDateTime, nullable=False),
    Column("sealed", LargeBinary),
    Index("ix_referral_review_referral_id", "referral_id", "at"),
)
