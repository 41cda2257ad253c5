"""Sealed records beside a referral: added, read, never changed."""

from datetime import datetime

from pydantic import TypeAdapter
from sqlalchemy import Connection, insert, select

from relevo.contracts.sealed_records import Record, SealedRecord, SealedRecordInput

from .referrals import StoredReferral
from .sealed_record_tables import sealed_record
from .vault import ErasedError, Vault

_RECORD: TypeAdapter[Record] = TypeAdapter(SealedRecordInput)


def add(
    connection: Connection,
    vault: Vault,
    of: StoredReferral,
    record: Record,
    *,
    id: str,  # noqa: A002 - its name in the contract
    recorded_by: str,
    now: datetime,
) -> SealedRecord:
    """Stores one.

    Raises:
        ErasedError: The person was erased.
    """
    connection.execute(
        insert(sealed_record),
        [
            {
                "id": id,
                "referral_id": of.id,
                "recorded_by": recorded_by,
                "recorded_at": now,
                "data_key_id": of.data_key_id,
                "sealed": vault.seal(
                    of.data_key_id, record.model_dump(mode="json"), place=_place(id)
                ),
            }
        ],
    )
    return SealedRecord(
        id=id, referral_id=of.id, recorded_by=recorded_by, recorded_at=now, record=record
    )


def of_referral(connection: Connection, vault: Vault, referral_id: str) -> list[SealedRecord]:
    """Oldest first, without those that were erased."""
    query = select(sealed_record).where(sealed_record.c.referral_id == referral_id)
    found = []
    for row in connection.execute(query.order_by(sealed_record.c.id)).mappings():
        try:
            said = vault.open(row["data_key_id"], row["sealed"], place=_place(row["id"]))
        except ErasedError:
            continue
        found.append(
            SealedRecord(
                id=row["id"],
                referral_id=referral_id,
                recorded_by=row["recorded_by"],
                recorded_at=row["recorded_at"],
                record=_RECORD.validate_python(said),
            )
        )
    return found


def records_of(connection: Connection, vault: Vault, referral_id: str) -> list[Record]:
    """What they say."""
    return [one.record for one in of_referral(connection, vault, referral_id)]


def _place(record_id: str) -> str:
    return f"sealed_record/{record_id}"
