"""The first schema.

Revision ID: 0001
"""

from alembic import op

from relevo.node.storage import (
    access_tables,
    attachment_tables,
    attestation_tables,
    notice_tables,
    protection_tables,
    review_tables,
    sealed_record_tables,
    statistics_tables,
    withdrawal_tables,
)
from relevo.node.storage.tables import METADATA
from relevo.servicekit.idempotency import idempotency_key

revision = "0001"
down_revision = None

TABLES = (
    attachment_tables,
    attestation_tables,
    access_tables,
    notice_tables,
    protection_tables,
    review_tables,
    sealed_record_tables,
    statistics_tables,
    withdrawal_tables,
)
"""Modules whose tables stand on the same metadata."""


def upgrade() -> None:
    METADATA.create_all(op.get_bind())
    idempotency_key.metadata.create_all(op.get_bind())


def downgrade() -> None:
    METADATA.drop_all(op.get_bind())
    idempotency_key.metadata.drop_all(op.get_bind())
