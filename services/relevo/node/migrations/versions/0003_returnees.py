"""Lists of people who return, and their records.

Revision ID: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    _lists()
    _returnees()
    _blind_index()


def _lists() -> None:
    op.create_table(
        "manifest",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("owner", sa.String(120), nullable=False),
        sa.Column("reference", sa.String(80), nullable=False),
        sa.Column("data_key_id", sa.String(36), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_manifest"),
        sa.UniqueConstraint("owner", "reference", name="uq_manifest_owner_reference"),
    )
    op.create_index("ix_manifest_created_at", "manifest", ["created_at", "id"])
    op.create_table(
        "manifest_upload",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("leased_until", sa.BigInteger),
        sa.Column("lease_id", sa.String(36)),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("priority", sa.Integer, nullable=False, server_default="0"),
        sa.Column("last_error", sa.Text),
        sa.Column("manifest_id", sa.String(36), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("terms", sa.Text, nullable=False),
        sa.Column("m_means", sa.String(8)),
        sa.Column("columns", sa.Text, nullable=False),
        sa.Column("data_key_id", sa.String(36), nullable=False),
        sa.Column("rows_total", sa.Integer, nullable=False),
        sa.Column("rows_read", sa.Integer, nullable=False),
        sa.Column("kept", sa.Integer, nullable=False),
        sa.Column("changed", sa.Integer, nullable=False),
        sa.Column("unchanged", sa.Integer, nullable=False),
        sa.Column("refused", sa.Integer, nullable=False),
        sa.Column("absent", sa.Integer),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("finished_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_manifest_upload"),
        sa.ForeignKeyConstraint(
            ["manifest_id"], ["manifest.id"], name="fk_manifest_upload_manifest_id"
        ),
        sa.UniqueConstraint(
            "manifest_id", "version", name="uq_manifest_upload_manifest_id_version"
        ),
    )
    _due("manifest_upload")
    op.create_table(
        "manifest_block",
        sa.Column("upload_id", sa.String(64), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("upload_id", "position", name="pk_manifest_block"),
        sa.ForeignKeyConstraint(
            ["upload_id"], ["manifest_upload.id"], name="fk_manifest_block_upload_id"
        ),
    )
    op.create_table(
        "manifest_row",
        sa.Column("manifest_id", sa.String(36), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("line", sa.Integer, nullable=False),
        sa.Column("result", sa.String(12), nullable=False),
        sa.Column("returnee_id", sa.String(36)),
        sa.Column("sealed", sa.LargeBinary),
        sa.PrimaryKeyConstraint("manifest_id", "version", "line", name="pk_manifest_row"),
        sa.ForeignKeyConstraint(
            ["manifest_id"], ["manifest.id"], name="fk_manifest_row_manifest_id"
        ),
    )


def _returnees() -> None:
    op.create_table(
        "returnee",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("owner", sa.String(120), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("next_seq", sa.Integer, nullable=False),
        sa.Column("manifest_id", sa.String(36)),
        sa.Column("row_key", sa.String(64)),
        sa.Column("row_digest", sa.String(64)),
        sa.Column("seen_version", sa.Integer),
        sa.Column("merged_into", sa.String(36)),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.Column("data_key_id", sa.String(36), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_returnee"),
    )
    op.create_index("ix_returnee_created_at", "returnee", ["created_at", "id"])
    op.create_index("ix_returnee_manifest_id", "returnee", ["manifest_id", "row_digest"])
    op.create_index("ix_returnee_row_key", "returnee", ["row_key"])
    op.create_index("ix_returnee_merged_into", "returnee", ["merged_into"])
    op.create_table(
        "returnee_event",
        sa.Column("returnee_id", sa.String(36), nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("stored_at", sa.BigInteger, nullable=False),
        sa.Column("sealed", sa.LargeBinary),
        sa.PrimaryKeyConstraint("returnee_id", "seq", name="pk_returnee_event"),
        sa.ForeignKeyConstraint(
            ["returnee_id"], ["returnee.id"], name="fk_returnee_event_returnee_id"
        ),
    )
    op.create_table(
        "returnee_link",
        sa.Column("returnee_id", sa.String(36), nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("target", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("returnee_id", "kind", "target", name="pk_returnee_link"),
        sa.ForeignKeyConstraint(
            ["returnee_id"], ["returnee.id"], name="fk_returnee_link_returnee_id"
        ),
    )
    op.create_index("ix_returnee_link_target", "returnee_link", ["target"])


def _blind_index() -> None:
    op.create_table(
        "returnee_key",
        sa.Column("blind", sa.LargeBinary, nullable=False),
        sa.Column("returnee_id", sa.String(36), nullable=False),
        sa.PrimaryKeyConstraint("blind", "returnee_id", name="pk_returnee_key"),
        sa.ForeignKeyConstraint(
            ["returnee_id"], ["returnee.id"], name="fk_returnee_key_returnee_id"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_returnee_key_returnee_id", "returnee_key", ["returnee_id"])
    op.create_table(
        "returnee_indexed",
        sa.Column("returnee_id", sa.String(36), nullable=False),
        sa.Column("edition", sa.String(32), nullable=False),
        sa.Column("apart", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("returnee_id", name="pk_returnee_indexed"),
        sa.ForeignKeyConstraint(
            ["returnee_id"], ["returnee.id"], name="fk_returnee_indexed_returnee_id"
        ),
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
        "returnee_indexed", "returnee_key", "returnee_link", "returnee_event", "returnee",
        "manifest_row", "manifest_block", "manifest_upload", "manifest",
    ):  # fmt: skip
        op.drop_table(table)
