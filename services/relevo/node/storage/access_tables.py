"""Tables of who read what, and of what was opened in an emergency. Rows are added and never removed."""

from sqlalchemy import Boolean, Column, Index, LargeBinary, String, Table

from relevo.servicekit.columns import UtcDateTime

from .tables import METADATA

access_log = Table(
    "access_log",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("client_id", String(255), nullable=False),
    Column("party", String(120), nullable=False),
    Column("owner", String(120), nullable=False),
    Column("what", String(20), nullable=False),
    Column("subject", String(36), nullable=False),
    Column("break_glass", String(36)),
    Index("ix_access_log_at", "at", "id"),
    Index("ix_access_log_subject", "subject", "at"),
    Index("ix_access_log_break_glass", "break_glass"),
)

break_glass = Table(
    "break_glass",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("referral_id", String(36), nullable=False),
    Column("owner", String(120), nullable=False),
    Column("party", String(120), nullable=False),
    Column("client_id", String(255), nullable=False),
    Column("risk", String(20), nullable=False),
    Column("alone_on_shift", Boolean, nullable=False),
    Column("reviewer", String(120)),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("review_due_at", UtcDateTime, nullable=False),
    Column("escalated_at", UtcDateTime),
    Column("reviewed_at", UtcDateTime),
    Column("reviewed_by_party", String(120)),
    Column("data_key_id", String(36), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("review", LargeBinary),
    Index("ix_break_glass_opened_at", "opened_at", "id"),
    Index("ix_break_glass_referral_id", "referral_id"),
    Index("ix_break_glass_unreviewed", "reviewed_at", "escalated_at", "review_due_at"),
)
"""The words of opening and review are sealed under a key of their own: erasing her erases no use."""
