"""Files: as they were uploaded, as they stand in referrals, and their blobs on their way."""

from sqlalchemy import (
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
)

from relevo.servicekit.columns import UtcDateTime
from relevo.servicekit.work_queue import queue_columns, queue_index

from .tables import METADATA

attachment_upload = Table(
    "attachment_upload",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("owner", String(120), nullable=False),
    Column("media_type", String(40), nullable=False),
    Column("size", Integer, nullable=False),
    Column("metadata", String(8), nullable=False),
    Column("attached", Boolean, nullable=False),
    Column("fingerprint", String(64)),
    Column("uploaded_at", UtcDateTime, nullable=False),
    Column("data_key_id", String(36)),
    Column("sealed_key", LargeBinary),
    Index("ix_attachment_upload_uploaded_at", "attached", "uploaded_at"),
    Index("ix_attachment_upload_fingerprint", "fingerprint"),
)
"""A file that a local system brought. Its content key is sealed under a key of its own until it goes
with a person; from then on it stands in `referral_attachment` alone, under hers. `fingerprint` tells a
retry, for a day."""

attachment_piece = Table(
    "attachment_piece",
    METADATA,
    Column("file_id", String(36), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)
"""Under the file's content key: of an upload, or of an attachment that came, as it came."""

referral_attachment = Table(
    "referral_attachment",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("referral_id", String(36), nullable=False),
    Column("message_id", String(36), nullable=False),
    Column("position", Integer, nullable=False),
    Column("upload_id", String(36)),
    Column("state", String(12), nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("data_key_id", String(36), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index("ix_referral_attachment_referral_id", "referral_id"),
    Index("ix_referral_attachment_message_id", "message_id"),
    Index("ix_referral_attachment_upload_id", "upload_id"),
)
"""What a file is and the keys that open it, under the key of the person whose it is.

`upload_id` stands on the side that sent it.
"""

blob_transfer = Table(
    "blob_transfer",
    METADATA,
    *queue_columns(),
    Column("attachment_id", String(36), nullable=False),
    Column("message_id", String(36), nullable=False),
    Column("position", Integer, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("outgoing", Boolean, nullable=False),
    Column("stored", Boolean, nullable=False),
    UniqueConstraint("attachment_id", "position"),
    Index("ix_blob_transfer_message_id", "message_id"),
    queue_index("blob_transfer"),
)
"""One row a blob, to the gateway or from it. `stored`: it is here, and the gateway is to be told."""
