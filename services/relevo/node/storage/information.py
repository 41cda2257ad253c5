"""What was supplied to a referral after it was sent: each person's part under her own key."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from relevo.contracts.information import SuppliedInformation

from .referrals import StoredReferral
from .tables import referral_information, referral_person
from .vault import ErasedError, Vault

_TERMS = 0


def keys_of(connection: Connection, referral_id: str) -> dict[int, str]:
    """The key of each person of a referral, by position."""
    columns = referral_person.c
    rows = connection.execute(
        select(columns.position, columns.data_key_id).where(columns.referral_id == referral_id)
    )
    return {row.position: row.data_key_id for row in rows}


def add(
    connection: Connection,
    vault: Vault,
    of: StoredReferral,
    message_id: str,
    *,
    persons: Mapping[int, tuple[str, dict[str, Any]]],
    contact_rules: Sequence[dict[str, Any]],
    at: datetime,
) -> None:
    """Stores what one message supplied.

    Args:
        connection: A write transaction.
        vault: Seals it.
        of: The referral.
        message_id: The message.
        persons: Key and sections by position.
        contact_rules: What new consents say of reaching her.
        at: When it was supplied.

    Raises:
        ErasedError: One of them was erased.
    """
    parts = dict(persons)
    if contact_rules:
        parts[_TERMS] = (of.data_key_id, {"contact_rules": list(contact_rules)})
    rows = [
        {
            "message_id": message_id,
            "position": position,
            "referral_id": of.id,
            "at": at,
            "data_key_id": key_id,
            "sealed": vault.seal(key_id, part, place=_place(message_id, position)),
        }
        for position, (key_id, part) in parts.items()
    ]
    connection.execute(insert(referral_information), rows)


def of_referral(
    connection: Connection, vault: Vault, referral_id: str
) -> tuple[list[SuppliedInformation], list[dict[str, Any]]]:
    """What was supplied, in order, and the contact rules that came with it. Erased parts are absent."""
    columns = referral_information.c
    query = select(referral_information).where(columns.referral_id == referral_id)
    supplied: dict[str, tuple[datetime, list[dict[str, Any]]]] = {}
    rules: list[dict[str, Any]] = []
    for row in connection.execute(query.order_by(columns.at, columns.message_id, columns.position)):
        try:
            part = vault.open(
                row.data_key_id, row.sealed, place=_place(row.message_id, row.position)
            )
        except ErasedError:
            continue
        if row.position == _TERMS:
            rules += part["contact_rules"]
        else:
            supplied.setdefault(row.message_id, (row.at, []))[1].append(
                {"person_id": str(row.position), **part}
            )
    return [
        SuppliedInformation(message=message, at=at, persons=persons)
        for message, (at, persons) in supplied.items()
    ], rules


def _place(message_id: str, position: int) -> str:
    return f"information/{message_id}/{position}"
