"""Gateways watch each other's ledgers: what holds together is cosigned, what does not is made known."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from relevo.gateway.operations import witness
from relevo.gateway.storage import ledger, peers
from relevo.gateway.workers.witness import witness_worker
from relevo.servicekit import checkpoint, jose, merkle
from relevo.servicekit.checkpoint import Checkpoint
from tests.gateway.federation import Institution, RunningGateway

pytestmark = pytest.mark.asyncio

Forge = Callable[[Checkpoint], Checkpoint]


class LyingPeer:
    """Mexico's gateway as it looks to others when somebody has rewritten its ledger."""

    def __init__(self, mx: RunningGateway, forge: Forge) -> None:
        self.host = "gateway.mx.test"
        self.mx = mx
        self.honest = mx.network.hosts[self.host]
        self.forge = forge
        self.key = mx.gateway.keys.signing[0]
        self.proof: list[str] | None = None
        mx.network.hosts[self.host] = self

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/ledger/checkpoint":
            head = self.mx.gateway.database.read_now(ledger.head)
            honest = checkpoint.parse(head.checkpoint.partition("\n\n")[0] + "\n")
            return httpx.Response(200, text=checkpoint.sign(self.forge(honest), self.key))
        if request.url.path == "/v1/ledger/consistency" and self.proof is not None:
            sizes = {name: int(value) for name, value in request.url.params.items()}
            body = {"from_size": sizes["from"], "to_size": sizes["to"], "proof": self.proof}
            return httpx.Response(200, json=body)
        response: httpx.Response = await self.honest.handle_async_request(request)
        return response

    def stop(self) -> None:
        self.mx.network.hosts[self.host] = self.honest


async def grow(gateway: RunningGateway, sender: Institution, receiver: Institution) -> None:
    await gateway.send(
        sender, *(sender.envelope(receiver.id, now=gateway.clock.now) for _ in range(3))
    )


async def look(gateway: RunningGateway) -> dict[str, Any]:
    """One round of the witness, and what is then said of the peer."""
    await witness.look_at_peers(gateway.gateway)
    [found] = (await gateway.get("/v1/ledger/peers", "gateway.mx")).json()
    assert isinstance(found, dict)
    return found


def cosignatures_posted(gateway: RunningGateway) -> int:
    return gateway.network.asked.count("POST gateway.mx.test/v1/ledger/cosignatures")


async def test_a_peer_that_only_adds_is_remembered_and_cosigned(
    mx: RunningGateway, gt: RunningGateway, albergue: Institution, casa: Institution
) -> None:
    first = (await gt.get("/v1/ledger/peers", casa.id)).json()
    assert [(item["gateway"], item["state"]) for item in first] == [("gateway.mx", "not_seen")]
    for rounds in range(1, 4):
        await grow(mx, albergue, casa)
        mx.clock.advance(timedelta(seconds=60))
        found = await look(gt)
        head = mx.gateway.database.read_now(ledger.head)
        assert (found["state"], found["size"], found["checkpoint"]) == (
            "consistent", head.size, head.checkpoint,
        )  # fmt: skip
        assert found["seen_at"] == mx.clock.now.isoformat().replace("+00:00", "Z")
        note = (await mx.get("/v1/ledger/checkpoint", casa.id)).text
        checkpoint.verify_cosignature(note, name=gt.name, keys=gt.gateway.keys.signing)
        assert cosignatures_posted(gt) == rounds


@pytest.mark.usefixtures("igm")
async def test_both_gateways_witness_each_other_in_their_workers(
    mx: RunningGateway,
    gt: RunningGateway,
    albergue: Institution,
    casa: Institution,
) -> None:
    await grow(mx, albergue, casa)
    for here, there in ((mx, gt), (gt, mx)):
        assert any(worker.name == "witness" for worker in here.app.state.workers)
        worker = witness_worker(here.gateway)
        await worker._step()
        note = (await there.get("/v1/ledger/checkpoint", casa.id)).text
        checkpoint.verify_cosignature(note, name=here.name, keys=here.gateway.keys.signing)


async def test_a_peer_that_is_away_is_neither_cosigned_nor_blamed(
    mx: RunningGateway, gt: RunningGateway, albergue: Institution, casa: Institution
) -> None:
    before = await look(gt)
    await grow(mx, albergue, casa)
    mx.network.down.add("gateway.mx.test")
    assert await look(gt) == before
    mx.network.down.clear()
    after = await look(gt)
    assert (after["state"], after["size"]) == ("consistent", before["size"] + 3)


def shrunk(head: Checkpoint) -> Checkpoint:
    return Checkpoint(head.origin, head.size - 1, head.root)


def forked(head: Checkpoint) -> Checkpoint:
    return Checkpoint(head.origin, head.size, merkle.leaf_hash(b"another past"))


def rewritten(head: Checkpoint) -> Checkpoint:
    return Checkpoint(head.origin, head.size + 5, merkle.leaf_hash(b"another past"))


@pytest.mark.parametrize(
    ("forge", "said"),
    [
        (shrunk, "shrank"),
        (forked, "two different roots"),
        (rewritten, "do not begin with"),
    ],
)
async def test_a_contradiction_is_kept_with_its_proof_and_never_cosigned(
    mx: RunningGateway, gt: RunningGateway, albergue: Institution, casa: Institution,
    forge: Forge, said: str,
) -> None:  # fmt: skip
    await grow(mx, albergue, casa)
    honest = await look(gt)
    posted = cosignatures_posted(gt)
    liar = LyingPeer(mx, forge)
    liar.proof = ["00" * 32]
    found = await look(gt)
    assert found["state"] == "faulty"
    assert said in found["fault"]
    assert (found["size"], found["checkpoint"]) == (honest["size"], honest["checkpoint"])
    # Both are signed by the peer: anybody can be shown that it said both.
    origin, keys = checkpoint.origin_of(mx.name), mx.gateway.keys.signing
    one, other = (
        checkpoint.verify(found[name], origin=origin, keys=keys)
        for name in ("checkpoint", "contradiction")
    )
    assert one != other
    # Honest again, but what it said cannot be unsaid.
    liar.stop()
    await grow(mx, albergue, casa)
    assert await look(gt) == found
    assert cosignatures_posted(gt) == posted


async def test_a_peer_that_will_not_prove_its_growth_is_not_cosigned(
    mx: RunningGateway, gt: RunningGateway
) -> None:
    before = await look(gt)
    posted = cosignatures_posted(gt)
    # The honest half of it refuses a proof to a size that it does not have.
    LyingPeer(mx, rewritten)
    assert await look(gt) == before
    assert cosignatures_posted(gt) == posted


@pytest.mark.parametrize("first", [True, False])
async def test_what_the_peer_has_not_signed_is_not_held_against_it(
    mx: RunningGateway, gt: RunningGateway, *, first: bool
) -> None:
    if not first:
        await look(gt)
    posted = cosignatures_posted(gt)
    LyingPeer(mx, forked).key = jose.generate_signing_key()
    assert (await look(gt))["state"] == ("not_seen" if first else "consistent")
    assert cosignatures_posted(gt) == posted


async def test_two_processes_that_look_at_once_find_no_fault(
    mx: RunningGateway, gt: RunningGateway, albergue: Institution, casa: Institution
) -> None:
    await look(gt)
    await grow(mx, albergue, casa)
    slow = mx.gateway.database.read_now(ledger.head).checkpoint
    liar = LyingPeer(mx, lambda _: checkpoint.parse(slow.partition("\n\n")[0] + "\n"))
    forge = liar.forge

    def overtaken(head: Checkpoint) -> Checkpoint:
        # While this checkpoint is on its way, another process sees and stores a newer one.
        found = gt.gateway.database.read_now(peers.seen_ledger, mx.name)
        assert found is not None
        newer = peers.SeenLedger(
            mx.name, head.size + 9, bytes(32), "newer", found.seen_at + timedelta(seconds=1)
        )
        gt.gateway.database.write_now(peers.put_seen_ledger, newer)
        return forge(head)

    liar.forge = overtaken
    found = await look(gt)
    assert (found["state"], found["checkpoint"]) == ("consistent", "newer")


async def test_people_settle_a_fault(
    mx: RunningGateway, gt: RunningGateway, casa: Institution
) -> None:
    await look(gt)
    liar = LyingPeer(mx, forked)
    assert (await look(gt))["state"] == "faulty"
    liar.stop()
    path = "/v1/ledger/peers/gateway.mx/settle"
    assert (await gt.post(path, casa.id)).status_code == 403
    assert (await gt.post(path, "gt.operator")).status_code == 204
    assert (await gt.post(path, "gt.operator")).status_code == 404
    assert (await look(gt))["state"] == "consistent"
