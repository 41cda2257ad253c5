"""Rule 12: unlisted houses. A file that goes along tells what it shows, never where it was made."""

import io

import pytest
from PIL import Image

from tests.support.attached import sent
from tests.support.blobs import carry, download, upload, with_blobs
from tests.support.institutions import INSTITUTE, SHELTER
from tests.support.node_requests import look
from tests.support.nodes import Network
from tests.support.photographs import MAKER, a_heic, a_pdf, a_photograph

pytestmark = pytest.mark.asyncio


async def test_the_receiver_of_a_photograph_does_not_learn_where_it_was_taken(
    network: Network,
) -> None:
    with_blobs(network)
    taken = a_photograph()
    with Image.open(io.BytesIO(taken)) as image:
        assert image.getexif().get_ifd(0x8825)[2] == (14.0, 54.0, 18.0)
        shown = image.tobytes()
    referral = await sent(network, taken, "image/jpeg")
    await network.settle()
    await carry(network)
    for side in (INSTITUTE, SHELTER):
        (file,) = (await look(network.members[side], referral))["attachments"]
        found = await download(network.members[side], referral, file["id"])
        with Image.open(io.BytesIO(found.content)) as image:
            assert not image.getexif().get_ifd(0x8825)
            assert image.tobytes() == shown
        assert MAKER.encode() not in found.content


@pytest.mark.parametrize(
    ("media_type", "content", "said"),
    [
        ("image/jpeg", a_photograph(), "removed"),
        ("image/heic", a_heic(), "removed"),
        ("application/pdf", a_pdf(), "removed"),
        ("application/pdf", a_pdf()[:-6] + b"<</ByteRange[0 1]>>\n%%EOF\n", "removed"),
    ],
)
async def test_the_answer_to_an_upload_says_what_became_of_it(
    network: Network, media_type: str, content: bytes, said: str
) -> None:
    answer = await upload(network.members[INSTITUTE], content, media_type)
    assert answer.status_code == 201, answer.text
    assert answer.json()["metadata"] == said


async def test_what_cannot_be_cleaned_is_refused_with_advice(network: Network) -> None:
    answer = await upload(network.members[INSTITUTE], a_heic(item=b"blob"), "image/heic")
    assert answer.status_code == 422
    assert answer.json()["type"].endswith("/attachment_not_cleaned")
    assert "JPEG" in answer.json()["translations"]["es"]["detail"]
