"""What holders answered to a withdrawal, and requests to withdraw by whoever holds the paper."""

from sqlalchemy import Column, Index, Integer, String, Table

from relevo.servicekit.columns import JsonText, UtcDateTime

from .tables import METADATA

withdrawal_answer = Table(
    "withdrawal_answer",
    METADATA,
    Column("subject", String(36), primary_key=True),
    Column("answer", String(8), nullable=False),
    Column("law", String(200)),
    Column("at", UtcDateTime, nullable=False),
)
"""On both sides: what this holder said, or what the holder of what was sent from here said. By referral;
by consent what the institution that holds it said of itself."""

withdrawal_request = Table(
    "withdrawal_request",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("referral_id", String(36), nullable=False),
    Column("owner", String(120), nullable=False),
    Column("consent_ids", JsonText, nullable=False),
    Column("state", String(16), nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("decided_at", UtcDateTime),
    Index("ix_withdrawal_request_owner", "state", "received_at"),
)
"""Only requests that stand: whoever could not say the phrase leaves a count and nothing else."""

withdrawal_tries = Table(
    "withdrawal_tries",
    METADATA,
    Column("referral_id", String(36), primary_key=True),
    Column("tries", Integer, nullable=False),
    Column("paused_until", UtcDateTime),
)
