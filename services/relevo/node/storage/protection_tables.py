"""Tables of the rules about children and families. Reasons and words stand sealed."""

from sqlalchemy import Boolean, Column, Index, LargeBinary, String, Table

from relevo.servicekit.columns import JsonText, UtcDateTime

from .tables import METADATA

child_notice = Table(
    "child_notice",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("referral_id", String(36), nullable=False),
    Column("notice_id", String(36)),
    Column("authority", String(120)),
    Column("owner", String(120), nullable=False),
    Column("problem", String(80)),
    Column("open", Boolean, nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Index("ix_child_notice_referral_id", "referral_id"),
    Index("ix_child_notice_open", "open", "id"),
)
"""Whom the node told of children in a referral. Open while an alternate may have to be told instead."""

family_split = Table(
    "family_split",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("owner", String(120), nullable=False),
    Column("stays", String(36), nullable=False),
    Column("goes", String(36), nullable=False),
    Column("persons", JsonText, nullable=False),
    Column("needs", JsonText, nullable=False),
    Column("state", String(12), nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    Column("confirm_by", UtcDateTime, nullable=False),
    Column("confirmed_at", UtcDateTime),
    Column("data_key_id", String(36), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index("ix_family_split_stays", "stays"),
    Index("ix_family_split_goes", "goes"),
    Index("ix_family_split_state", "state", "confirm_by"),
)
"""Who no longer shows in a referral, and the referral that they go on with. Read by no one else."""

coming_of_age = Table(
    "coming_of_age",
    METADATA,
    Column("kind", String(8), primary_key=True),
    Column("subject", String(36), primary_key=True),
    Column("owner", String(120), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("done", Boolean, nullable=False),
    Index("ix_coming_of_age_at", "done", "at"),
)
"""When what a guardian gave ends: of a consent that is kept here, or of a referral that was received."""
