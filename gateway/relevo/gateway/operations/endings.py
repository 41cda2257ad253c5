"""How deliveries end: a state, a ledger leaf, and a receipt on its way back to the sender."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from relevo.contracts.envelope import MAX_BATCH_MESSAGES
from relevo.contracts.receipt import ReceiptKind
from relevo.gateway.domain.ledger import receipt_leaf
from relevo.gateway.storage import blobs, deliveries
from relevo.gateway.storage.deliveries import Delivery
from relevo.gateway.storage.ledger import Entry
from relevo.servicekit.ids import new_id

from .context import Gateway

_WITHOUT_FILES: Final = frozenset({"refused", "expired"})
"""What was delivered keeps its files until they are fetched; the dead may be sent again."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How one delivery ends. `told` is False where a receipt of ours would say too much.

    A message relayed to a peer is delivered by that peer, which says so itself.
    """

    delivery: Delivery
    kind: ReceiptKind
    problem: str | None = None
    told: bool = True


def end(
    connection: Connection,
    gateway: Gateway,
    endings: Sequence[Ending],
    *,
    lease_id: str | None = None,
) -> list[Ending]:
    """Ends deliveries that are still ours to end, and returns those."""
    ended = finish(connection, gateway, endings, lease_id=lease_id)
    told = [ending for ending in ended if ending.told]
    if told:
        recorded = gateway.record(connection, entries(gateway, told))
        send_back(connection, gateway, told, first=recorded.first)
    return ended


def finish(
    connection: Connection,
    gateway: Gateway,
    endings: Sequence[Ending],
    *,
    lease_id: str | None = None,
) -> list[Ending]:
    """The deliveries' own rows; ledger and receipts are the caller's to write after."""
    now = gateway.business()
    groups: dict[tuple[ReceiptKind, str | None], list[Ending]] = {}
    for ending in endings:
        groups.setdefault((ending.kind, ending.problem), []).append(ending)
    ended: list[Ending] = []
    for (kind, problem), group in groups.items():
        done = set(
            deliveries.finish(
                connection,
                sorted(ending.delivery.id for ending in group),
                state=kind,
                now=now,
                lease_id=lease_id,
                problem=problem,
            )
        )
        ended += [ending for ending in group if ending.delivery.id in done]
        if kind in _WITHOUT_FILES:
            blobs.end_of_messages(connection, done)
    return ended


def entries(gateway: Gateway, endings: Sequence[Ending]) -> list[Entry]:
    """What the ledger says of them."""
    now = gateway.business()
    return [
        Entry(
            ending.kind,
            receipt_leaf(
                kind=ending.kind,
                gateway=gateway.name,
                message_id=ending.delivery.id,
                digest=ending.delivery.digest,
                at=now,
                problem=ending.problem,
            ),
            ending.delivery.id,
        )
        for ending in endings
    ]


def send_back(
    connection: Connection, gateway: Gateway, endings: Sequence[Ending], *, first: int
) -> None:
    """Queues the receipts of ledger entries that stand from `first` on."""
    deliveries.add_receipts(
        connection,
        [
            {"id": new_id(), "target": ending.delivery.return_to, "ledger_index": first + offset}
            for offset, ending in enumerate(endings)
        ],
        now=gateway.security(),
    )


async def expire(gateway: Gateway) -> bool:
    """Ends what nobody fetched in time; True when there may be more."""
    return await gateway.database.write(_expire, gateway)


def _expire(connection: Connection, gateway: Gateway) -> bool:
    late = deliveries.expired(
        connection,
        now=gateway.business(),
        lease_now=gateway.security(),
        limit=MAX_BATCH_MESSAGES,
    )
    end(connection, gateway, [Ending(item, "expired") for item in late])
    return len(late) == MAX_BATCH_MESSAGES
