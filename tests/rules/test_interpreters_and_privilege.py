"""Domain rule 18: who may interpret, and what never reaches a consulate or a state."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from relevo.contracts.consent import GivenBy
from relevo.contracts.privilege import is_state_body
from relevo.contracts.vocabularies.loader import code_list
from relevo.node.operations import cut
from relevo.node.storage import grants
from relevo.servicekit import jose
from tests.support.children import listed, post, recorded, told_of
from tests.support.institutions import CONSULATE, INSTITUTE, LAWYERS, SHELTER
from tests.support.node_requests import a_consent, a_key, a_person, a_submission, look
from tests.support.nodes import Network

Networked = Callable[..., Network]
INTERPRETER: dict[str, Any] = {
    "language": "cac",
    "modality": "video",
    "is_adult": True,
    "person_agreed": True,
}


def a_notice(**changes: Any) -> dict[str, Any]:
    notice: dict[str, Any] = a_consent()["notice"]
    return notice | changes


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("said", "where", "advice"),
    [
        ({"is_adult": False}, "is_adult", "an interpreter is an adult"),
        ({"is_relative": True}, "is_relative", "never a relative"),
        ({"person_agreed": False}, "person_agreed", "offer another interpreter"),
        ({"from_same_village": True}, "", "unless the person chose so"),
    ],
    ids=str,
)
async def test_an_interpreter_who_may_not_interpret_is_refused_with_advice(
    networked: Networked, said: dict[str, Any], where: str, advice: str
) -> None:
    shelter = networked(SHELTER).members[SHELTER]
    notice = a_notice(interpreter=INTERPRETER | said)
    refused = await post(shelter, "/v1/consents", a_consent(notice=notice))
    assert refused.status_code == 422
    [error] = refused.json()["errors"]
    assert error["pointer"] == f"/notice/interpreter/{where}".removesuffix("/")
    assert advice in error["detail"]


@pytest.mark.asyncio
async def test_one_from_her_village_may_if_she_chose_so(networked: Networked) -> None:
    shelter = networked(SHELTER).members[SHELTER]
    chosen = INTERPRETER | {"from_same_village": True, "chosen_by_person": True}
    assert await recorded(shelter, a_consent(notice=a_notice(interpreter=chosen)))


@pytest.mark.asyncio
async def test_she_may_refuse_one_and_is_offered_another(networked: Networked) -> None:
    shelter = networked(SHELTER).members[SHELTER]
    refusal = {"language": "cac", "modality": "video", "because": "same_village"}
    notice = a_notice(
        interpreter=INTERPRETER, interpreters_refused=[refusal | {"another_offered": True}]
    )
    consent = await recorded(shelter, a_consent(notice=notice))
    async with shelter.http() as http:
        kept = (await http.get(f"/v1/consents/{consent}")).json()
    assert kept["notice"]["interpreters_refused"][0]["because"] == "same_village"
    left_alone = a_notice(interpreters_refused=[refusal | {"another_offered": False}])
    refused = await post(shelter, "/v1/consents", a_consent(notice=left_alone))
    assert "offered another" in refused.json()["errors"][0]["detail"]


def test_a_childs_opinion_names_its_interpreter_by_the_same_rule() -> None:
    with pytest.raises(ValueError, match="never a relative"):
        GivenBy.model_validate(
            {
                "capacity": "guardian",
                "relation": "madre",
                "assent": "6_to_13",
                "opinion_interpreter": INTERPRETER | {"is_relative": True},
            }
        )


def test_every_type_says_whether_it_belongs_to_a_state() -> None:
    outside = {
        "ngo", "shelter", "red_cross", "law_firm_or_legal_clinic", "international_organisation",
        "faith_based_organisation", "migrant_organisation",
    }  # fmt: skip
    listed_types = {code.code for code in code_list("institution_type").codes}
    assert outside <= listed_types
    assert not any(is_state_body(kind) for kind in outside)
    assert all(is_state_body(kind) for kind in ("consulate", "court", "migration_institute"))
    assert is_state_body("a_type_of_tomorrow")


def a_case(receiver: str, consent: str, share: list[str]) -> dict[str, Any]:
    person = a_person(legal_case={"summary": "notas-de-su-defensa"})
    return a_submission(
        consent,
        receiver=receiver,
        persons=[person],
        share=share,
        pathway="detention-consular-legal",
        needs=[{"service": "legal_advice"}],
        purpose="legal_defence",
    )


async def the_case(network: Network, receiver: str, **consent: Any) -> Any:
    """Refers her with her lawyer's notes; the answer."""
    shelter = network.members[SHELTER]
    given = {
        "purposes": ["legal_defence"],
        "categories": ["identity", "legal_case"],
        "recipients": [{"party": receiver, "requested_by_person": True}],
    }
    agreed = await recorded(shelter, a_consent(**(given | consent)))
    return await post(
        shelter, "/v1/referrals", a_case(receiver, agreed, ["identity", "legal_case"])
    )


@pytest.mark.asyncio
async def test_her_lawyer_reads_it_and_the_consulate_is_never_sent_it(
    networked: Networked,
) -> None:
    network = networked(SHELTER, CONSULATE, LAWYERS)
    refused = await the_case(network, CONSULATE)
    assert refused.json()["type"].endswith("/privileged")
    assert refused.json()["categories"] == ["legal_case"]
    taken = await the_case(network, LAWYERS)
    assert taken.status_code == 201, taken.text
    await network.settle()
    there = await look(network.members[LAWYERS], taken.json()["id"])
    assert there["persons"][0]["legal_case"]["summary"] == "notas-de-su-defensa"
    assert await listed(network.members[CONSULATE]) == []


@pytest.mark.asyncio
async def test_what_was_written_with_the_link_down_is_asked_again_when_it_leaves(
    networked: Networked,
) -> None:
    network = networked(SHELTER, CONSULATE)
    network.down = True
    written = await the_case(network, CONSULATE)
    assert written.status_code == 201, written.text
    network.down = False
    network.clock.advance(timedelta(minutes=1))
    await network.settle()
    assert await listed(network.members[CONSULATE]) == []
    sent = await look(network.members[SHELTER], written.json()["id"])
    assert (sent["delivery"], sent["delivery_problem"]) == ("refused", "privileged")


@pytest.mark.asyncio
async def test_a_state_does_not_store_what_a_careless_sender_let_through(
    networked: Networked, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = networked(SHELTER, CONSULATE)
    monkeypatch.setattr(cut, "check_privilege", lambda *_: None)
    monkeypatch.setattr("relevo.node.workers.relay.check_privilege", lambda *_: None)
    sent = await the_case(network, CONSULATE)
    await network.settle()
    consulate = network.members[CONSULATE]
    there = await look(consulate, sent.json()["id"])
    assert (there["state"], there["marks"]) == ("received", ["privileged_dropped"])
    assert "legal_case" not in there["persons"][0]
    assert ("referral.privileged_dropped", there["id"]) in await told_of(consulate)


@pytest.mark.asyncio
async def test_no_result_of_a_follow_up_holds_it_whatever_she_wrote(networked: Networked) -> None:
    network = networked(SHELTER, INSTITUTE, CONSULATE)
    shelter = network.members[SHELTER]
    named = {
        "party": CONSULATE,
        "only": ["status", "follow_up"],
        "categories": ["legal_case", "family"],
        "requested_by_person": True,
    }
    agreed = await recorded(
        shelter,
        a_consent(
            purposes=["service_delivery", "follow_up"],
            categories=["identity", "contact", "family", "legal_case"],
            recipients=[{"party": INSTITUTE}, named],
        ),
    )
    async with shelter.http() as http:
        sent = await http.post(
            "/v1/referrals", json=a_submission(agreed, share=["identity"]), headers=a_key()
        )
    assert sent.status_code == 201, sent.text
    granted = [
        jose.peek(grant.jws)[1]
        for grant in await shelter.node.database.read(_grants, sent.json()["id"])
    ]
    for_consulate = [one["categories"] for one in granted if one["receiver"] == CONSULATE]
    assert for_consulate == [["family", "service_history"]]
    assert "legal_case" not in json.dumps(granted)


def _grants(connection: Any, referral_id: str) -> Any:
    return grants.of_referral(connection, referral_id)
