"""The gateway's tables. Nothing in them speaks of a person: sealed envelopes, ids, digests, keys."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from relevo.servicekit.columns import JsonText, UtcDateTime, naming_convention
from relevo.servicekit.work_queue import queue_columns, queue_index

METADATA = MetaData(naming_convention=naming_convention)

# As INTEGER it is SQLite's own row number, and needs no second tree.
_POSITION = BigInteger().with_variant(Integer, "sqlite")

# -- who is on the network ----------------------------------------------------------------------------

institution = Table(
    "institution",
    METADATA,
    Column("institution", String(80), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("state", String(20), nullable=False),
    Column("country", String(2), nullable=False),
    Column("profile", JsonText, nullable=False),
    Column("key_set", JsonText, nullable=False),
    Column("client_key", JsonText, nullable=False),
    Column("fingerprint", String(43), nullable=False),
    Column("registration_digest", String(64), nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)
"""Institutions whose home is here. `version` changes with every change of the row."""

watch = Table(
    "watch",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("institution", String(80), nullable=False),
    Column("pathway", String(80), nullable=False),
    Column("appointed_at", UtcDateTime, nullable=False),
    Column("appointed_by", String(400), nullable=False),
    Column("ended_at", UtcDateTime),
    Column("ended_by", String(400)),
    Index("ix_watch_institution", "institution"),
)
"""Who watches which route for its coordination table, and who decided so; those that ended stay."""

approval = Table(
    "approval",
    METADATA,
    Column("institution", String(80), primary_key=True),
    Column("registration_digest", String(64), primary_key=True),
    Column("approved_by", String(200), primary_key=True),
    Column("approved_at", UtcDateTime, nullable=False),
)

peer = Table(
    "peer",
    METADATA,
    Column("gateway", String(40), primary_key=True),
    Column("card", Text, nullable=False),
    Column("approved_by", String(200), nullable=False),
    Column("agreed_at", UtcDateTime, nullable=False),
)
"""Gateways that this one has an agreement with."""

remote_institution = Table(
    "remote_institution",
    METADATA,
    Column("institution", String(80), primary_key=True),
    Column("gateway", String(40), nullable=False),
    Column("entry", Text, nullable=False),
    Column("fetched_at", UtcDateTime, nullable=False),
)
"""Directory entries as peers signed them."""

revocation_list = Table(
    "revocation_list",
    METADATA,
    Column("institution", String(80), primary_key=True),
    Column("status_list", Text, nullable=False),
    Column("issued_at", UtcDateTime, nullable=False),
)
"""The newest list of revoked attestations of each institution at home here, as it signed it."""

service_entry = Table(
    "service_entry",
    METADATA,
    Column("institution", String(80), primary_key=True),
    Column("service_id", String(100), primary_key=True),
    Column("country", String(2), nullable=False),
    Column("party", String(120), nullable=False),
    Column("document", JsonText, nullable=False),
    Column("capacity", String(20), nullable=False),
    Column("capacity_until", UtcDateTime),
    Column("confirmed_by", String(200), nullable=False),
    Column("confirmed_at", UtcDateTime, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Index("ix_service_entry_confirmed_at", "institution", "confirmed_at"),
)
"""What institutions at home here say they do: documents of HSDS 3, without addresses of safe houses."""

service_need = Table(
    "service_need",
    METADATA,
    Column("need", String(80), primary_key=True),
    Column("country", String(2), primary_key=True),
    Column("institution", String(80), primary_key=True),
    Column("service_id", String(100), primary_key=True),
    Index("ix_service_need_institution", "institution", "service_id"),
)
"""Which entries meet a need, in the order of their pages."""

# -- messages on their way ------------------------------------------------------------------------------

delivery = Table(
    "delivery",
    METADATA,
    *queue_columns(),
    Column("target", String(130), nullable=False),
    Column("return_to", String(130), nullable=False),
    Column("sender", String(120), nullable=False),
    Column("receiver", String(120), nullable=False),
    Column("message_type", String(60), nullable=False),
    Column("message_class", String(10), nullable=False),
    Column("triage", String(10)),
    Column("digest", String(64), nullable=False),
    Column("bytes", Integer, nullable=False),
    Column("accepted_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("refusals", Integer, nullable=False),
    Column("held_since", UtcDateTime),
    Column("unconfirmed", Boolean, nullable=False),
    Column("problem", String(80)),
    Column("outcome", String(20)),
    Column("ended_at", UtcDateTime),
    queue_index("delivery", "target"),
    Index("ix_delivery_ended", "state", "id", postgresql_where=text("state = 'dead'"),
          sqlite_where=text("state = 'dead'")),
)  # fmt: skip
"""One row a message, its id the message's. Stays, without the envelope, to know the message again.

`outcome` is what the receiver's gateway later said of a message that was relayed to it.
"""

sealed_envelope = Table(
    "sealed_envelope",
    METADATA,
    Column("message_id", String(36), primary_key=True),
    Column("jws", Text, nullable=False),
)
"""Apart from its delivery, so that leases do not rewrite kilobytes; gone when the message is out."""

blob = Table(
    "blob",
    METADATA,
    *queue_columns(),
    Column("message_id", String(36), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("source", String(80), nullable=False),
    Column("target", String(130), nullable=False),
    Column("bytes", Integer),
    Column("expires_at", UtcDateTime, nullable=False),
    UniqueConstraint("message_id", "digest"),
    Index("ix_blob_digest", "digest"),
    Index("ix_blob_expires_at", "expires_at",
          postgresql_where=text("state <> 'gone'"), sqlite_where=text("state <> 'gone'")),
    queue_index("blob", "target"),
)  # fmt: skip
"""Sealed files that an accepted message names: awaited, then here or queued for a peer, then gone.

`source` alone may bring it. `target` is an institution whose home is here, or a peer gateway.
"""

blob_content = Table(
    "blob_content",
    METADATA,
    Column("blob_id", String(64), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)

receipt_item = Table(
    "receipt_item",
    METADATA,
    *queue_columns(),
    Column("target", String(130), nullable=False),
    Column("ledger_index", BigInteger),
    Column("receipt", Text),
    queue_index("receipt_item", "target"),
)
"""Receipts on their way back: an entry of our ledger, or a peer's whole receipt."""

# -- grants and states ------------------------------------------------------------------------------------

recorded_grant = Table(
    "recorded_grant",
    METADATA,
    Column("message_id", String(36), primary_key=True),
    Column("grant_id", String(36), primary_key=True),
    Column("issuer", String(80), nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("reference_code", String(20)),
    Column("status_parties", JsonText),
    Column("follow_up_parties", JsonText),
    Index("ix_recorded_grant_grant_id", "grant_id"),
    Index("ix_recorded_grant_reference_code", "reference_code",
          postgresql_where=text("reference_code IS NOT NULL"),
          sqlite_where=text("reference_code IS NOT NULL")),
)  # fmt: skip
"""Which grants a message came under, and whom they name for status and follow-up."""

withdrawn_grant = Table(
    "withdrawn_grant",
    METADATA,
    Column("grant_id", String(36), primary_key=True),
    Column("issuer", String(80), primary_key=True),
    Column("withdrawn_at", UtcDateTime, nullable=False),
    Column("message_id", String(36), nullable=False),
)
"""Also of grants that were never seen here. Bound to the issuer: nobody else's word counts."""

grant_copy = Table(
    "grant_copy",
    METADATA,
    Column("grant_id", String(36), primary_key=True),
    Column("issuer", String(80), primary_key=True),
    Column("state", String(20), nullable=False),
    Column("as_of", UtcDateTime, nullable=False),
)
"""What the home gateway of a grant's issuer last said of it."""

referral_status = Table(
    "referral_status",
    METADATA,
    Column("reference_code", String(20), primary_key=True),
    Column("referral_id", String(36), nullable=False),
    Column("sender", String(120), nullable=False),
    Column("receiver", String(120), nullable=False),
    Column("state", String(32), nullable=False),
    Column("triage", String(10)),
    Column("event_seq", Integer, nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("pathway", String(80), nullable=False),
    Column("begun_at", UtcDateTime, nullable=False),
    Column("steps", Text, nullable=False),
    Index("ix_referral_status_begun_at", "begun_at"),
)
"""Coarse state by reference code, kept by the home gateway of the code.

`pathway` is what the envelope said: the class of a sealed one. `steps` are states, each with the minutes
from `begun_at` until it passed here. Figures are counted from these.
"""

statistics_publication = Table(
    "statistics_publication",
    METADATA,
    Column("period", String(8), primary_key=True),
    Column("kind", String(8), primary_key=True),
    Column("starts_at", UtcDateTime, nullable=False),
    Column("ends_at", UtcDateTime, nullable=False),
    Column("counted_at", UtcDateTime, nullable=False),
    Column("minimum", Integer, nullable=False),
    Column("document", Text, nullable=False),
)
"""What was published, `open` or `sealed`, and never changes."""

withdrawal_request = Table(
    "withdrawal_request",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("institution", String(80), nullable=False),
    Column("reference_code", String(20), nullable=False),
    Column("phrase_check", String(43), nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Index("ix_withdrawal_request_institution", "institution", "received_at"),
    Index("ix_withdrawal_request_reference_code", "reference_code"),
)
"""By whoever holds the paper, until the institution that referred her has fetched it."""

# -- the ledger ---------------------------------------------------------------------------------------------

ledger_entry = Table(
    "ledger_entry",
    METADATA,
    Column("position", _POSITION, primary_key=True, autoincrement=False),
    Column("leaf_hash", LargeBinary(32), nullable=False),
    Column("kind", String(12), nullable=False),
    Column("message_id", String(36)),
    Column("leaf", Text, nullable=False),
    Index("ix_ledger_entry_message_id", "message_id"),
)

ledger_node = Table(
    "ledger_node",
    METADATA,
    Column("height", Integer, primary_key=True, autoincrement=False),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary(32), nullable=False),
)
"""Complete nodes at heights 8, 16 …; height 0 stands in `ledger_entry`."""

ledger_head = Table(
    "ledger_head",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("size", BigInteger, nullable=False),
    Column("frontier", LargeBinary, nullable=False),
    Column("checkpoint", Text, nullable=False),
)

cosignature = Table(
    "cosignature",
    METADATA,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("witness", String(40), primary_key=True),
    Column("checkpoint", Text, nullable=False),
    Column("line", Text, nullable=False),
    Column("witnessed_at", UtcDateTime, nullable=False),
)

peer_ledger = Table(
    "peer_ledger",
    METADATA,
    Column("gateway", String(40), primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("root", LargeBinary(32), nullable=False),
    Column("checkpoint", Text, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("fault", String(200)),
    Column("contradiction", Text),
)
"""The newest checkpoint of each peer that was found consistent, and what was wrong with a later one.

`contradiction` is that later one: two checkpoints that the peer signed and that cannot both be true.
"""
