"""The table of what this institution attested."""

from sqlalchemy import Column, Integer, LargeBinary, String, Table, Text, UniqueConstraint

from relevo.servicekit.columns import UtcDateTime

from .tables import METADATA

attestation = Table(
    "attestation",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("number", Integer, nullable=False),
    Column("type", String(40), nullable=False),
    Column("owner", String(120), nullable=False),
    Column("about", String(10), nullable=False),
    Column("subject", String(36), nullable=False),
    Column("issued_at", UtcDateTime, nullable=False),
    Column("valid_until", UtcDateTime, nullable=False),
    Column("revoked_at", UtcDateTime),
    Column("revoked_for", String(20)),
    Column("data_key_id", String(36), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    UniqueConstraint("number"),
)
"""Signed part and disclosures are sealed under the person's own key: erasing her erases them."""

revocation_list = Table(
    "revocation_list",
    METADATA,
    Column("institution", String(80), primary_key=True),
    Column("status_list", Text, nullable=False),
    Column("read_at", UtcDateTime, nullable=False),
)
"""What others revoked, as they signed it and as it was when it was last asked for."""
