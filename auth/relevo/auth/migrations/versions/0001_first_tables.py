"""First tables: clients, used assertion ids, revoked tokens, signing keys."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "client",
        sa.Column("client_id", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("institution", sa.Text, nullable=False),
        sa.Column("unit", sa.Text),
        sa.Column("mandates", sa.Text, nullable=False),
        sa.Column("purpose", sa.Text),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("audiences", sa.Text, nullable=False),
        sa.Column("jwks", sa.Text, nullable=False),
        sa.Column("dpop_bound_access_tokens", sa.Boolean, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.Column("suspended_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("client_id", name="pk_client"),
    )
    op.create_index("ix_client_suspended_at", "client", ["suspended_at"])
    op.create_table(
        "client_change",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("client_id", sa.Text, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.Column("changed_by", sa.Text, nullable=False),
        sa.Column("change", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_client_change"),
    )
    op.create_index("ix_client_change_client_id", "client_change", ["client_id"])
    op.create_table(
        "used_jti",
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("forget_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_used_jti"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_used_jti_forget_at", "used_jti", ["forget_at"])
    op.create_table(
        "revoked_token",
        sa.Column("jti", sa.Text, nullable=False),
        sa.Column("client_id", sa.Text, nullable=False),
        sa.Column("revoked_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("jti", name="pk_revoked_token"),
    )
    op.create_index("ix_revoked_token_expires_at", "revoked_token", ["expires_at"])
    op.create_table(
        "signing_key",
        sa.Column("kid", sa.Text, nullable=False),
        sa.Column("x", sa.Text, nullable=False),
        sa.Column("wrapped_private", sa.LargeBinary, nullable=False),
        sa.Column("published_at", sa.BigInteger, nullable=False),
        sa.Column("signs_from", sa.BigInteger, nullable=False),
        sa.Column("withdrawn_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("kid", name="pk_signing_key"),
    )


def downgrade() -> None:
    for table in ("signing_key", "revoked_token", "used_jti", "client_change", "client"):
        op.drop_table(table)
