"""A node without an open port fetches its messages, takes them in as ever, and says what became of each."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from typing_extensions import override

from relevo.contracts.exchange import BatchAnswer, MailboxLease
from relevo.contracts.problem import ProblemError
from relevo.node.main import create_app, workers_of
from relevo.node.operations.open_envelope import parse
from relevo.node.workers import mailbox
from relevo.node.workers.mailbox import MailboxWorker
from relevo.servicekit.http_client import RefusedError, RetryableError
from relevo.servicekit.ids import random_id
from tests.support.institutions import INSTITUTE, SHELTER
from tests.support.node_requests import consented, look, submitted
from tests.support.nodes import GatewayOfTest, Member, Network

pytestmark = pytest.mark.asyncio


@dataclass
class Box:
    """A mailbox at a gateway: what is in it comes again until it is acknowledged."""

    envelopes: list[str] = field(default_factory=list)
    leases: dict[str, list[str]] = field(default_factory=dict)
    said: list[BatchAnswer] = field(default_factory=list)
    limits: list[int] = field(default_factory=list)
    asked: int = 0
    down: bool = False
    loses_answers: bool = False


class GatewayWithBox(GatewayOfTest):
    def __init__(self, network: Network, box: Box) -> None:
        super().__init__(network)
        self._box = box

    @override
    async def lease(self, *, limit: int, wait_seconds: int) -> MailboxLease:
        box = self._box
        box.asked += 1
        box.limits.append(limit)
        if box.down:
            raise RetryableError("connect")
        until = time.monotonic() + wait_seconds
        while not box.envelopes:
            if time.monotonic() >= until:
                return MailboxLease()
            await asyncio.sleep(0.02)
        lease_id = random_id()
        box.leases[lease_id] = box.envelopes[:limit]
        return MailboxLease(
            lease_id=lease_id,
            expires_at=self._network.clock.now + timedelta(seconds=60),
            envelopes=box.leases[lease_id],
        )

    @override
    async def acknowledge(self, lease_id: str, answer: BatchAnswer) -> None:
        box = self._box
        if box.down:
            raise RetryableError("connect")
        leased = box.leases.pop(lease_id, None)
        if leased is None:
            raise RefusedError(ProblemError("not_found").problem(), 404)
        box.said.append(answer)
        for jws, said in zip(leased, answer.answers, strict=True):
            if said.problem is None or said.problem.status < 500:
                box.envelopes.remove(jws)
        if box.loses_answers:
            box.loses_answers = False
            raise RetryableError("connection_lost")


@pytest.fixture
def box(network: Network) -> Box:
    made = Box()
    network.members[INSTITUTE].node.gateway = GatewayWithBox(network, made)
    return made


@pytest.fixture
def institute(network: Network, box: Box) -> Member:
    assert box is not None
    return network.members[INSTITUTE]


@pytest.fixture
def worker(institute: Member) -> MailboxWorker:
    return MailboxWorker(institute.node, institute.directory, wait_seconds=0)


async def in_the_box(network: Network, box: Box, count: int = 1) -> list[str]:
    """Ids of referrals that wait in the mailbox."""
    shelter = network.members[SHELTER]
    consent = await consented(shelter)
    sent = [await submitted(shelter, consent) for _ in range(count)]
    await shelter.send_what_waits()
    box.envelopes += network.waiting
    network.waiting = []
    return sent


async def test_what_is_fetched_is_taken_in_and_acknowledged(
    network: Network, box: Box, worker: MailboxWorker, institute: Member
) -> None:
    sent = await in_the_box(network, box, 2)
    assert await worker.fetch()
    assert box.envelopes == []
    [said] = box.said
    assert [answer.result for answer in said.answers] == ["accepted", "accepted"]
    for referral_id in sent:
        assert (await look(institute, referral_id))["state"] == "received"


async def test_a_lost_acknowledgement_is_said_again_and_nothing_counts_twice(
    network: Network, box: Box, worker: MailboxWorker, institute: Member
) -> None:
    [sent] = await in_the_box(network, box)
    box.loses_answers = True
    assert not await worker.fetch()
    # It had arrived: the lease is unknown by now, and the worker goes on.
    box.envelopes.append(network.carried[0])
    await _at_once(worker)
    assert [said.answers[0].result for said in box.said] == ["accepted", "duplicate"]
    async with institute.http() as http:
        events = (await http.get("/v1/events")).json()["events"]
    assert [event["subject"] for event in events] == [sent]


async def test_a_refusal_is_said_with_its_problem(
    network: Network, box: Box, worker: MailboxWorker, institute: Member
) -> None:
    await in_the_box(network, box)
    network.clock.advance(timedelta(days=31))
    await worker.fetch()
    [answer] = box.said[0].answers
    assert answer.result == "refused"
    assert answer.problem is not None
    assert answer.problem.type.endswith("/envelope_expired")
    assert answer.message_id == parse(network.carried[0]).jti
    async with institute.http() as http:
        assert (await http.get("/v1/referrals")).json()["referrals"] == []


async def test_what_cannot_be_checked_now_is_left_with_the_gateway(
    network: Network, box: Box, worker: MailboxWorker, institute: Member
) -> None:
    [sent] = await in_the_box(network, box)
    institute.directory.forget(SHELTER)
    network.down = True
    await worker.fetch()
    [answer] = box.said[0].answers
    assert answer.problem is not None
    assert (answer.result, answer.problem.status) == ("refused", 503)
    assert len(box.envelopes) == 1
    network.down = False
    network.clock.advance(timedelta(seconds=30))
    await worker.fetch()
    assert (await look(institute, sent))["state"] == "received"


async def test_one_message_that_breaks_the_node_does_not_keep_the_others_back(
    network: Network, box: Box, worker: MailboxWorker, institute: Member, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    sent = await in_the_box(network, box, 3)
    bad = box.envelopes[2]
    whole = mailbox.receive

    async def breaks(node, directory, batch, **more):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN003, ANN202
        if bad in batch.envelopes:
            raise RuntimeError("a fault of ours")
        return await whole(node, directory, batch, **more)

    monkeypatch.setattr(mailbox, "receive", breaks)
    for _ in range(4):
        await worker.fetch()
    assert box.envelopes == [bad]
    for referral_id in sent[:2]:
        assert (await look(institute, referral_id))["state"] == "received"
    assert box.limits[:2] == [100, 1]


async def test_a_gateway_that_is_down_is_asked_less_and_less_often(
    box: Box, worker: MailboxWorker
) -> None:
    box.down = True
    for _ in range(50):
        assert not await worker.fetch()
    assert box.asked == 1
    for expected in (2, 3):
        await _at_once(worker)
        assert box.asked == expected
    box.down = False
    await _at_once(worker)
    assert box.asked == 4


async def test_a_long_poll_hands_over_as_soon_as_something_comes_and_ends_with_the_worker(
    network: Network, box: Box, institute: Member
) -> None:
    worker = MailboxWorker(institute.node, institute.directory, wait_seconds=25)
    running = asyncio.create_task(worker.run())
    await asyncio.sleep(0.1)
    await in_the_box(network, box)
    began = time.monotonic()
    while box.envelopes:
        await asyncio.sleep(0.02)
        assert time.monotonic() - began < 10
    worker.stop()
    await asyncio.wait_for(running, 5)
    assert len(box.said) == 1


async def _at_once(worker: MailboxWorker) -> None:
    """As if its pause were over."""
    worker._not_before = 0.0
    await worker.fetch()


@pytest.fixture
def of_mailbox(institute: Member) -> Iterator[MailboxWorker]:
    settings = institute.settings.model_copy(update={"delivery": "mailbox"})
    app = create_app(
        settings,
        database=institute.node.database,
        clock=institute.node.clock,
        fetch=institute.issuer.fetch,
    )
    [found] = [worker for worker in workers_of(app) if isinstance(worker, MailboxWorker)]
    assert "/v1/inbox" not in {getattr(route, "path", None) for route in app.routes}
    yield found
    app.state.node.vault.close()


async def test_only_a_node_of_that_setting_fetches_and_nobody_can_deliver_to_it(
    institute: Member, of_mailbox: MailboxWorker
) -> None:
    assert of_mailbox.name == "mailbox"
    assert not any(isinstance(worker, MailboxWorker) for worker in workers_of(institute.app))
    # Before it has joined a gateway there is nobody to ask.
    assert not await of_mailbox.fetch()
