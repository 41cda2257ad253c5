"""What anybody with `ledger:read` can hold the gateway to: its head, and proofs that lead to it."""

import httpx
import pytest
from joserfc.jwk import OKPKey

from relevo.contracts.receipt import Receipt
from relevo.servicekit import checkpoint, jose, merkle
from relevo.servicekit.checkpoint import Checkpoint
from tests.gateway.federation import Institution, RunningGateway

pytestmark = pytest.mark.asyncio


async def head_of(gateway: RunningGateway, client: str, **params: object) -> tuple[str, Checkpoint]:
    response = await gateway.get("/v1/ledger/checkpoint", client, **params)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    origin = checkpoint.origin_of(gateway.name)
    return response.text, checkpoint.verify(
        response.text, origin=origin, keys=gateway.gateway.keys.signing
    )


async def sent(
    gateway: RunningGateway, sender: Institution, receiver: str, count: int = 1
) -> list[Receipt]:
    answers = await gateway.send(
        sender, *(sender.envelope(receiver, now=gateway.clock.now) for _ in range(count))
    )
    return [answer.receipt for answer in answers if answer.receipt]


def detail(response: httpx.Response) -> str:
    assert response.status_code == 422, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["type"].endswith("/invalid_input")
    [error] = body["errors"]
    return f"{error['pointer']} {error['detail']}"


def cosigned(
    gateway: RunningGateway, note: str, *, name: str | None = None, key: OKPKey | None = None,
    time: int | None = None,
) -> dict[str, str]:  # fmt: skip
    """What this gateway would post as a witness of another's note."""
    line = checkpoint.cosign(
        note,
        name=name or gateway.name,
        key=key or gateway.gateway.keys.signing[0],
        time=int(gateway.clock.now.timestamp()) if time is None else time,
    )
    return {"checkpoint": note + line}


async def test_a_ledger_without_entries_has_a_signed_head(mx: RunningGateway) -> None:
    _, head = await head_of(mx, "mx.albergue")
    assert (head.size, head.root) == (0, merkle.EMPTY_ROOT)


async def test_an_entry_is_proved_against_any_later_head(
    mx: RunningGateway, albergue: Institution, casa: Institution
) -> None:
    [receipt] = await sent(mx, albergue, casa.id)
    await sent(mx, albergue, casa.id, 9)
    _, head = await head_of(mx, casa.id)
    answer = await mx.get("/v1/ledger/inclusion", casa.id, index=receipt.index, tree_size=head.size)
    proof = answer.json()
    leaf_hash = merkle.leaf_hash(receipt.leaf.leaf_bytes())
    assert proof["leaf_hash"] == leaf_hash.hex()
    merkle.verify_inclusion(
        leaf_hash,
        receipt.index,
        head.size,
        [bytes.fromhex(step) for step in proof["proof"]],
        head.root,
    )


async def test_each_head_is_the_beginning_of_each_later_one(
    mx: RunningGateway, albergue: Institution, casa: Institution
) -> None:
    heads = [(await head_of(mx, casa.id))[1]]
    for count in (1, 2, 5, 3):
        await sent(mx, albergue, casa.id, count)
        heads.append((await head_of(mx, casa.id))[1])
    for older in heads:
        for newer in heads[heads.index(older) :]:
            params = {"from": older.size, "to": newer.size}
            answer = (await mx.get("/v1/ledger/consistency", casa.id, **params)).json()
            assert (answer["from_size"], answer["to_size"]) == (older.size, newer.size)
            merkle.verify_consistency(
                older.size,
                newer.size,
                [bytes.fromhex(step) for step in answer["proof"]],
                older.root,
                newer.root,
            )


async def test_what_is_not_in_the_ledger_cannot_be_proved(
    mx: RunningGateway, albergue: Institution, casa: Institution
) -> None:
    await sent(mx, albergue, casa.id)
    _, head = await head_of(mx, casa.id)
    size = head.size

    async def inclusion(index: int, tree_size: int) -> str:
        params = {"index": index, "tree_size": tree_size}
        return detail(await mx.get("/v1/ledger/inclusion", casa.id, **params))

    async def consistency(older: int, newer: int) -> str:
        params = {"from": older, "to": newer}
        return detail(await mx.get("/v1/ledger/consistency", casa.id, **params))

    assert "query tree_size" in await inclusion(0, size + 1)
    assert "query index" in await inclusion(size, size)
    assert "query index" in await inclusion(0, 0)
    assert "query index" in await inclusion(-1, size)
    assert "query tree_size" in await inclusion(0, 2**63)
    assert "query to" in await consistency(1, size + 1)
    assert "query from" in await consistency(size, size - 1)
    assert "query from" in await consistency(-1, size)


async def test_reading_the_ledger_needs_its_scope(mx: RunningGateway) -> None:
    for path in ("checkpoint", "inclusion", "consistency", "peers"):
        refused = await mx.get(f"/v1/ledger/{path}", "mx.operator")
        assert (refused.status_code, refused.json()["scope"]) == (403, "ledger:read")


async def test_a_cosignature_stands_under_the_head_that_it_is_for(
    mx: RunningGateway, gt: RunningGateway, albergue: Institution, casa: Institution
) -> None:
    missing = await mx.get("/v1/ledger/checkpoint", casa.id, witnessed=True)
    assert missing.status_code == 404
    note, head = await head_of(mx, gt.name)
    answer = await mx.post("/v1/ledger/cosignatures", gt.name, cosigned(gt, note))
    assert (answer.status_code, answer.content) == (204, b"")
    note, _ = await head_of(mx, casa.id)
    keys = gt.gateway.keys.signing
    assert checkpoint.verify_cosignature(note, name=gt.name, keys=keys) == int(
        mx.clock.now.timestamp()
    )
    # The ledger goes on; what was witnessed can still be asked for.
    await sent(mx, albergue, casa.id)
    newest, later = await head_of(mx, casa.id)
    assert later.size > head.size
    with pytest.raises(checkpoint.CheckpointError):
        checkpoint.verify_cosignature(newest, name=gt.name, keys=keys)
    witnessed, former = await head_of(mx, casa.id, witnessed=True)
    assert former == head
    checkpoint.verify_cosignature(witnessed, name=gt.name, keys=keys)


async def test_a_witness_that_looks_again_says_a_later_time_under_the_same_head(
    mx: RunningGateway, gt: RunningGateway, casa: Institution
) -> None:
    note, _ = await head_of(mx, gt.name)
    now = int(mx.clock.now.timestamp())
    for time in (now - 60, now, now - 30):
        body = cosigned(gt, note, time=time)
        assert (await mx.post("/v1/ledger/cosignatures", gt.name, body)).status_code == 204
    note, _ = await head_of(mx, casa.id)
    assert note.count(f"— {gt.name} ") == 1
    keys = gt.gateway.keys.signing
    assert checkpoint.verify_cosignature(note, name=gt.name, keys=keys) == now


async def test_only_an_agreed_peer_witnesses_and_only_with_its_own_key(
    mx: RunningGateway, gt: RunningGateway, casa: Institution
) -> None:
    note, head = await head_of(mx, gt.name)
    path = "/v1/ledger/cosignatures"
    stranger = await mx.post(path, "gateway.hn", cosigned(gt, note, name="gateway.hn"))
    assert stranger.json()["type"].endswith("/not_yours")
    institution = await mx.post(path, casa.id, cosigned(gt, note))
    assert institution.status_code == 403
    own = checkpoint.sign(head, gt.gateway.keys.signing[0])
    elsewhere = checkpoint.sign(
        Checkpoint(checkpoint.origin_of(gt.name), head.size, head.root),
        gt.gateway.keys.signing[0],
    )
    now = int(mx.clock.now.timestamp())
    for wrong in (
        cosigned(gt, note, key=jose.generate_signing_key()),
        cosigned(gt, note, name="gateway.hn"),
        cosigned(gt, note, time=now + 3600),
        cosigned(gt, note, time=now - 200_000),
        cosigned(gt, note, time=2**64 - 1),
        cosigned(gt, own),
        cosigned(gt, elsewhere),
        {"checkpoint": note},
        {"checkpoint": "rubbish"},
    ):
        assert detail(await mx.post(path, gt.name, wrong)).startswith("/checkpoint ")
    note, _ = await head_of(mx, casa.id)
    assert f"— {gt.name} " not in note


async def test_a_checkpoint_that_we_signed_and_do_not_have_is_refused(
    mx: RunningGateway, gt: RunningGateway
) -> None:
    """As after a database was set back to an earlier day."""
    _, head = await head_of(mx, gt.name)
    for size, root in ((head.size + 3, head.root), (head.size, bytes(32))):
        note = checkpoint.sign(Checkpoint(head.origin, size, root), mx.gateway.keys.signing[0])
        refused = await mx.post("/v1/ledger/cosignatures", gt.name, cosigned(gt, note))
        assert "not the ledger's tree" in detail(refused)
