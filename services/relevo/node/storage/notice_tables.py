"""The register of notices. Nothing in it speaks of a person."""

from sqlalchemy import Column, String, Table

from relevo.servicekit.columns import UtcDateTime

from .tables import METADATA

notice = Table(
    "notice",
    METADATA,
    Column("id", String(200), primary_key=True),
    Column("version", String(200), primary_key=True),
    Column("language", String(6), primary_key=True),
    Column("sha256", String(64), nullable=False),
    Column("published_at", UtcDateTime, nullable=False),
    Column("recalled_at", UtcDateTime),
)
