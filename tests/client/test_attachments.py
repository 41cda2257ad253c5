"""Files go along with a referral, by the client and by command."""

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from relevo.client.attachments import read_file
from relevo.client.exceptions import InvalidInputError, NotFoundError, RelevoProblemError
from tests.client.test_commands import Person, done
from tests.client.world import World
from tests.support.blobs import a_picture, saved
from tests.support.node_requests import COMPLETION, a_consent, a_submission
from tests.support.photographs import a_photograph

SHARE = ["identity", "contact", "identity_document"]
CATEGORIES = [*SHARE, "location_municipality", "family"]


def test_a_file_goes_along_and_its_sender_reads_it_back(world: World, shelter: Any) -> None:
    content = a_picture()
    held = shelter.attachments.upload(content, "image/png")
    assert shelter.attachments.get(held.id) == held
    consent = shelter.consents.record(a_consent(categories=CATEGORIES))
    file = {"upload": held.id, "person_id": "T-1", "document": "passport"}
    stored = shelter.referrals.submit(a_submission(consent.id, share=SHARE, attachments=[file]))
    (attachment,) = shelter.referrals.get(stored.id).attachments
    found = shelter.attachments.download(stored.id, attachment)
    assert (found.name, found.media_type, found.content) == ("passport.png", "image/png", content)
    world.settle()


def test_a_file_that_has_not_arrived_says_so(world: World, shelter: Any, desk: Any) -> None:
    held = shelter.attachments.upload(a_picture(33), "image/png")
    consent = shelter.consents.record(a_consent(categories=CATEGORIES))
    file = {"upload": held.id, "person_id": "T-1", "document": "passport"}
    stored = shelter.referrals.submit(a_submission(consent.id, share=SHARE, attachments=[file]))
    world.settle()
    (attachment,) = desk.referrals.get(stored.id).attachments
    with pytest.raises(RelevoProblemError) as refused:
        desk.attachments.download(stored.id, attachment)
    assert refused.value.name == "attachment_not_here"
    assert refused.value.members["attachment_state"] == "arriving"


def test_a_blank_file_is_refused_with_advice(shelter: Any) -> None:
    blank = saved(Image.new("L", (20, 20), 255), "PNG")
    with pytest.raises(InvalidInputError, match="one colour"):
        shelter.attachments.upload(blank, "image/png")
    with pytest.raises(NotFoundError):
        shelter.attachments.get("0b8dd5a4-86b7-4d0e-9a5e-4a3a3c8f2f11")


def test_a_file_is_read_with_its_media_type(tmp_path: Path) -> None:
    file = tmp_path / "acta.JPG"
    file.write_bytes(b"x")
    assert read_file(file) == (b"x", "image/jpeg")
    with pytest.raises(ValueError, match="ends in one of"):
        read_file(tmp_path / "acta.docx")


@pytest.fixture
def typist(world: World, tmp_path: Path) -> Person:
    return Person(tmp_path, world.arguments["shelter"])


def test_files_are_attached_and_saved_by_command(typist: Person, tmp_path: Path) -> None:
    photo = tmp_path / "foto: uno.png"
    photo.write_bytes(a_picture(70))
    consent = json.loads(
        done(typist("consent", "record", "-", typed=a_consent(categories=CATEGORIES)))
    )["id"]
    words = ("referral", "submit", "-", "--attach", f"{photo}:birth_certificate")
    typed = a_submission(consent, share=SHARE)
    stored = json.loads(done(typist(*words, "--idempotency-key", "k-1", typed=typed)))
    again = json.loads(done(typist(*words, "--idempotency-key", "k-1", typed=typed)))
    assert again["id"] == stored["id"]
    done(typist("referral", "download", stored["id"], "--to", tmp_path / "saved"))
    (kept,) = (tmp_path / "saved").iterdir()
    assert kept.name == "01-birth_certificate.png"
    assert kept.read_bytes() == photo.read_bytes()


@pytest.mark.parametrize(
    "said", ["nowhere.pdf:passport", "{file}", "{file}:", "{file}:passport:T-1:photo:more"]
)
def test_a_file_that_is_not_described_is_an_error_in_words(
    typist: Person, tmp_path: Path, said: str
) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(a_picture())
    result = typist(
        "referral", "submit", "-", "--attach", said.format(file=file), typed=a_submission("x")
    )
    assert result.exit_code == 1
    assert "FILE:DOCUMENT" in result.output


def test_files_go_with_what_was_asked_and_with_the_outcome(
    world: World, typist: Person, tmp_path: Path
) -> None:
    desk = Person(tmp_path, world.arguments["desk"])
    photo = tmp_path / "acta.jpg"
    photo.write_bytes(a_photograph())
    consent = json.loads(
        done(typist("consent", "record", "-", typed=a_consent(categories=CATEGORIES)))
    )["id"]
    sent = typist("referral", "submit", "-", typed=a_submission(consent, share=["identity"]))
    referral = json.loads(done(sent))["id"]
    world.settle()
    asked = [{"category": "identity_document", "person": 1, "text": "¿Tiene acta?"}]
    done(desk("referral", "ask", referral, "-", typed=asked))
    world.settle()
    answer = {"persons": [{"person_id": "T-1"}], "share": ["identity_document"]}
    words = ("referral", "supply", referral, "-", "--attach", f"{photo}:birth_certificate")
    supplied = typist(*words, typed=answer)
    done(supplied)
    assert "acta.jpg: goes without what a camera" in supplied.stderr
    world.settle()
    for step in ("acknowledge", "accept", "begin"):
        done(desk("referral", step, referral))
    files = [f"{photo}:medical_summary", f"{photo}:acknowledgement:1:service_history"]
    words = ("referral", "complete", referral, "-", "--attach", files[0], "--attach", files[1])
    completed = desk(*words, typed=COMPLETION["counter_referral"])
    done(completed)
    assert "Some stays here, because consent or pathway leave it out: health" in completed.stderr
    seen = json.loads(done(desk("referral", "show", referral)))["attachments"]
    assert [file["document"] for file in seen] == ["birth_certificate", "acknowledgement"]
    world.settle()


def test_files_go_back_with_an_outcome_alone(
    typist: Person,
) -> None:
    result = typist(
        *("referral", "fail", "x", "--reason", "no_capacity", "--attach", "a.png:passport")
    )
    assert result.exit_code == 1
    assert "--outcome" in result.output
