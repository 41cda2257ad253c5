"""Gateways that this one has an agreement with, and what their ledgers said."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from relevo.contracts.institution import PeerGateway

from .tables import peer, peer_ledger


@dataclass(frozen=True, slots=True)
class SeenLedger:
    """The newest checkpoint of a peer that was found consistent with the one before.

    `contradiction` is a later one that was not, and `fault` says why.
    """

    gateway: str
    size: int
    root: bytes
    checkpoint: str
    seen_at: datetime
    fault: str | None = None
    contradiction: str | None = None


def all_cards(connection: Connection) -> list[str]:
    """Every peer's card, as JSON."""
    return list(connection.scalars(select(peer.c.card).order_by(peer.c.gateway)))


def put(connection: Connection, card: PeerGateway, *, approved_by: str, now: datetime) -> None:
    values = {"card": card.model_dump_json(), "approved_by": approved_by, "agreed_at": now}
    changed = connection.execute(
        update(peer).where(peer.c.gateway == card.gateway).values(**values)
    ).rowcount
    if not changed:
        connection.execute(insert(peer).values(gateway=card.gateway, **values))


def seen_ledger(connection: Connection, gateway: str) -> SeenLedger | None:
    row = connection.execute(
        select(
            peer_ledger.c.gateway,
            peer_ledger.c.size,
            peer_ledger.c.root,
            peer_ledger.c.checkpoint,
            peer_ledger.c.seen_at,
            peer_ledger.c.fault,
            peer_ledger.c.contradiction,
        ).where(peer_ledger.c.gateway == gateway)
    ).one_or_none()
    return None if row is None else SeenLedger(*row)


def put_seen_ledger(connection: Connection, seen: SeenLedger) -> None:
    values = {
        "size": seen.size,
        "root": seen.root,
        "checkpoint": seen.checkpoint,
        "seen_at": seen.seen_at,
        "fault": seen.fault,
        "contradiction": seen.contradiction,
    }
    changed = connection.execute(
        update(peer_ledger).where(peer_ledger.c.gateway == seen.gateway).values(**values)
    ).rowcount
    if not changed:
        connection.execute(insert(peer_ledger).values(gateway=seen.gateway, **values))


def forget_ledger(connection: Connection, gateway: str) -> bool:
    """Lets what a peer's ledger said be forgotten; False when nothing was remembered."""
    return bool(
        connection.execute(delete(peer_ledger).where(peer_ledger.c.gateway == gateway)).rowcount
    )
