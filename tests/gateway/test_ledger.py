"""The ledger only grows, under any concurrency."""

import asyncio
import itertools
from collections.abc import Callable

import pytest

from relevo.gateway.storage import ledger
from relevo.servicekit import checkpoint, jose, merkle
from relevo.servicekit.checkpoint import Checkpoint
from relevo.servicekit.database import Database
from tests.gateway.federation import RunningGateway

pytestmark = pytest.mark.asyncio

KEY = jose.generate_signing_key()
ORIGIN = checkpoint.origin_of("gateway.mx")


def sign(head: Checkpoint) -> str:
    return checkpoint.sign(head, KEY)


async def test_concurrent_appends_make_one_ledger_whose_proofs_all_hold(
    fresh_database: Callable[[], Database],
) -> None:
    database = fresh_database()
    leaves = [[f"{batch}-{n}".encode() for n in range(7)] for batch in range(40)]
    recorded = await asyncio.gather(
        *(
            database.write(
                ledger.append,
                [ledger.Entry("test", leaf) for leaf in batch],
                origin=ORIGIN,
                sign=sign,
            )
            for batch in leaves
        )
    )
    assert sorted(item.first for item in recorded) == list(range(0, 280, 7))
    for item, batch in zip(recorded, leaves, strict=True):
        for offset, leaf in enumerate(batch):
            checkpoint.verify_leaf(
                leaf,
                index=item.first + offset,
                proof=item.proofs[offset],
                note=item.checkpoint,
                origin=ORIGIN,
                keys=[KEY],
            )
    notes = sorted(
        (checkpoint.verify(item.checkpoint, origin=ORIGIN, keys=[KEY]) for item in recorded),
        key=lambda head: head.size,
    )

    def proofs(connection):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
        tree = ledger.tree(connection)
        return [tree.consistency(a.size, b.size) for a, b in itertools.pairwise(notes)]

    pairs = zip(itertools.pairwise(notes), database.read_now(proofs), strict=True)
    for (older, newer), proof in pairs:
        merkle.verify_consistency(older.size, newer.size, proof, older.root, newer.root)


async def test_an_append_that_fails_leaves_nothing(mx: RunningGateway) -> None:
    def fail(connection):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
        ledger.append(connection, [ledger.Entry("test", b"x")], origin=ORIGIN, sign=sign)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await mx.gateway.database.write(fail)
    assert mx.gateway.database.read_now(ledger.head).size == 0
