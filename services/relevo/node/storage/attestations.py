"""Attestations as they were signed, and which numbers were revoked."""

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, RowMapping, select, update

from relevo.contracts.message_types.referral_submitted import REFERRAL_SUBMITTED
from relevo.servicekit.database import insert_or_ignore

from .attestation_tables import attestation
from .tables import consent, inbox, outbox
from .vault import ErasedError, Vault


@dataclass(frozen=True)
class StoredAttestation:
    """One attestation; `signed` and `disclosures` come from the sealed column, empty once she was erased."""

    id: str
    number: int
    type: str
    owner: str
    about: str
    subject: str
    issued_at: datetime
    valid_until: datetime
    revoked_at: datetime | None
    revoked_for: str | None
    data_key_id: str
    signed: str = field(default="", repr=False)
    disclosures: tuple[str, ...] = field(default=(), repr=False)


_SEALED = {"signed", "disclosures"}


def number_is_free(connection: Connection, number: int) -> bool:
    return not connection.scalar(select(attestation.c.id).where(attestation.c.number == number))


def add(connection: Connection, vault: Vault, new: StoredAttestation) -> bool:
    """Stores one; False when somebody took its number meanwhile.

    Raises:
        ErasedError: The person was erased.
    """
    values = {name: value for name, value in vars(new).items() if name not in _SEALED}
    sealed = {"signed": new.signed, "disclosures": list(new.disclosures)}
    values["sealed"] = vault.seal(new.data_key_id, sealed, place=_place(new.id))
    return insert_or_ignore(connection, attestation, [values]) == 1


def get(connection: Connection, vault: Vault, attestation_id: str) -> StoredAttestation | None:
    query = select(attestation).where(attestation.c.id == attestation_id)
    row = connection.execute(query).mappings().first()
    return None if row is None else _model(row, vault)


def revoke(connection: Connection, attestation_id: str, reason: str, *, now: datetime) -> None:
    """From now on; moment and reason of the first time stay."""
    connection.execute(
        update(attestation)
        .where(attestation.c.id == attestation_id, attestation.c.revoked_at.is_(None))
        .values(revoked_at=now, revoked_for=reason)
    )


def revoked_numbers(connection: Connection) -> list[int]:
    """Every number that no longer counts."""
    return list(
        connection.scalars(
            select(attestation.c.number).where(attestation.c.revoked_at.is_not(None))
        )
    )


def message_digest(connection: Connection, referral_id: str) -> str | None:
    """SHA-256 of the signed message that carried a referral, the same at both its sides."""
    for table in (inbox, outbox):
        found: str | None = connection.scalar(
            select(table.c.digest).where(
                table.c.referral_id == referral_id, table.c.message_type == REFERRAL_SUBMITTED.id
            )
        )
        if found is not None:
            return found
    return None


def keeping_of_consent(connection: Connection, consent_id: str) -> tuple[str, str]:
    """Whose a consent is, and the key that it is sealed under."""
    query = select(consent.c.owner, consent.c.data_key_id).where(consent.c.id == consent_id)
    row = connection.execute(query).one()
    return row.owner, row.data_key_id


def _model(row: RowMapping, vault: Vault) -> StoredAttestation:
    values = {name: value for name, value in row.items() if name != "sealed"}
    try:
        opened = vault.open(row["data_key_id"], row["sealed"], place=_place(row["id"]))
    except ErasedError:
        return StoredAttestation(**values)
    return StoredAttestation(
        **values, signed=opened["signed"], disclosures=tuple(opened["disclosures"])
    )


def _place(attestation_id: str) -> str:
    return f"attestation/{attestation_id}"
