"""Each refusal of a submission is a documented problem, and leaves nothing behind."""

from datetime import timedelta
from typing import Any

import pytest

from tests.support.institutions import INSTITUTE, RECEPTION, SHELTER, START
from tests.support.node_requests import a_key, a_person, a_submission, consented
from tests.support.nodes import Network

pytestmark = pytest.mark.asyncio


async def refused(network: Network, body: dict[str, Any]) -> dict[str, Any]:
    shelter = network.members[SHELTER]
    async with shelter.http() as http:
        answer = await http.post("/v1/referrals", json=body, headers=a_key())
        listed = await http.get("/v1/referrals")
    assert answer.headers["content-type"] == "application/problem+json"
    assert listed.json().get("referrals") == [], listed.text
    await network.settle()
    assert network.carried == []
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == answer.status_code
    assert "Tomasa" not in answer.text
    problem["name"] = problem["type"].rpartition("/")[2]
    return problem


async def test_no_consent(network: Network) -> None:
    assert (await refused(network, a_submission(None)))["name"] == "consent_missing"


async def test_a_consent_that_does_not_exist(network: Network) -> None:
    body = a_submission("0198c7a1-0b2c-7f00-8c11-2b9d7c3f5a10")
    assert (await refused(network, body))["name"] == "consent_missing"


async def test_a_consent_of_somebody_else(network: Network) -> None:
    consent = await consented(network.members[SHELTER], person_id="T-2")
    assert (await refused(network, a_submission(consent)))["name"] == "consent_missing"


async def test_a_receiver_that_the_person_did_not_name(network: Network) -> None:
    consent = await consented(network.members[SHELTER], recipients=[{"party": "gt.renap"}])
    problem = await refused(network, a_submission(consent))
    assert (problem["name"], problem["receiver"]) == ("consent_does_not_cover_receiver", RECEPTION)


async def test_a_receiver_that_the_person_denied(network: Network) -> None:
    consent = await consented(network.members[SHELTER], denials=[{"party": INSTITUTE}])
    assert (await refused(network, a_submission(consent)))["name"] == "receiver_denied_by_person"


async def test_a_category_that_the_consent_does_not_cover(network: Network) -> None:
    consent = await consented(network.members[SHELTER])
    problem = await refused(network, a_submission(consent, share=["identity", "health"]))
    assert (problem["name"], problem["categories"]) == (
        "consent_does_not_cover_category",
        ["health"],
    )


async def test_a_purpose_that_the_consent_does_not_cover(network: Network) -> None:
    consent = await consented(network.members[SHELTER])
    problem = await refused(network, a_submission(consent, purpose="case_coordination"))
    assert problem["name"] == "consent_does_not_cover_purpose"


async def test_a_date_that_the_consent_does_not_cover(network: Network) -> None:
    consent = await consented(
        network.members[SHELTER], valid_until=(START + timedelta(days=1)).isoformat()
    )
    network.clock.advance(timedelta(days=2))
    assert (await refused(network, a_submission(consent)))["name"] == "consent_does_not_cover_date"


async def test_a_withdrawn_consent(network: Network) -> None:
    shelter = network.members[SHELTER]
    consent = await consented(shelter)
    async with shelter.http() as http:
        await http.post(f"/v1/consents/{consent}/withdraw", json={"said_at": START.isoformat()})
    problem = await refused(network, a_submission(consent))
    assert (problem["name"], problem["consent_state"]) == ("consent_not_active", "withdrawn")


async def test_a_country_of_origin_of_somebody_who_needs_protection(network: Network) -> None:
    consent = await consented(network.members[SHELTER])
    person = a_person(specific_needs=["threatened_at_origin"])
    problem = await refused(network, a_submission(consent, persons=[person]))
    assert (problem["name"], problem["receiver"]) == ("country_of_origin_excluded", RECEPTION)


async def test_the_warning_lifts_the_country_of_origin_rule_for_that_party(
    network: Network,
) -> None:
    shelter = network.members[SHELTER]
    warned = {"party": RECEPTION, "origin_warning_given_at": START.isoformat()}
    consent = await consented(shelter, recipients=[warned])
    person = a_person(specific_needs=["threatened_at_origin"])
    async with shelter.http() as http:
        answer = await http.post(
            "/v1/referrals", json=a_submission(consent, persons=[person]), headers=a_key()
        )
    assert answer.status_code == 201


async def test_an_unknown_receiver(network: Network) -> None:
    consent = await consented(network.members[SHELTER], recipients=[{"party": "gt.nadie"}])
    problem = await refused(network, a_submission(consent, receiver="gt.nadie"))
    assert problem["name"] == "receiver_unknown"


async def test_an_unknown_unit(network: Network) -> None:
    consent = await consented(network.members[SHELTER], recipients=[{"party": "gt.igm.nada"}])
    problem = await refused(network, a_submission(consent, receiver="gt.igm.nada"))
    assert problem["name"] == "receiver_unknown"


async def test_a_suspended_receiver(network: Network) -> None:
    network.states[INSTITUTE] = "suspended"
    consent = await consented(network.members[SHELTER])
    problem = await refused(network, a_submission(consent))
    assert (problem["name"], problem["state"]) == ("receiver_not_active", "suspended")


async def test_an_enforcement_unit_receives_nothing(network: Network) -> None:
    consent = await consented(network.members[SHELTER], recipients=[{"party": "gt.igm.control"}])
    problem = await refused(network, a_submission(consent, receiver="gt.igm.control"))
    assert problem["name"] == "receiver_lacks_mandate"


async def test_what_the_pathway_never_asks_for(network: Network) -> None:
    consent = await consented(network.members[SHELTER])
    problem = await refused(network, a_submission(consent, share=["identity", "asylum_claim"]))
    assert problem["name"] == "share_not_in_pathway"


async def test_what_the_pathway_needs_and_would_not_arrive(network: Network) -> None:
    consent = await consented(network.members[SHELTER])
    problem = await refused(network, a_submission(consent, share=["contact"]))
    assert (problem["name"], problem["fields"]) == ("pathway_field_required", ["identity"])


async def test_an_unknown_pathway(network: Network) -> None:
    consent = await consented(network.members[SHELTER])
    problem = await refused(network, a_submission(consent, pathway="no-such-route"))
    assert problem["name"] == "pathway_unknown"


async def test_a_basis_without_its_place_in_the_pathway(network: Network) -> None:
    basis = {"basis": "contract", "law": "Código Civil", "authority": "gt.igm"}
    problem = await refused(network, a_submission(None, basis=basis))
    assert problem["name"] == "basis_not_allowed"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"triage": "purple"}, "/triage"),
        ({"needs": [{"service": "teleportation"}]}, "/needs/0/service"),
        ({"surprise": 1}, "/surprise"),
        ({"needs": []}, "/needs"),
        ({"expires_in_days": 400}, "/expires_in_days"),
        (
            {"persons": [a_person(identity={"given_names": "X" * 400})]},
            "/persons/0/identity/given_names",
        ),
        (
            {
                "persons": [
                    a_person(
                        identity={
                            "given_names": "A",
                            "birth_date": {"value": "1900", "precision": "year"},
                        }
                    )
                ]
            },
            "/persons/0/identity/birth_date",
        ),
    ],
)
async def test_what_does_not_fit_the_contract_is_pointed_at(
    network: Network, change: dict[str, Any], pointer: str
) -> None:
    consent = await consented(network.members[SHELTER])
    problem = await refused(network, a_submission(consent, **change))
    assert problem["name"] == "invalid_input"
    assert pointer in [error["pointer"] for error in problem["errors"]]


async def test_a_token_without_the_scope(network: Network) -> None:
    shelter = network.members[SHELTER]
    consent = await consented(shelter)
    async with shelter.http(scopes="referrals:read") as http:
        answer = await http.post("/v1/referrals", json=a_submission(consent), headers=a_key())
    assert answer.status_code == 403
    assert answer.json()["scope"] == "referrals:submit"


async def test_a_token_of_another_institution(network: Network) -> None:
    shelter = network.members[SHELTER]
    consent = await consented(shelter)
    async with shelter.http(institution=INSTITUTE) as http:
        answer = await http.post("/v1/referrals", json=a_submission(consent), headers=a_key())
    assert answer.json()["type"].endswith("/not_yours")


async def test_good_rows_of_a_bulk_are_kept_and_bad_ones_say_why(network: Network) -> None:
    shelter = network.members[SHELTER]
    consent = await consented(shelter)
    items = [
        {"key": "1", "referral": a_submission(consent)},
        {"key": "2", "referral": a_submission(consent, receiver="gt.nadie")},
        {"key": "3", "referral": a_submission(consent)},
        {"key": "1", "referral": a_submission(consent)},
    ]
    async with shelter.http() as http:
        answers = (await http.post("/v1/referrals/bulk", json={"items": items})).json()["answers"]
        listed = (await http.get("/v1/referrals")).json()["referrals"]
    assert [answer["problem"] is None for answer in answers] == [True, False, True, True]
    assert answers[0]["referral"] == answers[3]["referral"]
    assert len(listed) == 2
