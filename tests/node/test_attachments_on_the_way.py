"""What may happen to a file on its way: breaks, damage, withdrawal, expiry, erasure, curiosity."""

import hashlib
from datetime import timedelta

import pytest
from sqlalchemy import select

from relevo.node.operations import attach
from relevo.node.operations.carry import carry_once
from relevo.node.operations.uploads import drop_old
from relevo.node.storage.attachment_tables import (
    attachment_piece,
    attachment_upload,
    referral_attachment,
)
from tests.support.attached import CATEGORIES, LARGE, a_file, events, sent
from tests.support.blobs import (
    Blobs,
    a_large_file,
    a_picture,
    carry,
    download,
    uploaded,
    with_blobs,
)
from tests.support.institutions import INSTITUTE, SHELTER
from tests.support.node_requests import consented, look, submitted
from tests.support.nodes import Network

pytestmark = pytest.mark.asyncio


@pytest.fixture
def blobs(network: Network) -> Blobs:
    return with_blobs(network)


async def test_what_breaks_on_the_way_is_carried_again_and_stored_once(
    network: Network, blobs: Blobs
) -> None:
    content = a_large_file(LARGE)
    referral = await sent(network, content, "application/pdf")
    await network.settle()
    blobs.down = True
    await carry(network)
    assert blobs.here == {}
    blobs.down, blobs.lose_answers = False, True
    for _ in range(4):  # every answer gets lost
        network.clock.advance(timedelta(seconds=30))
        await carry(network)
    blobs.lose_answers = False
    for _ in range(4):
        network.clock.advance(timedelta(seconds=30))
        await carry(network)
    institute = network.members[INSTITUTE]
    (here,) = (await look(institute, referral))["attachments"]
    assert here["state"] == "here"
    assert (await download(institute, referral, here["id"])).content == content
    assert (await events(institute)).count("referral.attachment_arrived") == 1
    rows = institute.node.database.read_now(lambda c: c.execute(select(attachment_piece)).all())
    assert len(rows) == 2


async def test_a_blob_that_does_not_open_ends_the_file_and_not_the_referral(
    network: Network, blobs: Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    something_else = b"\1" * 65_552
    monkeypatch.setattr(attach, "reseal", lambda *_, **__: something_else)
    referral = await sent(network, a_picture())
    await network.settle()
    digest = hashlib.sha256(something_else).hexdigest()
    institute = network.members[INSTITUTE]
    blobs.here[digest] = something_else + b"more"  # damaged on the way: it is fetched again
    await carry_once(institute.node)
    assert (await look(institute, referral))["attachments"][0]["state"] == "arriving"
    blobs.here[digest] = something_else
    network.clock.advance(timedelta(seconds=60))
    await carry_once(institute.node)
    seen = await look(institute, referral)
    assert (seen["attachments"][0]["state"], seen["state"]) == ("refused", "received")
    assert "referral.attachment_refused" in await events(institute)


async def test_a_withdrawal_stops_the_files_that_are_on_their_way(
    network: Network, blobs: Blobs
) -> None:
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    consent = await consented(shelter, categories=CATEGORIES)
    upload_id = await uploaded(shelter, a_picture())
    referral = await submitted(
        shelter,
        consent,
        share=["identity", "contact", "identity_document"],
        attachments=[a_file(upload_id)],
    )
    await network.settle()
    async with shelter.http() as http:
        said = {"said_at": network.clock.now.isoformat()}
        answer = await http.post(f"/v1/consents/{consent}/withdraw", json=said)
    assert answer.status_code == 200, answer.text
    await network.settle()
    await carry(network)
    assert blobs.brought == []
    for member in (shelter, institute):
        assert (await look(member, referral))["attachments"][0]["state"] == "refused"


async def test_what_never_came_expires_with_its_message(network: Network, blobs: Blobs) -> None:
    referral = await sent(network, a_picture())
    await network.settle()
    blobs.down = True
    await carry(network)
    network.clock.advance(timedelta(days=31))
    await carry(network)
    for name in (SHELTER, INSTITUTE):
        assert (await look(network.members[name], referral))["attachments"][0]["state"] == "expired"


@pytest.mark.usefixtures("blobs")
async def test_erasing_a_person_destroys_her_files_on_either_side(network: Network) -> None:
    referral = await sent(network, a_picture())
    await network.settle()
    await carry(network)
    for name in (SHELTER, INSTITUTE):
        member = network.members[name]
        (file,) = (await look(member, referral))["attachments"]
        await drop_old(member.node)
        keys = member.node.database.read_now(
            lambda c: list(c.scalars(select(referral_attachment.c.data_key_id)))
        )
        for key in keys:
            member.node.vault.destroy(key)
        assert (await look(member, referral))["attachments"] == []
        assert (await download(member, referral, file["id"])).status_code == 404
        upload_ids = member.node.database.read_now(
            lambda c: list(c.scalars(select(attachment_upload.c.id)))
        )
        async with member.http() as http:
            for upload_id in upload_ids:
                assert (await http.get(f"/v1/attachments/{upload_id}")).status_code == 404


async def test_what_went_with_nothing_is_forgotten_after_a_day(alone: Network) -> None:
    institute = alone.members[INSTITUTE]
    upload_id = await uploaded(institute, a_picture())
    for hours, status in ((23, 200), (2, 404)):
        alone.clock.advance(timedelta(hours=hours))
        await drop_old(institute.node)
        async with institute.http() as http:
            assert (await http.get(f"/v1/attachments/{upload_id}")).status_code == status
    rows = institute.node.database.read_now(lambda c: c.execute(select(attachment_piece)).all())
    assert rows == []


@pytest.mark.usefixtures("blobs")
async def test_files_are_only_for_whoever_may_touch_the_referral(network: Network) -> None:
    referral, other = await sent(network, a_picture()), await sent(network, a_picture(90))
    await network.settle()
    await carry(network)
    institute = network.members[INSTITUTE]
    (file,) = (await look(institute, referral))["attachments"]
    refused = [
        await download(institute, referral, file["id"], unit="gt.igm.car"),
        await download(institute, other, file["id"]),
        await download(institute, referral, "0b8dd5a4-86b7-4d0e-9a5e-4a3a3c8f2f11"),
    ]
    assert {answer.status_code for answer in refused} == {404}
    assert len({answer.content for answer in refused}) == 1
    unscoped = await download(institute, referral, file["id"], scopes="referrals:submit")
    assert unscoped.status_code == 403
