"""Files go along with a referral, its information and its counter-referral, sealed from node to node."""

from typing import Any

import pytest

from relevo.contracts.attachment import BLOB_BYTES
from relevo.node.operations.open_envelope import parse
from tests.support.attached import CATEGORIES, LARGE, a_file, events, sent
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
from tests.support.institutions import INSTITUTE, RECEPTION, SHELTER
from tests.support.node_requests import a_key, a_submission, consented, look, step, submitted
from tests.support.nodes import Network

pytestmark = pytest.mark.asyncio


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
