"""Tables of the issuer."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    LargeBinary,
    MetaData,
    Table,
    Text,
)

from relevo.servicekit.columns import JsonText, UtcDateTime, naming_convention

metadata = MetaData(naming_convention=naming_convention)

client = Table(
    "client",
    metadata,
    Column("client_id", Text, primary_key=True),
    Column("version", Text, nullable=False),
    Column("institution", Text, nullable=False),
    Column("unit", Text),
    Column("mandates", JsonText, nullable=False),
    Column("purpose", Text),
    Column("scopes", JsonText, nullable=False),
    Column("audiences", JsonText, nullable=False),
    Column("jwks", JsonText, nullable=False),
    Column("dpop_bound_access_tokens", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("suspended_at", UtcDateTime),
    Index("ix_client_suspended_at", "suspended_at"),
)

client_change = Table(
    "client_change",
    metadata,
    Column("id", Text, primary_key=True),
    Column("client_id", Text, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("changed_by", Text, nullable=False),
    Column("change", Text, nullable=False),
    Index("ix_client_change_client_id", "client_id"),
)

used_jti = Table(
    "used_jti",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("forget_at", BigInteger, nullable=False),
    Index("ix_used_jti_forget_at", "forget_at"),
    sqlite_with_rowid=False,
)

revoked_token = Table(
    "revoked_token",
    metadata,
    Column("jti", Text, primary_key=True),
    Column("client_id", Text, nullable=False),
    Column("revoked_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Index("ix_revoked_token_expires_at", "expires_at"),
)

signing_key = Table(
    "signing_key",
    metadata,
    Column("kid", Text, primary_key=True),
    Column("x", Text, nullable=False),
    Column("wrapped_private", LargeBinary, nullable=False),
    Column("published_at", UtcDateTime, nullable=False),
    Column("signs_from", UtcDateTime, nullable=False),
    Column("withdrawn_at", UtcDateTime),
)
