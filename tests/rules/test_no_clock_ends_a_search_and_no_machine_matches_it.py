"""Domain rule 9. A search has no expiry, is never matched, and answers relatives and nobody else."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from relevo.contracts.sealed_records import may_be_matched
from relevo.node.operations.context import Node
from relevo.node.operations.receipts import end_message
from relevo.node.operations.reindex import reindex_once
from relevo.node.operations.ring import ring_once
from relevo.node.storage import outbox
from relevo.node.storage.holdings import Holdings
from relevo.node.storage.matching_tables import returnee_indexed
from relevo.servicekit import jose
from tests.support.candidates import ERVIN, candidates, entered
from tests.support.institutions import COMMISSION, COMMITTEE
from tests.support.node_requests import a_consent, a_key, a_person, look, step
from tests.support.nodes import Network
from tests.support.sealed import (
    AGREED,
    KINSHIP,
    a_search,
    ask_to_search,
    completion,
    problem,
    written,
)

pytestmark = pytest.mark.asyncio


@pytest.fixture
def searching(networked: Callable[..., Network]) -> Network:
    return networked(COMMITTEE, COMMISSION)


async def test_nothing_ends_it_however_long_it_waits(searching: Network) -> None:
    committee, commission = searching.members[COMMITTEE], searching.members[COMMISSION]
    referral = await a_search(searching)
    searching.clock.now += timedelta(days=400)
    while await ring_once(commission.node):
        pass
    await searching.settle()
    for member in (committee, commission):
        seen = await look(member, referral)
        assert (seen["state"], seen["overdue"], seen["due"]["clock"]) == (
            "received",
            True,
            "review",
        )


async def test_what_nobody_fetched_in_time_goes_out_once_more(searching: Network) -> None:
    committee, commission = searching.members[COMMITTEE], searching.members[COMMISSION]
    referral = str((await ask_to_search(committee)).json()["id"])
    await committee.send_what_waits()
    [never_fetched] = searching.waiting
    searching.waiting.clear()
    searching.clock.now += timedelta(days=31)

    def expire(connection: Any, node: Node) -> None:
        holdings = Holdings(connection, node.vault, [referral])
        message_id = str(jose.peek(never_fetched)[1]["jti"])
        [sent] = outbox.sent(connection, [message_id]).values()
        end_message(
            connection, holdings, node, sent, "expired", problem=None, now=node.clock.business()
        )
        holdings.write()

    await committee.node.database.write(expire, committee.node)
    assert (await look(committee, referral))["state"] == "submitted"
    await searching.settle()
    assert (await look(commission, referral))["state"] == "received"


async def test_kinship_is_verified_before_any_answer(searching: Network) -> None:
    commission = searching.members[COMMISSION]
    referral = await a_search(searching, under_way=True)
    found = completion("person_located_contact_agreed")
    await written(commission, referral, AGREED)
    assert problem(await step(commission, referral, **found)) == "kinship_not_verified"
    await written(commission, referral, KINSHIP)
    assert (await step(commission, referral, **found)).status_code == 200


async def test_a_person_found_alive_is_asked_first_and_decides(searching: Network) -> None:
    commission = searching.members[COMMISSION]
    referral = await a_search(searching, under_way=True)
    await written(commission, referral, KINSHIP)
    agreed, alone = map(
        completion, ("person_located_contact_agreed", "person_located_no_contact_wished")
    )
    assert problem(await step(commission, referral, **alone)) == "searched_person_not_asked"
    words = "Que sepa que estoy vivo, no le digan dónde."
    await written(commission, referral, AGREED | {"answer": "alive_only", "words": words})
    assert problem(await step(commission, referral, **agreed)) == "searched_person_said_no"
    taken = await step(commission, referral, **alone)
    assert taken.status_code == 200, taken.text
    await searching.settle()
    told = json.dumps(await look(searching.members[COMMITTEE], referral), ensure_ascii=False)
    assert "no le digan" not in told


async def test_genetic_data_never_leave_and_the_laboratorys_number_does(
    searching: Network,
) -> None:
    committee = searching.members[COMMITTEE]
    refused = await ask_to_search(committee, share=["identity", "genetic_forensic"])
    assert problem(refused) in {"category_never_leaves", "share_not_in_pathway"}
    referral = await a_search(searching)
    there = json.dumps(await look(searching.members[COMMISSION], referral))
    assert "FGR-LAB-2026-118" in there


@pytest.mark.parametrize(
    ("language", "said"), [("en", "forensic service"), ("es", "servicio forense")]
)
@pytest.mark.parametrize("place", ["categories", "recipients"])
async def test_nobody_signs_for_what_never_leaves(
    searching: Network, language: str, said: str, place: str
) -> None:
    """At the door: whoever signed would believe that her samples travel."""
    named: dict[str, Any] = {
        "categories": {"categories": ["identity", "genetic_forensic"]},
        "recipients": {"recipients": [{"party": COMMISSION, "categories": ["genetic_forensic"]}]},
    }
    async with searching.members[COMMITTEE].http() as http:
        answer = await http.post(
            "/v1/consents",
            json=a_consent(**named[place]),
            headers={**a_key(), "accept-language": language},
        )
    assert (answer.status_code, problem(answer)) == (403, "category_never_consented")
    assert answer.json()["categories"] == ["genetic_forensic"]
    assert said in answer.json()["detail"]


async def test_the_record_of_somebody_who_is_searched_for_is_never_compared_again(
    searching: Network,
) -> None:
    committee = searching.members[COMMITTEE]
    son, alike = [await entered(committee, ERVIN, unit=COMMITTEE) for _ in range(2)]
    assert [one for one, _ in await candidates(committee, alike, unit=COMMITTEE)] == [son]
    sought = a_person(person_id=son, identity=ERVIN, family={"summary": "Su madre pregunta."})
    asked = await ask_to_search(committee, person_id=son, persons=[sought])
    assert asked.status_code == 201, asked.text
    later = await entered(committee, ERVIN, unit=COMMITTEE)
    assert [one for one, _ in await candidates(committee, later, unit=COMMITTEE)] == [alike]
    assert await candidates(committee, son, unit=COMMITTEE) == []
    committee.node.database.write_now(forget_the_index)
    while await reindex_once(committee.node):
        pass
    assert [one for one, _ in await candidates(committee, later, unit=COMMITTEE)] == [alike]


def forget_the_index(connection: Any) -> None:
    """As if it had been made under a key that is no more."""
    connection.execute(update(returnee_indexed).values(edition="another"))


async def test_a_search_is_never_a_candidate_of_a_match() -> None:
    assert not may_be_matched(purpose="tracing_of_missing", services=["psychosocial_support"])
    assert not may_be_matched(purpose="family_links", services=["missing_migrant_search"])
    assert may_be_matched(purpose="service_delivery", services=["food"])
