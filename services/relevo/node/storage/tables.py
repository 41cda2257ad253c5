"""The node's tables. Whatever speaks of a person stands in a `sealed` column, under that person's key."""

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from relevo.servicekit.columns import JsonText, UtcDateTime, naming_convention
from relevo.servicekit.work_queue import queue_columns, queue_index

METADATA = MetaData(naming_convention=naming_convention)

consent = Table(
    "consent",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("owner", String(120), nullable=False),
    Column("state", String(32), nullable=False),
    Column("valid_until", UtcDateTime, nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    Column("withdrawn_at", UtcDateTime),
    Column("data_key_id", String(36), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)

referral = Table(
    "referral",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("reference_code", String(20), nullable=False),
    Column("role", String(8), nullable=False),
    Column("sender", String(120), nullable=False),
    Column("receiver", String(120), nullable=False),
    Column("owner", String(120), nullable=False),
    Column("pathway", String(80), nullable=False),
    Column("triage", String(10), nullable=False),
    Column("purpose", String(80), nullable=False),
    Column("state", String(32), nullable=False),
    Column("next_seq", Integer, nullable=False),
    Column("way_back", JsonText, nullable=False),
    Column("sharing", String(12), nullable=False),
    Column("delivery", String(12)),
    Column("delivery_problem", String(80)),
    Column("part_of", String(36)),
    Column("closed_here", Boolean, nullable=False),
    Column("test", Boolean, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("data_key_id", String(36), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("outcome", LargeBinary),
    UniqueConstraint("reference_code"),
    Index("ix_referral_created_at", "created_at", "id"),
    Index("ix_referral_state", "state", "created_at"),
)

referral_person = Table(
    "referral_person",
    METADATA,
    Column("referral_id", ForeignKey("referral.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("data_key_id", String(36), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)

referral_event = Table(
    "referral_event",
    METADATA,
    Column("referral_id", ForeignKey("referral.id"), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("actor", String(8), primary_key=True),
    Column("state", String(32), primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("stored_at", UtcDateTime, nullable=False),
    Column("sealed", LargeBinary),
)

grant_slice = Table(
    "grant_slice",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("consent_id", String(36)),
    Column("referral_id", String(36), nullable=False),
    Column("issuer", String(80), nullable=False),
    Column("sender", String(120), nullable=False),
    Column("receiver", String(120), nullable=False),
    Column("jws", Text, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Index("ix_grant_slice_referral_id", "referral_id"),
    Index("ix_grant_slice_consent_id", "consent_id"),
)

withdrawn_grant = Table(
    "withdrawn_grant",
    METADATA,
    Column("issuer", String(80), primary_key=True),
    Column("grant_id", String(36), primary_key=True),
    Column("withdrawn_at", UtcDateTime, nullable=False),
)

outbox = Table(
    "outbox",
    METADATA,
    *queue_columns(),
    Column("referral_id", String(36), nullable=False),
    Column("message_type", String(60), nullable=False),
    Column("receiver", String(120), nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("data_key_id", String(36), nullable=False),
    Column("sealed", LargeBinary),
    Column("envelope", Text),
    Column("digest", String(64)),
    Column("receipt", Text),
    Column("problem", String(80)),
    Column("replaces", String(36)),
    Column("created_at", UtcDateTime, nullable=False),
    queue_index("outbox"),
    Index("ix_outbox_referral_id", "referral_id"),
)

inbox = Table(
    "inbox",
    METADATA,
    Column("message_id", String(36), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("sender", String(120), nullable=False),
    Column("referral_id", String(36), nullable=False),
    Column("message_type", String(60), nullable=False),
    Column("applicable", Boolean, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
)

event_feed = Table(
    "event_feed",
    METADATA,
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("id", String(36), nullable=False),
    Column("party", String(120), nullable=False),
    Column("type", String(80), nullable=False),
    Column("subject", String(36), nullable=False),
    Column("event_seq", Integer),
    Column("at", UtcDateTime, nullable=False),
)

webhook = Table(
    "webhook",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("client_id", String(255), nullable=False),
    Column("party", String(120), nullable=False),
    Column("url", Text, nullable=False),
    Column("sealed_secret", LargeBinary, nullable=False),
    Column("position", Integer, nullable=False),
    Column("state", String(12), nullable=False),
    Column("failures", Integer, nullable=False),
    Column("failing_since", UtcDateTime),
    Column("due_at", UtcDateTime, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)

pin = Table(
    "pin",
    METADATA,
    Column("institution", String(80), primary_key=True),
    Column("fingerprint", String(43), nullable=False),
    Column("key_set_version", Integer, nullable=False),
    Column("confirmed_by", String(200)),
    Column("pinned_at", UtcDateTime, nullable=False),
)

directory_entry = Table(
    "directory_entry",
    METADATA,
    Column("institution", String(80), primary_key=True),
    Column("jws", Text, nullable=False),
    Column("fetched_at", UtcDateTime, nullable=False),
)

membership = Table(
    "membership",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("welcome", Text, nullable=False),
    Column("joined_at", UtcDateTime, nullable=False),
)
"""One row at most: the gateway that this node joined, as its welcome said."""
