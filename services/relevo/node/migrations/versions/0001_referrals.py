"""Referrals and what stands beside them, consents included.

Revision ID: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    _consents()
    _referrals()
    _beside_referrals()


def _consents() -> None:
    op.create_table(
        "consent",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("owner", sa.String(120), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("valid_until", sa.BigInteger, nullable=False),
        sa.Column("recorded_at", sa.BigInteger, nullable=False),
        sa.Column("withdrawn_at", sa.BigInteger),
        sa.Column("data_key_id", sa.String(36), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_consent"),
    )
    op.create_table(
        "grant_slice",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("consent_id", sa.String(36)),
        sa.Column("referral_id", sa.String(36), nullable=False),
        sa.Column("issuer", sa.String(80), nullable=False),
        sa.Column("sender", sa.String(120), nullable=False),
        sa.Column("receiver", sa.String(120), nullable=False),
        sa.Column("jws", sa.Text, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_grant_slice"),
    )
    op.create_index("ix_grant_slice_consent_id", "grant_slice", ["consent_id"])
    op.create_index("ix_grant_slice_referral_id", "grant_slice", ["referral_id"])
    op.create_table(
        "withdrawn_grant",
        sa.Column("issuer", sa.String(80), nullable=False),
        sa.Column("grant_id", sa.String(36), nullable=False),
        sa.Column("withdrawn_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("issuer", "grant_id", name="pk_withdrawn_grant"),
    )
    op.create_table(
        "withdrawal_answer",
        sa.Column("subject", sa.String(36), nullable=False),
        sa.Column("answer", sa.String(8), nullable=False),
        sa.Column("law", sa.String(200)),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("subject", name="pk_withdrawal_answer"),
    )
    op.create_table(
        "withdrawal_request",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("referral_id", sa.String(36), nullable=False),
        sa.Column("owner", sa.String(120), nullable=False),
        sa.Column("consent_ids", sa.Text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("received_at", sa.BigInteger, nullable=False),
        sa.Column("decided_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_withdrawal_request"),
    )
    op.create_index("ix_withdrawal_request_owner", "withdrawal_request", ["state", "received_at"])
    op.create_table(
        "withdrawal_tries",
        sa.Column("referral_id", sa.String(36), nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("paused_until", sa.BigInteger),
        sa.PrimaryKeyConstraint("referral_id", name="pk_withdrawal_tries"),
    )


def _referrals() -> None:
    op.create_table(
        "referral",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("reference_code", sa.String(20), nullable=False),
        sa.Column("role", sa.String(8), nullable=False),
        sa.Column("sender", sa.String(120), nullable=False),
        sa.Column("receiver", sa.String(120), nullable=False),
        sa.Column("owner", sa.String(120), nullable=False),
        sa.Column("pathway", sa.String(80), nullable=False),
        sa.Column("triage", sa.String(10), nullable=False),
        sa.Column("purpose", sa.String(80), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("next_seq", sa.Integer, nullable=False),
        sa.Column("way_back", sa.Text, nullable=False),
        sa.Column("sharing", sa.String(12), nullable=False),
        sa.Column("delivery", sa.String(12)),
        sa.Column("delivery_problem", sa.String(80)),
        sa.Column("refusal_members", sa.Text),
        sa.Column("part_of", sa.String(36)),
        sa.Column("closed_here", sa.Boolean, nullable=False),
        sa.Column("test", sa.Boolean, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("alarms", sa.Text, nullable=False),
        sa.Column("told", sa.Text, nullable=False),
        sa.Column("reviewed_at", sa.BigInteger),
        sa.Column("overdue_at", sa.BigInteger),
        sa.Column("alarm_at", sa.BigInteger),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.Column("data_key_id", sa.String(36), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("outcome", sa.LargeBinary),
        sa.PrimaryKeyConstraint("id", name="pk_referral"),
        sa.UniqueConstraint("reference_code", name="uq_referral_reference_code"),
    )
    op.create_index("ix_referral_alarm_at", "referral", ["alarm_at"])
    op.create_index("ix_referral_created_at", "referral", ["created_at", "id"])
    op.create_index("ix_referral_overdue_at", "referral", ["overdue_at", "id"])
    op.create_index("ix_referral_part_of", "referral", ["part_of"])
    op.create_index("ix_referral_state", "referral", ["state", "created_at"])
    op.create_table(
        "referral_person",
        sa.Column("referral_id", sa.String(36), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("data_key_id", sa.String(36), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("referral_id", "position", name="pk_referral_person"),
        sa.ForeignKeyConstraint(
            ["referral_id"], ["referral.id"], name="fk_referral_person_referral_id"
        ),
    )
    op.create_table(
        "referral_event",
        sa.Column("referral_id", sa.String(36), nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("actor", sa.String(8), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("stored_at", sa.BigInteger, nullable=False),
        sa.Column("sealed", sa.LargeBinary),
        sa.PrimaryKeyConstraint("referral_id", "seq", "actor", "state", name="pk_referral_event"),
        sa.ForeignKeyConstraint(
            ["referral_id"], ["referral.id"], name="fk_referral_event_referral_id"
        ),
    )
    op.create_table(
        "referral_information",
        sa.Column("message_id", sa.String(36), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("referral_id", sa.String(36), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("data_key_id", sa.String(36), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("message_id", "position", name="pk_referral_information"),
    )
    op.create_index("ix_referral_information_referral_id", "referral_information", ["referral_id"])
    op.create_table(
        "referral_review",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("referral_id", sa.String(36), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("stored_at", sa.BigInteger, nullable=False),
        sa.Column("sealed", sa.LargeBinary),
        sa.PrimaryKeyConstraint("id", name="pk_referral_review"),
        sa.ForeignKeyConstraint(
            ["referral_id"], ["referral.id"], name="fk_referral_review_referral_id"
        ),
    )
    op.create_index("ix_referral_review_referral_id", "referral_review", ["referral_id", "at"])


def _beside_referrals() -> None:
    op.create_table(
        "redirect",
        sa.Column("parent_id", sa.String(36), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("proposed_receiver", sa.String(120)),
        sa.Column("problem", sa.String(80)),
        sa.Column("child_id", sa.String(36)),
        sa.Column("followed_state", sa.String(32)),
        sa.Column("open", sa.Boolean, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("parent_id", name="pk_redirect"),
    )
    op.create_index("ix_redirect_open", "redirect", ["open", "parent_id"])
    op.create_table(
        "cancellation",
        sa.Column("message_id", sa.String(36), nullable=False),
        sa.Column("referral_id", sa.String(36), nullable=False),
        sa.Column("asked_at", sa.BigInteger, nullable=False),
        sa.Column("sent", sa.Boolean, nullable=False),
        sa.Column("answer", sa.String(16)),
        sa.Column("data_key_id", sa.String(36), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("message_id", name="pk_cancellation"),
    )
    op.create_index("ix_cancellation_referral_id", "cancellation", ["referral_id"])
    op.create_table(
        "sealed_record",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("referral_id", sa.String(36), nullable=False),
        sa.Column("recorded_by", sa.String(120), nullable=False),
        sa.Column("recorded_at", sa.BigInteger, nullable=False),
        sa.Column("data_key_id", sa.String(36), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sealed_record"),
    )
    op.create_index("ix_sealed_record_referral_id", "sealed_record", ["referral_id", "id"])
    op.create_table(
        "handover",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("brought_by", sa.String(120), nullable=False),
        sa.Column("received_by", sa.String(120), nullable=False),
        sa.Column("stored_at", sa.BigInteger, nullable=False),
        sa.Column("data_key_id", sa.String(36), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_handover"),
    )
    op.create_index("ix_handover_stored_at", "handover", ["stored_at", "id"])
    op.create_table(
        "break_glass",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("referral_id", sa.String(36), nullable=False),
        sa.Column("owner", sa.String(120), nullable=False),
        sa.Column("party", sa.String(120), nullable=False),
        sa.Column("client_id", sa.String(255), nullable=False),
        sa.Column("risk", sa.String(20), nullable=False),
        sa.Column("alone_on_shift", sa.Boolean, nullable=False),
        sa.Column("reviewer", sa.String(120)),
        sa.Column("opened_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("review_due_at", sa.BigInteger, nullable=False),
        sa.Column("escalated_at", sa.BigInteger),
        sa.Column("reviewed_at", sa.BigInteger),
        sa.Column("reviewed_by_party", sa.String(120)),
        sa.Column("data_key_id", sa.String(36), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("review", sa.LargeBinary),
        sa.PrimaryKeyConstraint("id", name="pk_break_glass"),
    )
    op.create_index("ix_break_glass_opened_at", "break_glass", ["opened_at", "id"])
    op.create_index("ix_break_glass_referral_id", "break_glass", ["referral_id"])
    op.create_index(
        "ix_break_glass_unreviewed", "break_glass", ["reviewed_at", "escalated_at", "review_due_at"]
    )
    op.create_table(
        "access_log",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("client_id", sa.String(255), nullable=False),
        sa.Column("party", sa.String(120), nullable=False),
        sa.Column("owner", sa.String(120), nullable=False),
        sa.Column("what", sa.String(20), nullable=False),
        sa.Column("subject", sa.String(36), nullable=False),
        sa.Column("break_glass", sa.String(36)),
        sa.PrimaryKeyConstraint("id", name="pk_access_log"),
    )
    op.create_index("ix_access_log_at", "access_log", ["at", "id"])
    op.create_index("ix_access_log_break_glass", "access_log", ["break_glass"])
    op.create_index("ix_access_log_subject", "access_log", ["subject", "at"])


def downgrade() -> None:
    for table in (
        "access_log", "break_glass", "handover", "sealed_record", "cancellation", "redirect",
        "referral_review", "referral_information", "referral_event", "referral_person", "referral",
        "withdrawal_tries", "withdrawal_request", "withdrawal_answer", "withdrawn_grant",
        "grant_slice", "consent",
    ):  # fmt: skip
        op.drop_table(table)
