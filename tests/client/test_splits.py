"""A family that goes on in two parts, through both clients and as commands."""

import json
from pathlib import Path
from typing import Any

import pytest

from relevo.client.exceptions import NotFoundError, RelevoProblemError
from relevo.contracts.families import SplitRequest
from tests.client.test_commands import Person, done
from tests.client.world import World
from tests.support.institutions import RECEPTION
from tests.support.node_requests import a_consent, a_person, a_submission

NOBODY = "0b8dd5a4-86b7-4d0e-9a5e-4a3a3c8f2f11"


def an_adult(person_id: str, given_names: str) -> dict[str, Any]:
    born = {"value": "1995-05-17", "precision": "day"}
    identity = {"given_names": given_names, "family_names": ["Castillo"], "birth_date": born}
    return a_person(person_id=person_id, identity=identity, contact={"phones": ["+504 0000-0107"]})


FAMILY = [an_adult("N-1", "Nidia"), an_adult("W-1", "Wilmer")]


def consents() -> list[dict[str, Any]]:
    return [
        a_consent(person_id=person["person_id"], recipients=[{"party": RECEPTION}])
        for person in FAMILY
    ]


def a_family(consent_ids: list[str]) -> dict[str, Any]:
    return a_submission(None, persons=FAMILY, share=["identity"]) | {"consent_ids": consent_ids}


def a_split(consent_ids: list[str]) -> dict[str, Any]:
    onward = a_submission(None, persons=FAMILY[:1], share=["identity"])
    return {
        "persons": [1],
        "reason": "safety_concern",
        "recorded_by": "Psicología, turno A",
        "referral": onward | {"consent_ids": consent_ids[:1]},
    }


def test_a_split_is_made_once_and_confirmed_by_somebody_else(world: World, shelter: Any) -> None:
    ids = [shelter.consents.record(consent).id for consent in consents()]
    family = shelter.referrals.submit(a_family(ids))
    asked = SplitRequest.model_validate(a_split(ids))
    made = shelter.splits.make(family.id, asked, key=f"split-{family.id}")
    assert shelter.splits.make(family.id, asked, key=f"split-{family.id}").id == made.id
    assert (made.state, made.stays) == ("waiting", family.id)
    assert made.id in [one.id for one in shelter.splits.newest(state="waiting")]
    with pytest.raises(RelevoProblemError) as refused:
        shelter.splits.confirm(made.id, "Psicología, turno A")
    assert refused.value.name == "second_person_needed"
    assert shelter.splits.confirm(made.id, "Coordinación").state == "confirmed"
    assert shelter.splits.get(made.id).confirmed_by == "Coordinación"
    assert len(shelter.referrals.get(family.id).persons) == 1
    with pytest.raises(NotFoundError):
        shelter.splits.get(NOBODY)
    world.settle()


def test_a_family_is_split_by_command(world: World, tmp_path: Path) -> None:
    typist = Person(tmp_path, world.arguments["shelter"])
    ids = [
        json.loads(done(typist("consent", "record", "-", typed=consent)))["id"]
        for consent in consents()
    ]
    family = json.loads(done(typist("referral", "submit", "-", typed=a_family(ids))))["id"]
    result = typist("split", "make", family, "-", typed=a_split(ids))
    split = json.loads(done(result))
    assert "second person" in result.stderr
    assert split["id"] in done(typist("split", "list", "--state", "waiting"))
    assert "confirmed" in done(typist("split", "confirm", split["id"], "--by", "Coordinación"))
    assert json.loads(done(typist("split", "show", split["id"])))["state"] == "confirmed"
    assert typist("split", "list", "--state", "over").exit_code == 1
    world.settle()
