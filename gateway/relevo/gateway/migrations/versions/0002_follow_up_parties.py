"""Whom a slice names for follow-up after return."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("recorded_grant", sa.Column("follow_up_parties", sa.Text))


def downgrade() -> None:
    op.drop_column("recorded_grant", "follow_up_parties")
