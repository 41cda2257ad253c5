"""First tables: directory, deliveries, grants, states, ledger."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _directory()
    _messages()
    _grants()
    _ledger()


def _directory() -> None:
    op.create_table(
        "institution",
        sa.Column("institution", sa.String(80), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("country", sa.String(2), nullable=False),
        sa.Column("profile", sa.Text, nullable=False),
        sa.Column("key_set", sa.Text, nullable=False),
        sa.Column("client_key", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.String(43), nullable=False),
        sa.Column("registration_digest", sa.String(64), nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("institution", name="pk_institution"),
    )
    op.create_table(
        "watch",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("institution", sa.String(80), nullable=False),
        sa.Column("pathway", sa.String(80), nullable=False),
        sa.Column("appointed_at", sa.BigInteger, nullable=False),
        sa.Column("appointed_by", sa.String(400), nullable=False),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("ended_by", sa.String(400)),
        sa.PrimaryKeyConstraint("id", name="pk_watch"),
    )
    op.create_index("ix_watch_institution", "watch", ["institution"])
    op.create_table(
        "approval",
        sa.Column("institution", sa.String(80), nullable=False),
        sa.Column("registration_digest", sa.String(64), nullable=False),
        sa.Column("approved_by", sa.String(200), nullable=False),
        sa.Column("approved_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint(
            "institution", "registration_digest", "approved_by", name="pk_approval"
        ),
    )
    op.create_table(
        "peer",
        sa.Column("gateway", sa.String(40), nullable=False),
        sa.Column("card", sa.Text, nullable=False),
        sa.Column("approved_by", sa.String(200), nullable=False),
        sa.Column("agreed_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("gateway", name="pk_peer"),
    )
    op.create_table(
        "remote_institution",
        sa.Column("institution", sa.String(80), nullable=False),
        sa.Column("gateway", sa.String(40), nullable=False),
        sa.Column("entry", sa.Text, nullable=False),
        sa.Column("fetched_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("institution", name="pk_remote_institution"),
    )
    op.create_table(
        "revocation_list",
        sa.Column("institution", sa.String(80), nullable=False),
        sa.Column("status_list", sa.Text, nullable=False),
        sa.Column("issued_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("institution", name="pk_revocation_list"),
    )
    op.create_table(
        "service_entry",
        sa.Column("institution", sa.String(80), nullable=False),
        sa.Column("service_id", sa.String(100), nullable=False),
        sa.Column("country", sa.String(2), nullable=False),
        sa.Column("party", sa.String(120), nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("capacity", sa.String(20), nullable=False),
        sa.Column("capacity_until", sa.BigInteger),
        sa.Column("confirmed_by", sa.String(200), nullable=False),
        sa.Column("confirmed_at", sa.BigInteger, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("institution", "service_id", name="pk_service_entry"),
    )
    op.create_index(
        "ix_service_entry_confirmed_at", "service_entry", ["institution", "confirmed_at"]
    )
    op.create_table(
        "service_need",
        sa.Column("need", sa.String(80), nullable=False),
        sa.Column("country", sa.String(2), nullable=False),
        sa.Column("institution", sa.String(80), nullable=False),
        sa.Column("service_id", sa.String(100), nullable=False),
        sa.PrimaryKeyConstraint(
            "need", "country", "institution", "service_id", name="pk_service_need"
        ),
    )
    op.create_index("ix_service_need_institution", "service_need", ["institution", "service_id"])


def _queue_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("leased_until", sa.BigInteger),
        sa.Column("lease_id", sa.String(36)),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("priority", sa.Integer, nullable=False, server_default="0"),
        sa.Column("last_error", sa.Text),
    ]


def _queue_index(table: str) -> None:
    still_open = sa.text("state IN ('queued', 'leased')")
    op.create_index(
        f"ix_{table}_due",
        table,
        ["target", sa.text("priority DESC"), "due_at"],
        sqlite_where=still_open,
        postgresql_where=still_open,
    )


def _messages() -> None:
    op.create_table(
        "delivery",
        *_queue_columns(),
        sa.Column("target", sa.String(130), nullable=False),
        sa.Column("return_to", sa.String(130), nullable=False),
        sa.Column("sender", sa.String(120), nullable=False),
        sa.Column("receiver", sa.String(120), nullable=False),
        sa.Column("message_type", sa.String(60), nullable=False),
        sa.Column("message_class", sa.String(10), nullable=False),
        sa.Column("triage", sa.String(10)),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("bytes", sa.Integer, nullable=False),
        sa.Column("accepted_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("refusals", sa.Integer, nullable=False),
        sa.Column("held_since", sa.BigInteger),
        sa.Column("unconfirmed", sa.Boolean, nullable=False),
        sa.Column("problem", sa.String(80)),
        sa.Column("outcome", sa.String(20)),
        sa.Column("ended_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_delivery"),
    )
    _queue_index("delivery")
    dead = sa.text("state = 'dead'")
    op.create_index(
        "ix_delivery_ended", "delivery", ["state", "id"], sqlite_where=dead, postgresql_where=dead
    )
    op.create_table(
        "sealed_envelope",
        sa.Column("message_id", sa.String(36), nullable=False),
        sa.Column("jws", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("message_id", name="pk_sealed_envelope"),
    )
    if op.get_bind().dialect.name == "postgresql":
        # Ciphertext does not compress: do not try on each insert.
        op.execute("ALTER TABLE sealed_envelope ALTER COLUMN jws SET STORAGE EXTERNAL")
    _blobs()
    op.create_table(
        "receipt_item",
        *_queue_columns(),
        sa.Column("target", sa.String(130), nullable=False),
        sa.Column("ledger_index", sa.BigInteger),
        sa.Column("receipt", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_receipt_item"),
    )
    _queue_index("receipt_item")


def _blobs() -> None:
    op.create_table(
        "blob",
        *_queue_columns(),
        sa.Column("message_id", sa.String(36), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("source", sa.String(80), nullable=False),
        sa.Column("target", sa.String(130), nullable=False),
        sa.Column("bytes", sa.Integer),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_blob"),
        sa.UniqueConstraint("message_id", "digest", name="uq_blob_message_id_digest"),
    )
    op.create_index("ix_blob_digest", "blob", ["digest"])
    not_gone = sa.text("state <> 'gone'")
    op.create_index(
        "ix_blob_expires_at",
        "blob",
        ["expires_at"],
        sqlite_where=not_gone,
        postgresql_where=not_gone,
    )
    _queue_index("blob")
    op.create_table(
        "blob_content",
        sa.Column("blob_id", sa.String(64), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("blob_id", name="pk_blob_content"),
    )


def _grants() -> None:
    op.create_table(
        "recorded_grant",
        sa.Column("message_id", sa.String(36), nullable=False),
        sa.Column("grant_id", sa.String(36), nullable=False),
        sa.Column("issuer", sa.String(80), nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("reference_code", sa.String(20)),
        sa.Column("status_parties", sa.Text),
        sa.PrimaryKeyConstraint("message_id", "grant_id", name="pk_recorded_grant"),
    )
    op.create_index("ix_recorded_grant_grant_id", "recorded_grant", ["grant_id"])
    coded = sa.text("reference_code IS NOT NULL")
    op.create_index(
        "ix_recorded_grant_reference_code",
        "recorded_grant",
        ["reference_code"],
        sqlite_where=coded,
        postgresql_where=coded,
    )
    op.create_table(
        "withdrawn_grant",
        sa.Column("grant_id", sa.String(36), nullable=False),
        sa.Column("issuer", sa.String(80), nullable=False),
        sa.Column("withdrawn_at", sa.BigInteger, nullable=False),
        sa.Column("message_id", sa.String(36), nullable=False),
        sa.PrimaryKeyConstraint("grant_id", "issuer", name="pk_withdrawn_grant"),
    )
    op.create_table(
        "grant_copy",
        sa.Column("grant_id", sa.String(36), nullable=False),
        sa.Column("issuer", sa.String(80), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("as_of", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("grant_id", "issuer", name="pk_grant_copy"),
    )
    op.create_table(
        "referral_status",
        sa.Column("reference_code", sa.String(20), nullable=False),
        sa.Column("referral_id", sa.String(36), nullable=False),
        sa.Column("sender", sa.String(120), nullable=False),
        sa.Column("receiver", sa.String(120), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("triage", sa.String(10)),
        sa.Column("event_seq", sa.Integer, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("pathway", sa.String(80), nullable=False),
        sa.Column("begun_at", sa.BigInteger, nullable=False),
        sa.Column("steps", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("reference_code", name="pk_referral_status"),
    )
    op.create_index("ix_referral_status_begun_at", "referral_status", ["begun_at"])
    op.create_table(
        "statistics_publication",
        sa.Column("period", sa.String(8), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("starts_at", sa.BigInteger, nullable=False),
        sa.Column("ends_at", sa.BigInteger, nullable=False),
        sa.Column("counted_at", sa.BigInteger, nullable=False),
        sa.Column("minimum", sa.Integer, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("period", "kind", name="pk_statistics_publication"),
    )


def _ledger() -> None:
    op.create_table(
        "withdrawal_request",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("institution", sa.String(80), nullable=False),
        sa.Column("reference_code", sa.String(20), nullable=False),
        sa.Column("phrase_check", sa.String(43), nullable=False),
        sa.Column("received_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_withdrawal_request"),
    )
    op.create_index(
        "ix_withdrawal_request_institution", "withdrawal_request", ["institution", "received_at"]
    )
    op.create_index(
        "ix_withdrawal_request_reference_code", "withdrawal_request", ["reference_code"]
    )
    op.create_table(
        "ledger_entry",
        sa.Column(
            "position",
            sa.BigInteger().with_variant(sa.Integer, "sqlite"),
            nullable=False,
            autoincrement=False,
        ),
        sa.Column("leaf_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("message_id", sa.String(36)),
        sa.Column("leaf", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("position", name="pk_ledger_entry"),
    )
    op.create_index("ix_ledger_entry_message_id", "ledger_entry", ["message_id"])
    op.create_table(
        "ledger_node",
        sa.Column("height", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("position", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        sa.PrimaryKeyConstraint("height", "position", name="pk_ledger_node"),
    )
    op.create_table(
        "ledger_head",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("frontier", sa.LargeBinary, nullable=False),
        sa.Column("checkpoint", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_head"),
    )
    op.create_table(
        "cosignature",
        sa.Column("size", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("witness", sa.String(40), nullable=False),
        sa.Column("checkpoint", sa.Text, nullable=False),
        sa.Column("line", sa.Text, nullable=False),
        sa.Column("witnessed_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("size", "witness", name="pk_cosignature"),
    )
    op.create_table(
        "peer_ledger",
        sa.Column("gateway", sa.String(40), nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("root", sa.LargeBinary(32), nullable=False),
        sa.Column("checkpoint", sa.Text, nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sa.Column("fault", sa.String(200)),
        sa.Column("contradiction", sa.Text),
        sa.PrimaryKeyConstraint("gateway", name="pk_peer_ledger"),
    )


def downgrade() -> None:
    for table in (
        "peer_ledger", "cosignature", "ledger_head", "ledger_node", "ledger_entry",
        "withdrawal_request", "statistics_publication", "referral_status", "grant_copy",
        "withdrawn_grant", "recorded_grant",
        "receipt_item", "blob_content", "blob", "sealed_envelope", "delivery",
        "service_need", "service_entry", "revocation_list", "remote_institution", "peer", "approval",
        "watch", "institution",
    ):  # fmt: skip
        op.drop_table(table)
