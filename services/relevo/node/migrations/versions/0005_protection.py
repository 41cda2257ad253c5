"""Children, families, notices and figures.

Revision ID: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    _children_and_families()
    _notices()
    _figures()


def _children_and_families() -> None:
    op.create_table(
        "child_notice",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("referral_id", sa.String(36), nullable=False),
        sa.Column("notice_id", sa.String(36)),
        sa.Column("authority", sa.String(120)),
        sa.Column("owner", sa.String(120), nullable=False),
        sa.Column("problem", sa.String(80)),
        sa.Column("open", sa.Boolean, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_child_notice"),
    )
    op.create_index("ix_child_notice_open", "child_notice", ["open", "id"])
    op.create_index("ix_child_notice_referral_id", "child_notice", ["referral_id"])
    op.create_table(
        "family_split",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("owner", sa.String(120), nullable=False),
        sa.Column("stays", sa.String(36), nullable=False),
        sa.Column("goes", sa.String(36), nullable=False),
        sa.Column("persons", sa.Text, nullable=False),
        sa.Column("needs", sa.Text, nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("recorded_at", sa.BigInteger, nullable=False),
        sa.Column("confirm_by", sa.BigInteger, nullable=False),
        sa.Column("confirmed_at", sa.BigInteger),
        sa.Column("data_key_id", sa.String(36), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_family_split"),
    )
    op.create_index("ix_family_split_goes", "family_split", ["goes"])
    op.create_index("ix_family_split_state", "family_split", ["state", "confirm_by"])
    op.create_index("ix_family_split_stays", "family_split", ["stays"])
    op.create_table(
        "coming_of_age",
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("subject", sa.String(36), nullable=False),
        sa.Column("owner", sa.String(120), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("done", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("kind", "subject", name="pk_coming_of_age"),
    )
    op.create_index("ix_coming_of_age_at", "coming_of_age", ["done", "at"])


def _notices() -> None:
    op.create_table(
        "notice",
        sa.Column("id", sa.String(200), nullable=False),
        sa.Column("version", sa.String(200), nullable=False),
        sa.Column("language", sa.String(6), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("published_at", sa.BigInteger, nullable=False),
        sa.Column("recalled_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", "version", "language", name="pk_notice"),
    )


def _figures() -> None:
    op.create_table(
        "profile_tally",
        sa.Column("month", sa.String(7), nullable=False),
        sa.Column("role", sa.String(8), nullable=False),
        sa.Column("pathway", sa.String(80), nullable=False),
        sa.Column("case_profile", sa.String(80), nullable=False),
        sa.Column("shard", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint(
            "month", "role", "pathway", "case_profile", "shard", name="pk_profile_tally"
        ),
    )
    op.create_table(
        "counted_coarsely",
        sa.Column("referral_id", sa.String(36), nullable=False),
        sa.PrimaryKeyConstraint("referral_id", name="pk_counted_coarsely"),
    )
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


def downgrade() -> None:
    for table in (
        "statistics_publication", "counted_coarsely", "profile_tally", "notice", "coming_of_age",
        "family_split", "child_notice",
    ):  # fmt: skip
        op.drop_table(table)
