"""Sealed files beside messages: only what a message names, only for its receiver, stored once."""

import hashlib
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from relevo.contracts.attachment import BLOB_TYPE, MAX_BLOB_BYTES
from relevo.gateway.operations import blobs
from relevo.gateway.operations.endings import expire
from relevo.gateway.storage.tables import blob, blob_content
from relevo.servicekit.clock import FixedClock
from tests.gateway.federation import (
    FakeNode,
    Institution,
    Network,
    RunningGateway,
    grant_id_of,
    problem_name,
)

pytestmark = pytest.mark.asyncio

SEALED = b"\x07" * 65_552
DIGEST = hashlib.sha256(SEALED).hexdigest()
OTHER = hashlib.sha256(b"never brought").hexdigest()


async def call(
    gateway: RunningGateway,
    method: str,
    client: str,
    digest: str = DIGEST,
    content: bytes | None = None,
    *,
    path: str = "/v1/blobs",
    media_type: str = BLOB_TYPE,
) -> httpx.Response:
    headers = {"authorization": f"Bearer {client}"}
    if content is not None:
        headers["content-type"] = media_type
    url = f"{gateway.gateway.settings.base_url}{path}/{digest}"
    return await gateway.http.request(method, url, content=content, headers=headers)


async def named(
    gateway: RunningGateway, sender: Institution, receiver: str, *digests: str, **changes: Any
) -> str:
    """An accepted message that names these blobs."""
    envelope = sender.envelope(
        receiver, now=gateway.clock.now, blobs=list(digests or (DIGEST,)), **changes
    )
    (answer,) = await gateway.send(sender, envelope)
    assert answer.result == "accepted", answer
    return envelope


def stored(gateway: RunningGateway) -> int:
    count = select(func.count()).select_from(blob_content)
    return gateway.gateway.database.read_now(lambda c: c.execute(count).scalar_one())


async def test_a_file_crosses_two_gateways_and_is_dropped_when_its_receiver_has_it(
    mx: RunningGateway,
    gt: RunningGateway,
    albergue: Institution,
    igm: Institution,
    nodes: dict[str, FakeNode],
) -> None:
    await named(mx, albergue, "gt.igm.crr")
    assert (await call(mx, "PUT", albergue.id, content=SEALED)).status_code == 204
    # Its message has not been relayed yet.
    assert not await blobs.pass_on(mx.gateway)
    await mx.work()
    early = await call(gt, "GET", igm.id)
    assert (early.status_code, early.json()["type"].rpartition("/")[2]) == (
        409,
        "blob_not_here_yet",
    )
    await gt.work()
    assert len(nodes["gt.igm"].received) == 1  # the message waited for nothing
    while stored(mx):
        await blobs.pass_on(mx.gateway)
    fetched = await call(gt, "GET", igm.id)
    assert fetched.content == SEALED
    for _ in range(2):  # the first answer may get lost
        assert (await call(gt, "DELETE", igm.id)).status_code == 204
    assert (stored(mx), stored(gt)) == (0, 0)
    assert (await call(gt, "GET", igm.id)).status_code == 404


async def test_a_blob_that_is_brought_again_is_stored_once_and_never_after_it_left(
    mx: RunningGateway, albergue: Institution, casa: Institution
) -> None:
    await named(mx, albergue, casa.id)
    for _ in range(2):
        assert (await call(mx, "PUT", albergue.id, content=SEALED)).status_code == 204
    assert stored(mx) == 1
    await call(mx, "DELETE", casa.id)
    assert (await call(mx, "PUT", albergue.id, content=SEALED)).status_code == 204
    assert stored(mx) == 0


async def test_while_a_peer_is_down_files_wait_and_then_arrive(
    mx: RunningGateway,
    gt: RunningGateway,
    albergue: Institution,
    igm: Institution,
    network: Network,
    clock: FixedClock,
) -> None:
    await named(mx, albergue, igm.id)
    await call(mx, "PUT", albergue.id, content=SEALED)
    await mx.work()
    network.down.add("gateway.gt.test")
    assert not await blobs.pass_on(mx.gateway)
    assert stored(mx) == 1
    network.down.clear()
    clock.advance(timedelta(minutes=2))
    await blobs.pass_on(mx.gateway)
    assert (stored(mx), stored(gt)) == (0, 1)


@pytest.mark.usefixtures("gt")
async def test_nobody_else_finds_a_blob_and_all_of_them_get_the_same_answer(
    mx: RunningGateway,
    albergue: Institution,
    casa: Institution,
    buzon: Institution,
) -> None:
    await named(mx, albergue, casa.id)
    await call(mx, "PUT", albergue.id, content=SEALED)
    refused = [
        await call(mx, "GET", buzon.id),
        await call(mx, "GET", albergue.id),  # its sender needs it back from nobody
        await call(mx, "GET", casa.id, OTHER),
        await call(mx, "DELETE", buzon.id),
        await call(mx, "PUT", buzon.id, content=SEALED),
        await call(mx, "PUT", albergue.id, OTHER, SEALED),
        await call(mx, "PUT", "gateway.gt", content=SEALED, path="/v1/relay/blobs"),
    ]
    assert {answer.status_code for answer in refused} == {404}
    assert len({answer.content for answer in refused}) == 1
    # Whoever names the blob of others in a message of its own gets nothing that it did not bring.
    await named(mx, buzon, buzon.id)
    own = await call(mx, "GET", buzon.id)
    assert (own.status_code, own.json()["type"].rpartition("/")[2]) == (409, "blob_not_here_yet")
    assert (await call(mx, "GET", casa.id)).content == SEALED


@pytest.mark.parametrize(
    ("content", "status", "problem"),
    [
        (SEALED[:-1], 422, "blob_digest_mismatch"),
        (b"", 422, "blob_digest_mismatch"),
        (b"\x07" * (MAX_BLOB_BYTES + 1), 413, "body_too_large"),
    ],
)
async def test_what_is_not_the_named_bytes_is_not_stored(
    mx: RunningGateway,
    albergue: Institution,
    casa: Institution,
    content: bytes,
    status: int,
    problem: str,
) -> None:
    await named(mx, albergue, casa.id)
    answer = await call(mx, "PUT", albergue.id, content=content)
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (status, problem)
    assert stored(mx) == 0


@pytest.mark.parametrize(
    "digest", ["..%2F..%2Fetc%2Fpasswd", DIGEST.upper(), DIGEST[:-1], "%00", DIGEST + "0"]
)
async def test_what_is_no_digest_is_no_name(
    mx: RunningGateway, albergue: Institution, digest: str
) -> None:
    for method in ("GET", "DELETE"):
        answer = await call(mx, method, albergue.id, digest)
        assert answer.status_code in {400, 404, 405, 422}


async def test_json_is_no_sealed_file(
    mx: RunningGateway, albergue: Institution, casa: Institution
) -> None:
    await named(mx, albergue, casa.id)
    answer = await call(mx, "PUT", albergue.id, content=b"{}", media_type="application/json")
    assert answer.status_code == 415


async def test_a_withdrawal_drops_the_files_of_what_was_delivered_already(
    mx: RunningGateway, albergue: Institution, casa: Institution, nodes: dict[str, FakeNode]
) -> None:
    envelope = await named(mx, albergue, casa.id)
    await call(mx, "PUT", albergue.id, content=SEALED)
    await mx.work()
    assert len(nodes["mx.casa"].received) == 1
    assert stored(mx) == 1
    withdrawal = albergue.withdrawal(casa.id, [grant_id_of(envelope)], now=mx.clock.now)
    await mx.send(albergue, withdrawal)
    assert stored(mx) == 0
    assert (await call(mx, "GET", casa.id)).status_code == 404
    # What comes after the withdrawal is not kept either.
    await call(mx, "PUT", albergue.id, content=SEALED)
    assert stored(mx) == 0


async def test_what_nobody_fetches_is_dropped_when_its_message_expires(
    mx: RunningGateway, albergue: Institution, casa: Institution, clock: FixedClock
) -> None:
    await named(mx, albergue, casa.id, DIGEST, OTHER)
    await call(mx, "PUT", albergue.id, content=SEALED)
    clock.advance(timedelta(days=31))
    await blobs.expire(mx.gateway)
    await expire(mx.gateway)
    states = mx.gateway.database.read_now(lambda c: set(c.scalars(select(blob.c.state))))
    assert (states, stored(mx)) == ({"gone"}, 0)


async def test_control_messages_carry_no_files(
    mx: RunningGateway, albergue: Institution, casa: Institution
) -> None:
    envelope = albergue.envelope(
        casa.id, now=mx.clock.now, message_type="referral.state/1", blobs=[DIGEST], event_seq=1
    )
    (answer,) = await mx.send(albergue, envelope)
    assert problem_name(answer) == "envelope_malformed"
