"""Follow-up after return, and what was attested.

Revision ID: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    _follow_ups()
    _attestations()


def _follow_ups() -> None:
    op.create_table(
        "follow_up",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("role", sa.String(8), nullable=False),
        sa.Column("reference_code", sa.String(20), nullable=False),
        sa.Column("referral_id", sa.String(36)),
        sa.Column("asker", sa.String(120), nullable=False),
        sa.Column("holder", sa.String(120), nullable=False),
        sa.Column("owner", sa.String(120), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("last_seq", sa.Integer, nullable=False),
        sa.Column("window_from", sa.BigInteger, nullable=False),
        sa.Column("window_until", sa.BigInteger, nullable=False),
        sa.Column("ends_at", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("questions", sa.Text, nullable=False),
        sa.Column("persons", sa.Text, nullable=False),
        sa.Column("scheduled_at", sa.BigInteger),
        sa.Column("cancel_asked", sa.Boolean, nullable=False),
        sa.Column("refused_with", sa.String(80)),
        sa.Column("test", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.Column("data_key_id", sa.String(36), nullable=False),
        sa.Column("sealed", sa.LargeBinary),
        sa.PrimaryKeyConstraint("id", name="pk_follow_up"),
    )
    op.create_index("ix_follow_up_created_at", "follow_up", ["created_at", "id"])
    op.create_index("ix_follow_up_ends_at", "follow_up", ["state", "ends_at"])
    op.create_index("ix_follow_up_referral_id", "follow_up", ["referral_id"])
    op.create_table(
        "follow_up_event",
        sa.Column("follow_up_id", sa.String(36), nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.String(80)),
        sa.Column("sealed", sa.LargeBinary),
        sa.PrimaryKeyConstraint("follow_up_id", "seq", name="pk_follow_up_event"),
        sa.ForeignKeyConstraint(
            ["follow_up_id"], ["follow_up.id"], name="fk_follow_up_event_follow_up_id"
        ),
    )
    op.create_table(
        "follow_up_attempt",
        sa.Column("follow_up_id", sa.String(36), nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("person", sa.Integer, nullable=False),
        sa.Column("modality", sa.String(12), nullable=False),
        sa.Column("opened_at", sa.BigInteger, nullable=False),
        sa.Column("outcome", sa.String(32)),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("forbidden_by", sa.String(32)),
        sa.Column("sealed", sa.LargeBinary),
        sa.PrimaryKeyConstraint("follow_up_id", "seq", name="pk_follow_up_attempt"),
        sa.ForeignKeyConstraint(
            ["follow_up_id"], ["follow_up.id"], name="fk_follow_up_attempt_follow_up_id"
        ),
    )


def _attestations() -> None:
    op.create_table(
        "attestation",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("type", sa.String(40), nullable=False),
        sa.Column("owner", sa.String(120), nullable=False),
        sa.Column("about", sa.String(10), nullable=False),
        sa.Column("subject", sa.String(36), nullable=False),
        sa.Column("issued_at", sa.BigInteger, nullable=False),
        sa.Column("valid_until", sa.BigInteger, nullable=False),
        sa.Column("revoked_at", sa.BigInteger),
        sa.Column("revoked_for", sa.String(20)),
        sa.Column("data_key_id", sa.String(36), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_attestation"),
        sa.UniqueConstraint("number", name="uq_attestation_number"),
    )
    op.create_table(
        "revocation_list",
        sa.Column("institution", sa.String(80), nullable=False),
        sa.Column("status_list", sa.Text, nullable=False),
        sa.Column("read_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("institution", name="pk_revocation_list"),
    )


def downgrade() -> None:
    for table in (
        "revocation_list", "attestation", "follow_up_attempt", "follow_up_event", "follow_up",
    ):  # fmt: skip
        op.drop_table(table)
