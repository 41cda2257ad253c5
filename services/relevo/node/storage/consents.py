"""Consent records: the state in the clear, everything the person said sealed under her key."""

from datetime import datetime

from sqlalchemy import Connection, RowMapping, insert, select, update

from relevo.contracts.consent import Consent
from relevo.contracts.lifecycles.consent import State

from .tables import consent
from .vault import Vault

_CLEAR = {"id", "state", "recorded_at", "withdrawn_at"}


def add(connection: Connection, vault: Vault, record: Consent, *, owner: str) -> None:
    """Stores a new record under a key of its own."""
    key_id = vault.new_key()
    body = record.model_dump(mode="json", exclude=_CLEAR)
    connection.execute(
        insert(consent).values(
            id=record.id,
            owner=owner,
            state=record.state,
            valid_until=record.valid_until,
            recorded_at=record.recorded_at,
            data_key_id=key_id,
            sealed=vault.seal(key_id, body, place=f"consent/{record.id}"),
        )
    )


def get_many(
    connection: Connection, vault: Vault, ids: list[str]
) -> dict[str, tuple[Consent, str]]:
    """Records and their owners, by id; those that do not exist are absent."""
    rows = connection.execute(select(consent).where(consent.c.id.in_(ids))).mappings()
    return {row["id"]: (_model(row, vault), row["owner"]) for row in rows}


def hold_active(connection: Connection, ids: set[str]) -> bool:
    """Whether all of these are in force, and stay so until this transaction has ended."""
    if not ids:
        return True
    query = select(consent.c.id).where(consent.c.id.in_(sorted(ids)), consent.c.state == "active")
    return set(connection.scalars(query.with_for_update(read=True))) == ids


def set_state(
    connection: Connection, consent_id: str, state: State, *, withdrawn_at: datetime | None = None
) -> None:
    """Moves a record on; the lifecycle was asked before."""
    connection.execute(
        update(consent)
        .where(consent.c.id == consent_id)
        .values(state=state, withdrawn_at=withdrawn_at)
    )


def _model(row: RowMapping, vault: Vault) -> Consent:
    body = vault.open(row["data_key_id"], row["sealed"], place=f"consent/{row['id']}")
    return Consent.model_validate({**body, **{name: row[name] for name in _CLEAR}})
