"""What comes and goes: queues, the feed, files, and whom this node knows.

Revision ID: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    _messages()
    _files()
    _others()


def _messages() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("leased_until", sa.BigInteger),
        sa.Column("lease_id", sa.String(36)),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("priority", sa.Integer, nullable=False, server_default="0"),
        sa.Column("last_error", sa.Text),
        sa.Column("referral_id", sa.String(36), nullable=False),
        sa.Column("message_type", sa.String(60), nullable=False),
        sa.Column("receiver", sa.String(120), nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("data_key_id", sa.String(36), nullable=False),
        sa.Column("sealed", sa.LargeBinary),
        sa.Column("envelope", sa.Text),
        sa.Column("digest", sa.String(64)),
        sa.Column("receipt", sa.Text),
        sa.Column("problem", sa.String(80)),
        sa.Column("replaces", sa.String(36)),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
    )
    _due("outbox")
    op.create_index("ix_outbox_referral_id", "outbox", ["referral_id"])
    op.create_table(
        "inbox",
        sa.Column("message_id", sa.String(36), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("sender", sa.String(120), nullable=False),
        sa.Column("referral_id", sa.String(36), nullable=False),
        sa.Column("message_type", sa.String(60), nullable=False),
        sa.Column("applicable", sa.Boolean, nullable=False),
        sa.Column("received_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("message_id", name="pk_inbox"),
    )
    op.create_table(
        "event_feed",
        sa.Column("position", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("party", sa.String(120), nullable=False),
        sa.Column("type", sa.String(80), nullable=False),
        sa.Column("subject", sa.String(36), nullable=False),
        sa.Column("event_seq", sa.Integer),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("position", name="pk_event_feed"),
    )
    op.create_table(
        "webhook",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("client_id", sa.String(255), nullable=False),
        sa.Column("party", sa.String(120), nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("failing_since", sa.BigInteger),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_webhook"),
    )
    op.create_table(
        "idempotency_key",
        sa.Column("client_id", sa.String(255), nullable=False),
        sa.Column("operation", sa.String(64), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("digest", sa.String(128), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("body", sa.LargeBinary),
        sa.PrimaryKeyConstraint("client_id", "operation", "key", name="pk_idempotency_key"),
    )
    op.create_index("ix_idempotency_key_created_at", "idempotency_key", ["created_at"])


def _files() -> None:
    op.create_table(
        "attachment_upload",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("owner", sa.String(120), nullable=False),
        sa.Column("media_type", sa.String(40), nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("metadata", sa.String(8), nullable=False),
        sa.Column("attached", sa.Boolean, nullable=False),
        sa.Column("fingerprint", sa.String(64)),
        sa.Column("uploaded_at", sa.BigInteger, nullable=False),
        sa.Column("data_key_id", sa.String(36)),
        sa.Column("sealed_key", sa.LargeBinary),
        sa.PrimaryKeyConstraint("id", name="pk_attachment_upload"),
    )
    op.create_index("ix_attachment_upload_fingerprint", "attachment_upload", ["fingerprint"])
    op.create_index(
        "ix_attachment_upload_uploaded_at", "attachment_upload", ["attached", "uploaded_at"]
    )
    op.create_table(
        "attachment_piece",
        sa.Column("file_id", sa.String(36), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("file_id", "position", name="pk_attachment_piece"),
    )
    op.create_table(
        "referral_attachment",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("referral_id", sa.String(36), nullable=False),
        sa.Column("message_id", sa.String(36), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("upload_id", sa.String(36)),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("data_key_id", sa.String(36), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_referral_attachment"),
    )
    op.create_index("ix_referral_attachment_message_id", "referral_attachment", ["message_id"])
    op.create_index("ix_referral_attachment_referral_id", "referral_attachment", ["referral_id"])
    op.create_index("ix_referral_attachment_upload_id", "referral_attachment", ["upload_id"])
    op.create_table(
        "blob_transfer",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("leased_until", sa.BigInteger),
        sa.Column("lease_id", sa.String(36)),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("priority", sa.Integer, nullable=False, server_default="0"),
        sa.Column("last_error", sa.Text),
        sa.Column("attachment_id", sa.String(36), nullable=False),
        sa.Column("message_id", sa.String(36), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("outgoing", sa.Boolean, nullable=False),
        sa.Column("stored", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_blob_transfer"),
        sa.UniqueConstraint(
            "attachment_id", "position", name="uq_blob_transfer_attachment_id_position"
        ),
    )
    _due("blob_transfer")
    op.create_index("ix_blob_transfer_message_id", "blob_transfer", ["message_id"])


def _others() -> None:
    op.create_table(
        "pin",
        sa.Column("institution", sa.String(80), nullable=False),
        sa.Column("fingerprint", sa.String(43), nullable=False),
        sa.Column("key_set_version", sa.Integer, nullable=False),
        sa.Column("confirmed_by", sa.String(200)),
        sa.Column("pinned_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("institution", name="pk_pin"),
    )
    op.create_table(
        "directory_entry",
        sa.Column("institution", sa.String(80), nullable=False),
        sa.Column("jws", sa.Text, nullable=False),
        sa.Column("fetched_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("institution", name="pk_directory_entry"),
    )
    op.create_table(
        "membership",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("welcome", sa.Text, nullable=False),
        sa.Column("joined_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_membership"),
    )


def _due(table: str) -> None:
    """What is open of a queue, in the order in which it is taken."""
    open_ = sa.text("state IN ('queued', 'leased')")
    op.create_index(
        f"ix_{table}_due",
        table,
        [sa.text("priority DESC"), "due_at"],
        sqlite_where=open_,
        postgresql_where=open_,
    )


def downgrade() -> None:
    for table in (
        "membership", "directory_entry", "pin", "blob_transfer", "referral_attachment",
        "attachment_piece", "attachment_upload", "idempotency_key", "webhook", "event_feed",
        "inbox", "outbox",
    ):  # fmt: skip
        op.drop_table(table)
