"""The ledger only grows, under any concurrency, and peers can see that it does."""

import asyncio
import itertools
from collections.abc import Callable

import pytest

from relevo.gateway.operations import ledger as operations
from relevo.gateway.operations.ledger import LedgerFaultError
from relevo.gateway.storage import ledger, peers
from relevo.servicekit import checkpoint, jose, merkle
from relevo.servicekit.checkpoint import Checkpoint
from relevo.servicekit.database import Database
from relevo.servicekit.migrations import upgrade
from tests.gateway.federation import Institution, RunningGateway

pytestmark = pytest.mark.asyncio

KEY = jose.generate_signing_key()
ORIGIN = checkpoint.origin_of("gateway.mx")


def sign(head: Checkpoint) -> str:
    return checkpoint.sign(head, KEY)


async def test_concurrent_appends_make_one_ledger_whose_proofs_all_hold(
    fresh_url: Callable[[], str],
) -> None:
    database = Database(fresh_url())
    upgrade(database, "relevo.gateway")
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
    database.close()


async def test_an_append_that_fails_leaves_nothing(mx: RunningGateway) -> None:
    def fail(connection):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
        ledger.append(connection, [ledger.Entry("test", b"x")], origin=ORIGIN, sign=sign)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await mx.gateway.database.write(fail)
    assert mx.gateway.database.read_now(ledger.head).size == 0


async def test_an_empty_ledger_has_a_signed_head_too(mx: RunningGateway) -> None:
    note = (await mx.get("/v1/ledger/checkpoint", "gateway.gt")).text
    head = checkpoint.verify(note, origin=ORIGIN, keys=mx.gateway.keys.signing)
    assert (head.size, head.root) == (0, merkle.EMPTY_ROOT)


async def test_proofs_are_served_and_verify(
    mx: RunningGateway, albergue: Institution, casa: Institution
) -> None:
    before = await mx.send(
        albergue, *(albergue.envelope(casa.id, now=mx.clock.now) for _ in range(3))
    )
    await mx.send(albergue, *(albergue.envelope(casa.id, now=mx.clock.now) for _ in range(5)))
    keys = mx.gateway.keys.signing
    head = checkpoint.verify(
        (await mx.get("/v1/ledger/checkpoint", albergue.id)).text, origin=ORIGIN, keys=keys
    )
    receipt = before[0].receipt
    assert receipt
    old = checkpoint.verify(receipt.checkpoint, origin=ORIGIN, keys=keys)
    answer = (
        await mx.get("/v1/ledger/inclusion", albergue.id, index=receipt.index, tree_size=head.size)
    ).json()
    merkle.verify_inclusion(
        merkle.leaf_hash(receipt.leaf.leaf_bytes()),
        receipt.index,
        head.size,
        [bytes.fromhex(step) for step in answer["proof"]],
        head.root,
    )
    answer = (
        await mx.get("/v1/ledger/consistency", albergue.id, **{"from": old.size, "to": head.size})
    ).json()
    merkle.verify_consistency(
        old.size, head.size, [bytes.fromhex(step) for step in answer["proof"]], old.root, head.root
    )
    for path, params in (
        ("inclusion", {"index": 9999, "tree_size": head.size}),
        ("inclusion", {"index": 0, "tree_size": head.size + 1}),
        ("consistency", {"from": 0, "to": 1}),
        ("consistency", {"from": 3, "to": 2}),
    ):
        refused = await mx.get(f"/v1/ledger/{path}", albergue.id, **params)
        assert refused.status_code == 422


async def test_peers_sign_what_continues_what_they_saw(
    mx: RunningGateway, gt: RunningGateway, albergue: Institution, casa: Institution
) -> None:
    assert (await mx.get("/v1/ledger/checkpoint", gt.name, witnessed="true")).status_code == 404
    for _ in range(3):
        await mx.send(albergue, albergue.envelope(casa.id, now=mx.clock.now))
        await operations.witness_all(gt.gateway)
    note = (await mx.get("/v1/ledger/checkpoint", gt.name, witnessed="true")).text
    head = checkpoint.verify(note, origin=ORIGIN, keys=mx.gateway.keys.signing)
    assert head.size == mx.gateway.database.read_now(ledger.head).size
    when = checkpoint.verify_cosignature(note, name=gt.name, keys=gt.gateway.keys.signing)
    assert when == int(gt.clock.now.timestamp())
    assert (await mx.get("/v1/ledger/checkpoint", gt.name)).text == note


async def test_a_rewritten_ledger_is_noticed_and_never_signed(
    mx: RunningGateway, gt: RunningGateway, albergue: Institution, casa: Institution
) -> None:
    await mx.send(albergue, albergue.envelope(casa.id, now=mx.clock.now))
    found = gt.gateway.database.read_now(gt.gateway.peers)
    await operations.witness(gt.gateway, found.by_name["gateway.mx"])
    seen = gt.gateway.database.read_now(peers.seen_ledger, "gateway.mx")
    assert seen
    size = seen.size

    def rewrite(connection):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
        connection.execute(
            ledger.ledger_entry.update()
            .where(ledger.ledger_entry.c.position == 0)
            .values(leaf_hash=b"\x00" * 32)
        )
        connection.execute(
            ledger.ledger_head.update().values(
                checkpoint=checkpoint.sign(
                    Checkpoint(ORIGIN, size, ledger.tree(connection).root(size)),
                    mx.gateway.keys.signing[0],
                )
            )
        )

    mx.gateway.database.write_now(rewrite)
    with pytest.raises(LedgerFaultError):
        await operations.witness(gt.gateway, found.by_name["gateway.mx"])
    after = gt.gateway.database.read_now(peers.seen_ledger, "gateway.mx")
    assert after
    assert after.fault
    assert (after.size, after.root) == (seen.size, seen.root)


async def test_cosignatures_of_others_checkpoints_are_refused(
    mx: RunningGateway, gt: RunningGateway
) -> None:
    note = checkpoint.sign(Checkpoint(ORIGIN, 1, b"\x01" * 32), KEY)
    line = checkpoint.cosign(note, name=gt.name, key=gt.gateway.keys.signing[0], time=1)
    forged = await mx.post("/v1/ledger/cosignatures", gt.name, {"checkpoint": note + line})
    assert forged.json()["errors"][0]["pointer"] == "/checkpoint"
    own = (await mx.get("/v1/ledger/checkpoint", gt.name)).text
    unsigned = await mx.post("/v1/ledger/cosignatures", gt.name, {"checkpoint": own})
    assert unsigned.status_code == 422
