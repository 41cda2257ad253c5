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
    Column("refusal_members", JsonText),
    Column("part_of", String(36)),
    Column("closed_here", Boolean, nullable=False),
    Column("test", Boolean, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("alarms", JsonText, nullable=False),
    Column("told", JsonText, nullable=False),
    Column("reviewed_at", UtcDateTime),
    Column("overdue_at", UtcDateTime),
    Column("alarm_at", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("data_key_id", String(36), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("outcome", LargeBinary),
    UniqueConstraint("reference_code"),
    Index("ix_referral_created_at", "created_at", "id"),
    Index("ix_referral_state", "state", "created_at"),
    Index("ix_referral_overdue_at", "overdue_at", "id"),
    Index("ix_referral_alarm_at", "alarm_at"),
    Index("ix_referral_part_of", "part_of"),
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

referral_information = Table(
    "referral_information",
    METADATA,
    Column("message_id", String(36), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("referral_id", String(36), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("data_key_id", String(36), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index("ix_referral_information_referral_id", "referral_id"),
)
"""What was supplied later, each person's under her key; position 0 holds the terms of new consents."""

redirect = Table(
    "redirect",
    METADATA,
    Column("parent_id", String(36), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("proposed_receiver", String(120)),
    Column("problem", String(80)),
    Column("child_id", String(36)),
    Column("followed_state", String(32)),
    Column("open", Boolean, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Index("ix_redirect_open", "open", "parent_id"),
)
"""What became of a redirect. Open until the referral that goes on has an outcome."""

cancellation = Table(
    "cancellation",
    METADATA,
    Column("message_id", String(36), primary_key=True),
    Column("referral_id", String(36), nullable=False),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("sent", Boolean, nullable=False),
    Column("answer", String(16)),
    Column("data_key_id", String(36), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index("ix_cancellation_referral_id", "referral_id"),
)
"""Wishes to cancel what was sent from here; unsent until the other side has spoken."""

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

handover = Table(
    "handover",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("brought_by", String(120), nullable=False),
    Column("received_by", String(120), nullable=False),
    Column("stored_at", UtcDateTime, nullable=False),
    Column("data_key_id", String(36), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index("ix_handover_stored_at", "stored_at", "id"),
)
"""Who brought whom: what was said of them is sealed."""

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

manifest = Table(
    "manifest",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("owner", String(120), nullable=False),
    Column("reference", String(80), nullable=False),
    Column("data_key_id", String(36), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("owner", "reference"),
    Index("ix_manifest_created_at", "created_at", "id"),
)
"""A list of returnees, known by its owner's name for it; its key seals the answers to its rows."""

manifest_upload = Table(
    "manifest_upload",
    METADATA,
    *queue_columns(),
    Column("manifest_id", ForeignKey("manifest.id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("terms", JsonText, nullable=False),
    Column("m_means", String(8)),
    Column("columns", JsonText, nullable=False),
    Column("data_key_id", String(36), nullable=False),
    Column("rows_total", Integer, nullable=False),
    Column("rows_read", Integer, nullable=False),
    Column("kept", Integer, nullable=False),
    Column("changed", Integer, nullable=False),
    Column("unchanged", Integer, nullable=False),
    Column("refused", Integer, nullable=False),
    Column("absent", Integer),
    Column("created_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    UniqueConstraint("manifest_id", "version"),
    queue_index("manifest_upload"),
)
"""One version of a list. Its rows wait in blocks under a key of their own, destroyed with the last."""

manifest_block = Table(
    "manifest_block",
    METADATA,
    Column("upload_id", ForeignKey("manifest_upload.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)

manifest_row = Table(
    "manifest_row",
    METADATA,
    Column("manifest_id", ForeignKey("manifest.id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("line", Integer, primary_key=True),
    Column("result", String(12), nullable=False),
    Column("returnee_id", String(36)),
    Column("sealed", LargeBinary),
)

returnee = Table(
    "returnee",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("owner", String(120), nullable=False),
    Column("state", String(32), nullable=False),
    Column("next_seq", Integer, nullable=False),
    Column("manifest_id", String(36)),
    Column("row_key", String(64)),
    Column("row_digest", String(64)),
    Column("seen_version", Integer),
    Column("merged_into", String(36)),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("data_key_id", String(36), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index("ix_returnee_created_at", "created_at", "id"),
    Index("ix_returnee_row_key", "row_key"),
    Index("ix_returnee_merged_into", "merged_into"),
    Index("ix_returnee_manifest_id", "manifest_id", "row_digest"),
)
"""`row_key` and `row_digest` are fingerprints: the row that she stood in, and what it said."""

returnee_event = Table(
    "returnee_event",
    METADATA,
    Column("returnee_id", ForeignKey("returnee.id"), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("state", String(32), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("stored_at", UtcDateTime, nullable=False),
    Column("sealed", LargeBinary),
)

returnee_link = Table(
    "returnee_link",
    METADATA,
    Column("returnee_id", ForeignKey("returnee.id"), primary_key=True),
    Column("kind", String(24), primary_key=True),
    Column("target", String(64), primary_key=True),
    Index("ix_returnee_link_target", "target"),
)
"""Who belongs together: the fingerprint of a group's name or of a relative's row, or a record's id."""

membership = Table(
    "membership",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("welcome", Text, nullable=False),
    Column("joined_at", UtcDateTime, nullable=False),
)
"""One row at most: the gateway that this node joined, as its welcome said."""

follow_up = Table(
    "follow_up",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("role", String(8), nullable=False),
    Column("reference_code", String(20), nullable=False),
    Column("referral_id", String(36)),
    Column("asker", String(120), nullable=False),
    Column("holder", String(120), nullable=False),
    Column("owner", String(120), nullable=False),
    Column("state", String(32), nullable=False),
    Column("last_seq", Integer, nullable=False),
    Column("window_from", UtcDateTime, nullable=False),
    Column("window_until", UtcDateTime, nullable=False),
    Column("ends_at", UtcDateTime, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("questions", JsonText, nullable=False),
    Column("persons", JsonText, nullable=False),
    Column("scheduled_at", UtcDateTime),
    Column("cancel_asked", Boolean, nullable=False),
    Column("refused_with", String(80)),
    Column("test", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("data_key_id", String(36), nullable=False),
    Column("sealed", LargeBinary),
    Index("ix_follow_up_created_at", "created_at", "id"),
    Index("ix_follow_up_referral_id", "referral_id"),
    Index("ix_follow_up_ends_at", "state", "ends_at"),
)
"""`persons` are places in the referral. What was learned, and what of it left, is sealed."""

follow_up_event = Table(
    "follow_up_event",
    METADATA,
    Column("follow_up_id", ForeignKey("follow_up.id"), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("state", String(32), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("reason", String(80)),
    Column("sealed", LargeBinary),
)

follow_up_attempt = Table(
    "follow_up_attempt",
    METADATA,
    Column("follow_up_id", ForeignKey("follow_up.id"), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("person", Integer, nullable=False),
    Column("modality", String(12), nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("outcome", String(32)),
    Column("ended_at", UtcDateTime),
    Column("forbidden_by", String(32)),
    Column("sealed", LargeBinary),
)
"""When somebody tried to reach a person, and which rule forbade it. The number is sealed."""
