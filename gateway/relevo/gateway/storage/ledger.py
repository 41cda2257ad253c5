"""The ledger: entries, the stored nodes of its tree, and its signed head."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, insert, select, update

from relevo.contracts.receipt import Receipt, ReceiptLeaf
from relevo.servicekit import merkle
from relevo.servicekit.checkpoint import Checkpoint
from relevo.servicekit.database import exclusive

from .tables import ledger_entry, ledger_head, ledger_node

_LOCK: Final = "gateway-ledger"
_HEAD: Final = 1
_HASH_BYTES: Final = 32

Sign = Callable[[Checkpoint], str]


@dataclass(frozen=True, slots=True)
class Entry:
    """What will stand in the ledger."""

    kind: str
    leaf: bytes
    message_id: str | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """The newest state of the ledger; `checkpoint` is a signed note, empty before the first entry."""

    size: int
    checkpoint: str


@dataclass(frozen=True, slots=True)
class Recorded:
    """Where new entries stand, and how that is shown."""

    first: int
    checkpoint: str
    proofs: list[list[str]]

    def receipt(self, offset: int, leaf: bytes) -> Receipt:
        """The receipt of one of the new entries, made from its bytes."""
        return Receipt.model_construct(
            leaf=ReceiptLeaf.model_validate_json(leaf),
            index=self.first + offset,
            proof=self.proofs[offset],
            checkpoint=self.checkpoint,
        )


def append(
    connection: Connection, entries: Sequence[Entry], *, origin: str, sign: Sign
) -> Recorded:
    """Adds entries and signs the new head once. Call it last: others wait for the head meanwhile."""
    exclusive(connection, _LOCK)
    row = connection.execute(
        select(ledger_head.c.size, ledger_head.c.frontier).where(ledger_head.c.id == _HEAD)
    ).one_or_none()
    size, packed = (0, b"") if row is None else row
    frontier = [packed[place : place + _HASH_BYTES] for place in range(0, len(packed), _HASH_BYTES)]
    hashes = [merkle.leaf_hash(entry.leaf) for entry in entries]
    added = merkle.append(frontier, size, hashes)
    connection.execute(
        insert(ledger_entry),
        [
            {
                "position": size + offset,
                "leaf_hash": hashes[offset],
                "kind": entry.kind,
                "message_id": entry.message_id,
                "leaf": entry.leaf.decode(),
            }
            for offset, entry in enumerate(entries)
        ],
    )
    if added.completed:
        connection.execute(
            insert(ledger_node),
            [
                {"height": height, "position": position, "hash": value}
                for height, position, value in added.completed
            ],
        )
    note = sign(Checkpoint(origin, added.size, added.root))
    values = {"size": added.size, "frontier": b"".join(added.frontier), "checkpoint": note}
    if row is None:
        connection.execute(insert(ledger_head).values(id=_HEAD, **values))
    else:
        connection.execute(update(ledger_head).where(ledger_head.c.id == _HEAD).values(**values))
    texts: dict[bytes, str] = {}
    return Recorded(
        size, note, [[texts.setdefault(step, step.hex()) for step in path] for path in added.proofs]
    )


def head(connection: Connection) -> Head:
    """The newest head."""
    row = connection.execute(
        select(ledger_head.c.size, ledger_head.c.checkpoint).where(ledger_head.c.id == _HEAD)
    ).one_or_none()
    return Head(0, "") if row is None else Head(*row)


def tree(connection: Connection) -> merkle.Tree:
    """The tree as it is stored; it lives as long as the transaction."""

    def read(height: int, first: int, count: int) -> list[bytes]:
        table = ledger_entry if height == 0 else ledger_node
        column = ledger_entry.c.leaf_hash if height == 0 else ledger_node.c.hash
        query = select(column).where(table.c.position >= first, table.c.position < first + count)
        if height:
            query = query.where(ledger_node.c.height == height)
        return list(connection.scalars(query.order_by(table.c.position)))

    return merkle.Tree(read)


def leaf_hash_at(connection: Connection, position: int) -> bytes | None:
    """The hash of an entry; None when there is none at this place."""
    return connection.scalar(
        select(ledger_entry.c.leaf_hash).where(ledger_entry.c.position == position)
    )


def positions_of(connection: Connection, message_ids: Sequence[str], kind: str) -> dict[str, int]:
    """Where the entries of one kind about these messages stand."""
    rows = connection.execute(
        select(ledger_entry.c.message_id, ledger_entry.c.position).where(
            ledger_entry.c.message_id.in_(message_ids), ledger_entry.c.kind == kind
        )
    )
    return dict(rows.all())


def receipts_at(connection: Connection, positions: Sequence[int]) -> dict[int, Receipt]:
    """Receipts of entries, proved against the newest head."""
    newest = head(connection)
    stored = tree(connection)
    rows = connection.execute(
        select(ledger_entry.c.position, ledger_entry.c.leaf).where(
            ledger_entry.c.position.in_(positions)
        )
    )
    return {
        position: Receipt.model_construct(
            leaf=ReceiptLeaf.model_validate_json(leaf),
            index=position,
            proof=[step.hex() for step in stored.inclusion(position, newest.size)],
            checkpoint=newest.checkpoint,
        )
        for position, leaf in rows
    }
