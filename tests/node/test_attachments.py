"""Files go along with a referral, its information and its counter-referral, sealed from node to node."""

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from relevo.contracts.attachment import BLOB_BYTES
from relevo.node.operations import attach
from relevo.node.operations.carry import carry_once
from relevo.node.operations.open_envelope import parse
from relevo.node.operations.uploads import drop_old
from relevo.node.storage.attachment_tables import (
    attachment_piece,
    attachment_upload,
    referral_attachment,
)
from tests.support.blobs import (
    Blobs,
    a_large_file,
    a_picture,
    carry,
    download,
    upload,
    uploaded,
    with_blobs,
)
from tests.support.nodes import (
    INSTITUTE,
    RECEPTION,
    SHELTER,
    Member,
    Network,
    a_key,
    a_submission,
    consented,
    look,
    step,
    submitted,
)

pytestmark = pytest.mark.asyncio

CATEGORIES = ["identity", "contact", "identity_document", "location_municipality", "family"]
LARGE = BLOB_BYTES + 70_000


def a_file(upload_id: str, **changes: Any) -> dict[str, Any]:
    return {"upload": upload_id, "person_id": "T-1", "document": "birth_certificate"} | changes


async def sent(network: Network, content: bytes, kind: str = "image/png", **changes: Any) -> str:
    """A referral that left with one file; its id."""
    shelter = network.members[SHELTER]
    consent = await consented(shelter, categories=CATEGORIES)
    upload_id = await uploaded(shelter, content, kind)
    return await submitted(
        shelter,
        consent,
        **{
            "share": ["identity", "contact", "identity_document"],
            "attachments": [a_file(upload_id)],
            **changes,
        },
    )


async def events(member: Member) -> list[str]:
    async with member.http() as http:
        answer = (await http.get("/v1/events")).json()
    return [event["type"].removeprefix("org.relevo.") for event in answer["events"]]


@pytest.fixture
def blobs(network: Network) -> Blobs:
    return with_blobs(network)


async def test_a_file_comes_after_its_referral_and_is_the_same(
    network: Network, blobs: Blobs
) -> None:
    content = a_large_file(LARGE)
    referral = await sent(network, content, "application/pdf")
    institute, shelter = network.members[INSTITUTE], network.members[SHELTER]
    (leaving,) = (await look(shelter, referral))["attachments"]
    assert leaving["state"] == "leaving"
    await network.settle()
    seen = await look(institute, referral)
    assert seen["state"] == "received"  # without waiting for the file
    (arriving,) = seen["attachments"]
    assert (arriving["state"], arriving["id"]) == ("arriving", leaving["id"])
    early = await download(institute, referral, arriving["id"])
    assert early.status_code == 409
    assert early.json()["attachment_state"] == "arriving"
    await carry(network)
    (here,) = (await look(institute, referral))["attachments"]
    assert here == {**arriving, "state": "here"}
    assert here["document"] == "birth_certificate"
    assert (await look(shelter, referral))["attachments"][0]["state"] == "sent"
    answer = await download(institute, referral, here["id"])
    assert answer.content == content
    assert answer.headers["content-disposition"] == 'attachment; filename="birth_certificate.pdf"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert (await download(shelter, referral, here["id"])).content == content
    assert "referral.attachment_arrived" in await events(institute)
    assert "referral.attachment_sent" in await events(shelter)
    assert blobs.here == {}


async def test_what_leaves_tells_neither_name_nor_content_nor_the_key(
    network: Network, blobs: Blobs
) -> None:
    await sent(network, a_large_file(LARGE), "application/pdf")
    await network.settle()
    envelope = next(e for e in map(parse, network.carried) if e.blobs)
    assert len(envelope.blobs) == 2
    assert "attachments" not in envelope.model_dump_json(exclude={"content"})
    blobs.lose_answers = True
    await carry(network)
    assert {len(sealed) for sealed in blobs.here.values()} == {BLOB_BYTES + 16}
    assert not any(b"%PDF" in sealed for sealed in blobs.here.values())


@pytest.mark.usefixtures("blobs")
async def test_each_receiver_gets_a_file_under_a_key_of_its_own(network: Network) -> None:
    shelter = network.members[SHELTER]
    consent = await consented(shelter, categories=CATEGORIES)
    upload_id = await uploaded(shelter, a_picture())
    share = ["identity", "contact", "identity_document"]
    for _ in range(2):
        await submitted(shelter, consent, share=share, attachments=[a_file(upload_id)])
    await network.settle()
    named = [e.blobs for e in map(parse, network.carried) if e.blobs]
    assert len(named) == 2
    assert set(named[0]).isdisjoint(named[1])


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.usefixtures("blobs")
async def test_a_file_whose_category_is_not_shared_stays_and_it_is_said(
    network: Network, *, shared: bool
) -> None:
    shelter = network.members[SHELTER]
    consent = await consented(shelter, categories=CATEGORIES)
    upload_id = await uploaded(shelter, a_picture())
    share = ["identity", "contact", *(["identity_document"] if shared else [])]
    async with shelter.http() as http:
        answer = await http.post(
            "/v1/referrals",
            json=a_submission(consent, share=share, attachments=[a_file(upload_id)]),
            headers=a_key(),
        )
    assert answer.status_code == 201, answer.text
    said = {"attachments", "identity_document"} & set(answer.json()["withheld"])
    assert said == (set() if shared else {"attachments", "identity_document"})
    await network.settle()
    await carry(network)
    files = (await look(network.members[INSTITUTE], answer.json()["id"]))["attachments"]
    assert len(files) == shared


@pytest.mark.parametrize(
    "changes",
    [
        {"category": "identity"},  # a birth certificate is an identity document
        {"document": "referral_sheet"},  # what is on it must be said
        {"document": "invented"},
        {"document": "referral_sheet", "category": "attachments"},
        {"person_id": "T-9"},
        {"upload": "0b8dd5a4-86b7-4d0e-9a5e-4a3a3c8f2f11"},
        {"upload": "../../etc/passwd"},
    ],
)
@pytest.mark.usefixtures("blobs")
async def test_a_file_that_is_not_described_or_not_held_is_refused(
    network: Network, changes: dict[str, Any]
) -> None:
    shelter = network.members[SHELTER]
    consent = await consented(shelter, categories=CATEGORIES)
    one = a_file(await uploaded(shelter, a_picture()), **changes)
    share = ["identity", "contact", "identity_document"]
    async with shelter.http() as http:
        answer = await http.post(
            "/v1/referrals",
            json=a_submission(consent, share=share, attachments=[one]),
            headers=a_key(),
        )
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"].startswith("/attachments/0")


async def test_a_file_of_another_unit_cannot_be_attached_or_seen(network: Network) -> None:
    institute = network.members[INSTITUTE]
    answer = await upload(institute, a_picture(), unit="gt.igm.car")
    upload_id = answer.json()["id"]
    async with institute.http(unit=RECEPTION) as http:
        theirs = await http.get(f"/v1/attachments/{upload_id}")
        unknown = await http.get("/v1/attachments/0b8dd5a4-86b7-4d0e-9a5e-4a3a3c8f2f11")
    assert theirs.status_code == unknown.status_code == 404
    assert theirs.content == unknown.content


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


async def test_the_same_file_again_is_the_same_upload(alone: Network) -> None:
    institute = alone.members[INSTITUTE]
    first, again = [await uploaded(institute, a_picture()) for _ in range(2)]
    other = await uploaded(institute, a_picture(60))
    theirs = (await upload(institute, a_picture(), unit="gt.igm.car")).json()["id"]
    assert first == again
    assert len({first, other, theirs}) == 3


@pytest.mark.usefixtures("blobs")
async def test_information_is_supplied_with_a_file(network: Network) -> None:
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    consent = await consented(shelter, categories=CATEGORIES)
    referral = await submitted(shelter, consent, share=["identity"])
    await network.settle()
    asked = [{"category": "identity_document", "person": 1, "text": "¿Tiene acta de nacimiento?"}]
    await step(institute, referral, to="info_requested", questions=asked)
    await network.settle()
    content = a_picture(kind="JPEG")
    upload_id = await uploaded(shelter, content, "image/jpeg")
    async with shelter.http() as http:
        answer = await http.post(
            f"/v1/referrals/{referral}/information",
            json={
                "persons": [{"person_id": "T-1"}],
                "share": ["identity_document"],
                "attachments": [a_file(upload_id)],
            },
            headers=a_key(),
        )
    assert answer.status_code == 200, answer.text
    await network.settle()
    await carry(network)
    seen = await look(institute, referral)
    (file,) = seen["attachments"]
    assert (file["state"], seen["state"]) == ("here", "received")
    assert (await download(institute, referral, file["id"])).content == content


@pytest.mark.usefixtures("blobs")
async def test_a_counter_referral_takes_back_only_what_consent_lets_go_back(
    network: Network,
) -> None:
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    referral = await submitted(shelter, await consented(shelter), share=["identity"])
    await network.settle()
    for to in ("acknowledged", "accepted", "in_progress"):
        await step(institute, referral, to=to)
    content = a_picture()
    upload_id = await uploaded(institute, content)
    both = [
        {"upload": upload_id, "person_id": "1", "document": "medical_summary"},
        {
            "upload": upload_id,
            "person_id": "1",
            "document": "acknowledgement",
            "category": "service_history",
        },
    ]
    answer = await step(
        institute,
        referral,
        to="completed",
        counter_referral={
            "outcome": "service_delivered",
            "ended_at": network.clock.now.isoformat(),
        },
        attachments=both,
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["withheld"] == ["health", "attachments"]
    await network.settle()
    await carry(network)
    seen = await look(shelter, referral)
    (file,) = seen["attachments"]
    assert (file["document"], file["state"]) == ("acknowledgement", "here")
    assert seen["counter_referral"]["outcome"] == "service_delivered"
    assert (await download(shelter, referral, file["id"])).content == content


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
