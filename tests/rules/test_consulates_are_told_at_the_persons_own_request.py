"""Domain rule 2: consulates at her own request; whoever is searched for is asked first."""

from datetime import timedelta
from typing import Any

import pytest

from relevo.contracts.problem import ProblemError
from relevo.contracts.searched_person import SearchedPersonAnswer, check_may_tell
from relevo.servicekit import jose
from tests.support.children import post
from tests.support.institutions import CONSULATE, SHELTER, START
from tests.support.node_requests import a_consent, a_submission, consented, look, step, submitted
from tests.support.nodes import Network

ASKED_FOR = {"party": CONSULATE, "requested_by_person": True}


def to_the_consulate(consent_id: str | None, **changes: Any) -> dict[str, Any]:
    return a_submission(
        consent_id,
        **{
            "receiver": CONSULATE,
            "pathway": "consular-pre-return",
            "needs": [{"service": "travel_document"}],
            "share": ["identity"],
            **changes,
        },
    )


def name(answer: Any) -> str:
    return str(answer.json().get("type", "")).rpartition("/")[2]


@pytest.mark.asyncio
async def test_a_consent_that_names_a_consulate_says_that_she_asked_for_it(
    network: Network,
) -> None:
    shelter = network.members[SHELTER]
    for entry in ({"party": CONSULATE}, {"party": CONSULATE, "only": ["status"]}):
        refused = await post(shelter, "/v1/consents", a_consent(recipients=[entry]))
        assert name(refused) == "consulate_not_requested"
    given = await consented(shelter, recipients=[ASKED_FOR])
    assert (await post(shelter, "/v1/referrals", to_the_consulate(given))).status_code == 201


@pytest.mark.asyncio
async def test_what_was_written_without_a_link_is_refused_when_it_leaves(network: Network) -> None:
    shelter = network.members[SHELTER]
    network.down = True
    given = await consented(shelter, recipients=[{"party": CONSULATE}])
    answer = await post(shelter, "/v1/referrals", to_the_consulate(given))
    assert answer.status_code == 201
    network.down = False
    network.clock.advance(timedelta(minutes=1))
    await network.settle()
    assert network.carried == []
    sent = await look(shelter, answer.json()["id"])
    assert sent["delivery_problem"] == "consulate_not_requested"


@pytest.mark.asyncio
async def test_no_other_basis_reaches_a_consulate(network: Network) -> None:
    shelter = network.members[SHELTER]
    basis = {"basis": "vital_interest", "law": "CIRC, capítulo 3", "authority": CONSULATE}
    answer = await post(shelter, "/v1/referrals", to_the_consulate(None, basis=basis))
    assert name(answer) == "consulate_not_requested"


@pytest.mark.asyncio
async def test_a_consulate_that_nobody_asked_for_is_named_to_no_gateway(network: Network) -> None:
    shelter = network.members[SHELTER]
    network.down = True
    recipients = [{"party": "gt.igm.crr"}, {"party": CONSULATE, "only": ["status"]}]
    given = await consented(shelter, recipients=recipients)
    network.down = False
    network.clock.advance(timedelta(minutes=1))
    await shelter.directory.profile(CONSULATE)
    await submitted(shelter, given)
    await network.settle()
    [grant] = jose.peek(network.carried[0])[1]["grants"]
    assert jose.peek(grant)[1]["status_parties"] == []


LOCATED = {
    "to": "completed",
    "counter_referral": {
        "outcome": "person_located_contact_agreed",
        "ended_at": START.isoformat(),
    },
}


@pytest.mark.asyncio
async def test_who_searches_is_answered_after_the_searched_person_said_yes(
    network: Network,
) -> None:
    shelter, consulate = network.members[SHELTER], network.members[CONSULATE]
    given = await consented(shelter, recipients=[ASKED_FOR], purposes=["family_links"])
    answer = await post(
        shelter,
        "/v1/referrals",
        to_the_consulate(
            given,
            pathway="detention-consular-legal",
            purpose="family_links",
            needs=[{"service": "locate_detained_or_ill_person"}],
        ),
    )
    assert answer.status_code == 201, answer.text
    await network.settle()
    searched = answer.json()["id"]
    assert (await step(consulate, searched, to="accepted")).status_code == 200
    assert name(await step(consulate, searched, **LOCATED)) == "searched_person_not_asked"
    said = {
        "kind": "searched_person_answer",
        "answer": "alive_only",
        "asked_at": START.isoformat(),
        "asked_by": "abogada de turno",
    }
    path = f"/v1/referrals/{searched}/sealed-records"
    assert (await post(consulate, path, said)).status_code == 201
    assert name(await step(consulate, searched, **LOCATED)) == "searched_person_said_no"
    assert (await post(consulate, path, said | {"answer": "contact_agreed"})).status_code == 201
    assert (await step(consulate, searched, **LOCATED)).status_code == 200
    await network.settle()
    assert (await look(shelter, searched))["state"] == "completed"


@pytest.mark.parametrize("reason", ["person_detained", "person_remigrated", "declined_by_person"])
def test_no_reason_tells_it_either(reason: str) -> None:
    services = {"locate_detained_or_ill_person"}
    with pytest.raises(ProblemError) as refusal:
        check_may_tell(services=services, outcome=None, reason=reason, answer=None)
    assert refusal.value.name == "searched_person_not_asked"
    check_may_tell(services=services, outcome=None, reason="individual_not_found", answer=None)
    check_may_tell(services={"food"}, outcome=None, reason=reason, answer=None)


def test_a_yes_on_a_monitored_line_is_no_yes() -> None:
    with pytest.raises(ValueError, match="agrees freely"):
        SearchedPersonAnswer(
            answer="contact_agreed", asked_at=START, asked_by="turno A", way="monitored_call"
        )
