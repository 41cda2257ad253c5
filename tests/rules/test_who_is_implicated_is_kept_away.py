"""Domain rule 5: an implicated person or institution gives no consent, receives nothing, is never contacted."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from relevo.contracts.implicated import (
    Implicated,
    is_number_implicated,
    is_person_implicated,
    without_implicated,
)
from relevo.contracts.institution import Unit
from relevo.node.operations.redirect import redirect_once
from relevo.servicekit import jose
from tests.support import node_requests, nodes
from tests.support.children import post
from tests.support.institutions import INSTITUTE, RECEPTION, SHELTER
from tests.support.node_requests import (
    a_consent,
    a_person,
    a_submission,
    consented,
    look,
    submitted,
)
from tests.support.nodes import Network

Networked = Callable[..., Network]

UNCLE = {"relation": "tío", "name": "Rolando Tiul", "phones": ["+502 0000-7777"]}
POLICE = "gt.pnc-izabal"
OMBUDSPERSON = "gt.pdh-izabal"


def endangered(*implicated: dict[str, Any], **changes: Any) -> dict[str, Any]:
    concern = {"summary": "no quiere irse con él", "implicated": list(implicated)}
    return a_person(protection_concern=concern, **changes)


def name(answer: Any) -> str:
    return str(answer.json().get("type", "")).rpartition("/")[2]


# -- persons --------------------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_an_implicated_person_gives_no_consent(network: Network) -> None:
    shelter = network.members[SHELTER]
    by_uncle = {"capacity": "guardian", "relation": "Tio", "evidence": "seen"}
    at_once = a_consent(given_by=by_uncle, implicated=[UNCLE])
    assert name(await post(shelter, "/v1/consents", at_once)) == "implicated_person_excluded"
    # It was recorded before she spoke; it opens nothing once she has.
    given = await consented(shelter, given_by=by_uncle)
    child = endangered(UNCLE)
    child["identity"] = child["identity"] | {"birth_date": {"value": "2016", "precision": "year"}}
    answer = await post(shelter, "/v1/referrals", a_submission(given, persons=[child]))
    assert name(answer) == "implicated_person_excluded"
    assert answer.json()["role"] == "consent_giver"


@pytest.mark.asyncio
async def test_nobody_downstream_gets_an_implicated_persons_number(network: Network) -> None:
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    categories = ["identity", "contact", "third_party_contact"]
    given = await consented(shelter, categories=categories)
    person = endangered(
        UNCLE,
        contact={"phones": ["0000 7777", "+502 0000-1204"]},
        third_party_contact={"relation": "tío", "phones": ["+502 0000-7777"]},
    )
    share = ["identity", "contact"]
    referral = await submitted(shelter, given, persons=[person], share=share)
    await network.settle()
    arrived = await look(institute, referral)
    assert arrived["persons"][0]["contact"]["phones"] == ["+502 0000-1204"]
    assert "7777" not in json.dumps(arrived)
    # That there is a concern, and about whom, did not leave: its category was not shared.
    assert "tío" not in json.dumps(arrived, ensure_ascii=False)
    assert "implicated" not in json.dumps(arrived)


@pytest.mark.asyncio
async def test_a_number_of_his_is_no_way_to_reach_her(network: Network) -> None:
    shelter = network.members[SHELTER]
    rules = {"only_numbers": ["+502 0000 7777"]}
    body = a_consent(contact_rules=rules, implicated=[UNCLE])
    answer = await post(shelter, "/v1/consents", body)
    assert (name(answer), answer.json()["role"]) == ("implicated_person_excluded", "contact")


def test_the_other_uncle_may_sign_when_both_are_named() -> None:
    implicated = [Implicated.model_validate(UNCLE)]
    assert is_person_implicated(implicated, relation="TÍO")
    assert is_person_implicated(implicated, relation="padrino", name="rolando  tiul")
    assert not is_person_implicated(implicated, relation="tío", name="Mateo Tiul")
    assert not is_number_implicated(implicated, "777")


# -- institutions -----------------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_every_unit_of_an_implicated_institution_is_excluded(network: Network) -> None:
    shelter = network.members[SHELTER]
    given = await consented(shelter, recipients=[{"party": RECEPTION}, {"party": "gt.igm.car"}])
    control = endangered({"party": "gt.igm.control"})
    for receiver in (RECEPTION, "gt.igm.car"):
        body = a_submission(given, receiver=receiver, persons=[control])
        assert name(await post(shelter, "/v1/referrals", body)) == "implicated_party_excluded"


@pytest.fixture
def mesa(networked: Networked, monkeypatch: pytest.MonkeyPatch) -> Network:
    """The police, whom the list offers first, and the ombudsperson."""
    plain = nodes.a_profile

    def profile(institution: str) -> Any:
        units = [Unit(id=f"{POLICE}.victimas", name="Víctimas", mandates=["ombudsperson"])]
        changes: dict[str, dict[str, Any]] = {
            POLICE: {"type": "police", "mandates": ["ombudsperson"], "units": units},
            OMBUDSPERSON: {"type": "ombudsperson", "mandates": ["ombudsperson"]},
        }
        return plain(institution).model_copy(update=changes.get(institution, {}))

    monkeypatch.setattr(nodes, "a_profile", profile)
    return networked(SHELTER, POLICE, OMBUDSPERSON)


def complaint(consent_id: str, receiver: str, **changes: Any) -> dict[str, Any]:
    """6b of the story: what happened, and nobody's name."""
    person = {
        "person_id": "anonimo-6b",
        "service_history": {"summary": "km 243, retén, 200 quetzales a cada uno, uniforme azul"},
    }
    return a_submission(
        consent_id,
        receiver=receiver,
        pathway="gt-izabal-illegal-charges",
        purpose="accountability_complaint",
        needs=[{"service": "complaint_of_illegal_charges"}],
        persons=[person],
        share=["service_history"],
        anonymous=True,
        **changes,
    )


async def without_a_name(network: Network, **changes: Any) -> str:
    said: dict[str, Any] = {
        "person_id": "anonimo-6b",
        "purposes": ["accountability_complaint"],
        "categories": ["service_history"],
        "recipients": [{"party": POLICE}, {"party": OMBUDSPERSON}],
        "implicated": [{"party": POLICE}],
        "method": "witnessed_voice",
    }
    return await consented(network.members[SHELTER], **said | changes)


@pytest.mark.asyncio
async def test_a_complaint_bypasses_the_body_complained_of_and_others_are_offered(
    mesa: Network,
) -> None:
    shelter = mesa.members[SHELTER]
    given = await without_a_name(mesa)
    for receiver in (POLICE, f"{POLICE}.victimas"):
        refused = await post(shelter, "/v1/referrals", complaint(given, receiver))
        assert name(refused) == "implicated_party_excluded"
        assert refused.json()["offered"] == [OMBUDSPERSON]
    taken = await post(shelter, "/v1/referrals", complaint(given, OMBUDSPERSON))
    assert taken.status_code == 201, taken.text


@pytest.mark.asyncio
async def test_an_anonymous_complaint_has_no_name_and_no_way_to_her(mesa: Network) -> None:
    shelter, ombudsperson = mesa.members[SHELTER], mesa.members[OMBUDSPERSON]
    given = await without_a_name(mesa)
    named = complaint(given, OMBUDSPERSON)
    named["persons"][0]["identity"] = {"given_names": "Selvin"}
    named["persons"][0]["contact"] = {"phones": ["+502 0000-1111"]}
    refused = await post(shelter, "/v1/referrals", named)
    pointers = [error["pointer"] for error in refused.json()["errors"]]
    assert pointers == ["/persons/0/identity", "/persons/0/contact"]
    taken = (await post(shelter, "/v1/referrals", complaint(given, OMBUDSPERSON))).json()
    await mesa.settle()
    arrived = await look(ombudsperson, taken["id"])
    assert arrived["reference_code"] == taken["reference_code"]
    said = {section for section, value in arrived["persons"][0].items() if value}
    assert said == {"person_id", "service_history"}
    assert [rules["prohibited"] for rules in arrived["contact_rules"]] == [True]


@pytest.mark.asyncio
async def test_a_route_that_needs_a_name_takes_nobody_without_one(network: Network) -> None:
    shelter = network.members[SHELTER]
    body = a_submission(await consented(shelter), anonymous=True)
    assert name(await post(shelter, "/v1/referrals", body)) == "anonymity_not_offered"


def _ids(jws: str) -> set[str]:
    """Everything in an envelope by which two of them could be linked."""
    claims = jose.peek(jws)[1]
    grants = [jose.peek(grant)[1]["jti"] for grant in claims["grants"]]
    single = (claims[key] for key in ("sub", "jti", "correlation_id", "reference_code"))
    return {*single, *grants, *claims["grants"]}


@pytest.mark.asyncio
async def test_two_referrals_of_one_intake_share_nothing_that_links_them(mesa: Network) -> None:
    shelter, ombudsperson = mesa.members[SHELTER], mesa.members[OMBUDSPERSON]
    first, second = [
        (
            await post(
                shelter,
                "/v1/referrals",
                complaint(await without_a_name(mesa), OMBUDSPERSON, local_reference="ingreso-6"),
            )
        ).json()["id"]
        for _ in range(2)
    ]
    await mesa.settle()
    sent = [jws for jws in mesa.carried if jose.peek(jws)[1]["iss"] == SHELTER]
    assert len(sent) == 2
    assert _ids(sent[0]).isdisjoint(_ids(sent[1]))
    one, other = await look(ombudsperson, first), await look(ombudsperson, second)
    assert one["persons"][0]["person_id"] == other["persons"][0]["person_id"] == "1"
    assert "ingreso-6" not in json.dumps([one, other])
    linked = complaint(await without_a_name(mesa), OMBUDSPERSON, part_of=first)
    refused = await post(shelter, "/v1/referrals", linked)
    assert refused.json()["errors"][0]["pointer"] == "/part_of"


def test_nobody_escalates_to_the_body_complained_of() -> None:
    implicated = [Implicated(party=POLICE)]
    ladder = ["gt.mesa-izabal", f"{POLICE}.jefatura", OMBUDSPERSON]
    assert without_implicated(implicated, ladder) == ["gt.mesa-izabal", OMBUDSPERSON]


@pytest.mark.asyncio
async def test_no_redirect_leads_to_it(networked: Networked) -> None:
    other = "gt.ong-retorno"
    network = networked(SHELTER, INSTITUTE, other)
    shelter = network.members[SHELTER]
    given = await consented(shelter, recipients=[{"party": INSTITUTE}, {"party": other}])
    referral = await submitted(
        shelter, given, receiver=other, persons=[endangered({"party": INSTITUTE})]
    )
    await network.settle()
    away = {"to": "redirected", "reason": "no_capacity", "redirect_to": RECEPTION}
    answer = await node_requests.step(network.members[other], referral, **away)
    assert answer.status_code == 200, answer.text
    await network.settle()
    await redirect_once(shelter.node, shelter.directory)
    seen = (await look(shelter, referral))["redirection"]
    assert (seen["state"], seen["problem"]) == ("needs_person", "implicated_party_excluded")
