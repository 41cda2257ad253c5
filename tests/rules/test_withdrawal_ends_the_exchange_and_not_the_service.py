"""Domain rule 6: withdrawal ends the exchange, not the service; a false one stops nothing."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from relevo.node.operations.paper_withdrawals import take_requests_once
from tests.support.children import post, told_of
from tests.support.institutions import INSTITUTE, LAWYERS, RECEPTION, SHELTER, START
from tests.support.node_requests import (
    COMPLETION,
    a_person,
    a_submission,
    consented,
    look,
    step,
    submitted,
)
from tests.support.nodes import Member, Network

Networked = Callable[..., Network]
pytestmark = pytest.mark.asyncio

PHRASE = "La milpa ya espigó"


async def withdrawn(member: Member, consent_id: str) -> None:
    said = {"said_at": START.isoformat()}
    answer = await post(member, f"/v1/consents/{consent_id}/withdraw", said)
    assert answer.status_code == 200, answer.text


async def progress(member: Member, consent_id: str) -> dict[str, dict[str, Any]]:
    async with member.http() as http:
        answer = await http.get(f"/v1/consents/{consent_id}/withdrawal")
    assert answer.status_code == 200, answer.text
    return {one["holder"]: one for one in answer.json()["holders"]}


# -- what holders do ----------------------------------------------------------------------------------------


async def test_each_holders_answer_reaches_whoever_holds_the_consent(
    on_each_database: Network,
) -> None:
    network = on_each_database
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    given = await consented(shelter, recipients=[{"party": RECEPTION}, {"party": "gt.igm.car"}])
    served = await submitted(shelter, given)
    unserved = await submitted(shelter, given, receiver="gt.igm.car")
    await network.settle()
    await step(institute, served, to="accepted")
    await network.settle()
    await withdrawn(shelter, given)
    await network.settle()
    assert {one["answer"] for one in (await progress(shelter, given)).values()} == {None}

    law = "Código de Migración, art. 14"
    kept = {"answer": "kept", "law": law}
    assert (
        await post(institute, f"/v1/referrals/{served}/withdrawal-answer", {"answer": "kept"})
    ).status_code == 422
    erased = {"answer": "erased"}
    too_early = await post(institute, f"/v1/referrals/{served}/withdrawal-answer", erased)
    assert too_early.json()["type"].endswith("/illegal_transition")
    for referral, answer in ((served, kept), (unserved, erased)):
        said = await post(institute, f"/v1/referrals/{referral}/withdrawal-answer", answer)
        assert said.status_code == 200, said.text
    assert await progress(shelter, given) != {}
    await network.settle()
    tree = await progress(shelter, given)
    assert (tree[RECEPTION]["answer"], tree[RECEPTION]["law"]) == ("kept", law)
    assert (tree["gt.igm.car"]["answer"], tree["gt.igm.car"]["law"]) == ("erased", None)
    assert (await look(institute, unserved))["persons"] in ([], [{}])
    told = [kind for kind, _ in await told_of(shelter)]
    assert told.count("consent.withdrawal_answered") == 2


async def test_whoever_asked_her_is_a_holder_too(on_each_database: Network) -> None:
    shelter = on_each_database.members[SHELTER]
    given = await consented(shelter)
    path = f"/v1/consents/{given}/withdrawal-answer"
    kept = {"answer": "kept", "law": "Ley de Migración, art. 14"}
    too_early = await post(shelter, path, kept)
    assert too_early.json()["type"].endswith("/illegal_transition")
    await withdrawn(shelter, given)
    for wrong in ({"answer": "kept"}, {"answer": "erased"}):
        assert (await post(shelter, path, wrong)).status_code == 422
    for said in ({"answer": "stopped"}, kept):  # the last word counts
        answer = await post(shelter, path, said)
        assert answer.status_code == 200, answer.text
        own = answer.json()["own"]
        assert (own["answer"], own.get("law")) == (said["answer"], said.get("law"))
    institute = on_each_database.members[INSTITUTE]
    assert (await post(institute, path, kept)).status_code == 404


async def test_what_was_completed_and_erased_is_still_read_without_its_outcome(
    network: Network,
) -> None:
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    given = await consented(shelter)
    referral = await submitted(shelter, given)
    await network.settle()
    outcome = {"outcome": "service_delivered", "ended_at": network.clock.now.isoformat()}
    for to in ({"to": "accepted"}, {"to": "completed", "counter_referral": outcome}):
        assert (await step(institute, referral, **to)).status_code == 200
    await network.settle()
    await withdrawn(shelter, given)
    await network.settle()
    path = f"/v1/referrals/{referral}/withdrawal-answer"
    assert (await post(institute, path, {"answer": "erased"})).status_code == 200
    left = await look(institute, referral)
    assert (left["state"], left.get("counter_referral")) == ("completed", None)
    assert left["persons"] in ([], [{}])


async def test_a_holder_that_was_offline_answers_later(networked: Networked) -> None:
    network = networked(SHELTER, INSTITUTE)
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    given = await consented(shelter)
    referral = await submitted(shelter, given)
    await network.settle()
    await withdrawn(shelter, given)
    await shelter.send_what_waits()
    on_its_way, network.waiting = network.waiting, []
    assert (await progress(shelter, given))[RECEPTION]["answer"] is None
    nothing_yet = await post(
        institute, f"/v1/referrals/{referral}/withdrawal-answer", {"answer": "stopped"}
    )
    assert nothing_yet.status_code == 409
    network.clock.advance(timedelta(days=2))
    network.waiting = on_its_way
    await network.settle()
    path = f"/v1/referrals/{referral}/withdrawal-answer"
    assert (await post(institute, path, {"answer": "stopped"})).status_code == 200
    await network.settle()
    assert (await progress(shelter, given))[RECEPTION]["answer"] == "stopped"


async def test_the_service_goes_on_and_only_the_return_flow_stops(network: Network) -> None:
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    given = await consented(shelter)
    referral = await submitted(shelter, given)
    await network.settle()
    for to in ("accepted", "in_progress"):
        await step(institute, referral, to=to)
    await network.settle()
    await withdrawn(shelter, given)
    await network.settle()
    held = await look(institute, referral)
    assert (held["state"], held["sharing"]) == ("in_progress", "withdrawn")
    assert held["persons"][0]["identity"]["given_names"] == "Tomasa Isabel"
    done = await step(institute, referral, **COMPLETION)
    assert (done.status_code, done.json()["state"]) == (200, "completed")
    await network.settle()
    seen = await look(shelter, referral)
    assert (seen["state"], seen["counter_referral"]) == ("completed", None)


# -- whoever holds the paper --------------------------------------------------------------------------------


async def ask(member: Member, code: str, phrase: str) -> Any:
    return await post(
        member, "/v1/withdrawal-requests", {"reference_code": code, "pass_phrase": phrase}
    )


async def paper(network: Network, **changes: Any) -> tuple[str, str, str]:
    """A referral with a code on paper: its consent, its id and its code."""
    shelter = network.members[SHELTER]
    given = await consented(shelter, **changes.pop("consent", {}))
    answer = await post(shelter, "/v1/referrals", a_submission(given, **changes))
    assert answer.status_code == 201, answer.text
    await network.settle()
    return given, answer.json()["id"], answer.json()["reference_code"]


async def state_of(network: Network, consent_id: str) -> str:
    shelter = network.members[SHELTER]
    while await take_requests_once(shelter.node):
        pass
    async with shelter.http() as http:
        return str((await http.get(f"/v1/consents/{consent_id}")).json()["state"])


async def test_the_answer_is_the_same_whatever_the_code_and_the_phrase(network: Network) -> None:
    _, _, code = await paper(network)
    asked = network.members[INSTITUTE]
    answers = [
        await ask(asked, code, PHRASE),
        await ask(asked, code, "otra cosa"),
        await ask(asked, "MX-0000000000-0", PHRASE),
    ]
    assert {(one.status_code, one.content) for one in answers} == {(200, b'{"taken":true}')}


async def test_who_says_the_phrase_withdraws_at_any_desk(on_each_database: Network) -> None:
    network = on_each_database
    given, referral, code = await paper(network)
    await ask(network.members[INSTITUTE], code, "la milpa, ya espigo!")
    assert await state_of(network, given) == "withdrawn"
    await network.settle()
    assert (await look(network.members[INSTITUTE], referral))["sharing"] == "withdrawn"


async def test_aunt_reina_with_the_lost_paper_stops_nothing_and_the_shelter_is_warned(
    network: Network,
) -> None:
    given, referral, code = await paper(network)
    shelter, asked = network.members[SHELTER], network.members[INSTITUTE]
    for guess in ("Brenda", "mamá"):
        await ask(asked, code, guess)
    assert await state_of(network, given) == "active"
    assert ("consent.withdrawal_paused", referral) not in await told_of(shelter)
    await ask(asked, code, "El Progreso")
    assert await state_of(network, given) == "active"
    assert ("consent.withdrawal_paused", referral) in await told_of(shelter)
    assert (await look(asked, referral))["sharing"] == "active"
    # Nobody is listened to for a day, not even with the phrase: her own desk can still withdraw.
    await ask(asked, code, PHRASE)
    assert await state_of(network, given) == "active"
    # Said in the pause and brought after it, it still counts for nothing.
    await ask(asked, code, PHRASE)
    network.clock.advance(timedelta(hours=25))
    assert await state_of(network, given) == "active"
    await ask(asked, code, PHRASE)
    assert await state_of(network, given) == "withdrawn"


async def test_on_a_sealed_route_she_is_asked_herself(networked: Networked) -> None:
    network = networked(SHELTER, INSTITUTE, LAWYERS)
    given, _, code = await paper(
        network,
        consent={
            "categories": ["chosen_name"],
            "recipients": [{"party": LAWYERS}],
        },
        receiver=LAWYERS,
        pathway="international-protection-safe-passage",
        needs=[{"service": "legal_advice"}],
        persons=[a_person(chosen_name={"name": "Kenia"})],
        share=["chosen_name"],
    )
    shelter = network.members[SHELTER]
    await ask(network.members[INSTITUTE], code, PHRASE)
    assert await state_of(network, given) == "active"
    async with shelter.http() as http:
        [pending] = (await http.get("/v1/withdrawal-requests")).json()["requests"]
    assert pending["state"] == "pending_person"
    assert ("consent.withdrawal_pending_person", pending["id"]) in await told_of(shelter)
    path = f"/v1/withdrawal-requests/{pending['id']}/answer"
    no = {"withdraws": False, "asked_at": START.isoformat()}
    assert (await post(shelter, path, no)).json()["state"] == "refused"
    assert await state_of(network, given) == "active"
    assert (await post(shelter, path, no | {"withdraws": True})).status_code == 409
    await ask(network.members[INSTITUTE], code, PHRASE)
    await state_of(network, given)
    async with shelter.http() as http:
        [again] = (await http.get("/v1/withdrawal-requests")).json()["requests"]
    yes = {"withdraws": True, "asked_at": START.isoformat()}
    path = f"/v1/withdrawal-requests/{again['id']}/answer"
    assert (await post(shelter, path, yes)).status_code == 200
    assert await state_of(network, given) == "withdrawn"


async def test_without_an_agreed_phrase_the_paper_alone_proves_nothing(network: Network) -> None:
    given, _, code = await paper(network, consent={"contact_rules": {}})
    await ask(network.members[INSTITUTE], code, "cualquiera")
    assert await state_of(network, given) == "active"
    async with network.members[SHELTER].http() as http:
        [pending] = (await http.get("/v1/withdrawal-requests")).json()["requests"]
    assert pending["consent_ids"] == [given]


async def test_neither_code_nor_phrase_stands_in_what_travels(network: Network) -> None:
    _, _, code = await paper(network)
    await ask(network.members[INSTITUTE], code, PHRASE)
    [(whose, waiting)] = network.papers
    assert whose == SHELTER
    assert "milpa" not in waiting.model_dump_json()
