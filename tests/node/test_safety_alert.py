"""Whoever a follow-up finds unsafe is referred anew, in one transaction with the end of it."""

from typing import Any

import httpx
import pytest

from tests.support.follow_ups import ALERT, asked, feed_of, get, post, problem
from tests.support.institutions import CONSULATE, INSTITUTE, SHELTER
from tests.support.node_requests import a_consent, a_key, look
from tests.support.nodes import Network

pytestmark = pytest.mark.asyncio


async def alerted(
    network: Network, follow_up: str, key: dict[str, str] | None = None, **changes: Any
) -> httpx.Response:
    async with network.members[INSTITUTE].http() as http:
        return await http.post(
            f"/v1/follow-ups/{follow_up}/safety-alert",
            json=ALERT | changes,
            headers=key or a_key(),
        )


async def test_an_alert_ends_the_follow_up_and_refers_her(network: Network) -> None:
    follow_up = await asked(network)
    institute, key = network.members[INSTITUTE], a_key()
    answer = await alerted(network, follow_up, key)
    assert answer.status_code == 201, answer.text
    ended = answer.json()
    assert (ended["state"], ended["alert"]) == ("unsafe", "referred")
    assert (await alerted(network, follow_up, key)).json() == ended
    again = await alerted(network, follow_up)
    assert (again.status_code, problem(again)) == (409, "illegal_transition")
    assert [event["type"] for event in await feed_of(institute)][-1].endswith("safety_alert")

    await network.settle()
    referral = await look(network.members[SHELTER], ended["alert_referral_id"])
    assert (referral["triage"], referral["sender"]) == ("red", INSTITUTE)
    [person] = referral["persons"]
    assert person["identity"]["given_names"] == "Tomasa Isabel"
    assert person["contact"]["phones"] == ["+502 0000-1204"]
    assert person["protection_concern"]["summary"] == ALERT["concern"]
    sent = await look(institute, ended["alert_referral_id"])
    assert sent["part_of"] == ended["referral_id"]


async def test_who_asked_learns_that_it_ended_unsafe_and_nothing_else(network: Network) -> None:
    follow_up = await asked(network)
    await alerted(network, follow_up)
    await network.settle()
    known = await get(network.members[CONSULATE], follow_up)
    assert (known["state"], known["result"]) == ("unsafe", None)
    assert (known.get("alert"), known.get("alert_referral_id")) == (None, None)


async def test_an_alert_that_is_refused_changes_nothing(network: Network) -> None:
    follow_up = await asked(network)
    unlawful = await alerted(network, follow_up, basis=None)
    assert (unlawful.status_code, problem(unlawful)) == (403, "consent_missing")
    nobody = await alerted(network, follow_up, person_ids=["A-1", "A-2"])
    assert nobody.json()["errors"][0]["pointer"] == "/person_ids"
    known = await get(network.members[INSTITUTE], follow_up)
    assert (known["state"], known.get("alert")) == ("accepted", None)
    theirs = await post(network.members[CONSULATE], f"{follow_up}/safety-alert", ALERT)
    assert (theirs.status_code, problem(theirs)) == (409, "not_your_step")


async def test_unsafe_by_itself_waits_for_a_person_who_refers_her(network: Network) -> None:
    follow_up = await asked(network)
    institute = network.members[INSTITUTE]
    said = await post(institute, f"{follow_up}/transitions", {"to": "unsafe"})
    assert said.json()["alert"] == "needs_person"
    answer = await alerted(network, follow_up)
    assert (answer.status_code, answer.json()["alert"]) == (201, "referred")
    assert [event["state"] for event in answer.json()["history"]][-2:] == ["accepted", "unsafe"]


async def test_she_may_consent_to_it_in_the_call(network: Network) -> None:
    follow_up = await asked(network)
    async with network.members[INSTITUTE].http() as http:
        given = await http.post(
            "/v1/consents",
            json=a_consent(person_id="CRR-77", recipients=[{"party": SHELTER}]),
            headers=a_key(),
        )
    assert given.status_code == 201, given.text
    answer = await alerted(
        network,
        follow_up,
        basis=None,
        concern=None,
        share=["identity", "contact"],
        consent_ids=[given.json()["id"]],
        person_ids=["CRR-77"],
    )
    assert answer.status_code == 201, answer.text


async def test_both_scopes_are_needed(network: Network) -> None:
    follow_up = await asked(network)
    async with network.members[INSTITUTE].http(scopes="follow_ups:respond") as http:
        answer = await http.post(
            f"/v1/follow-ups/{follow_up}/safety-alert", json=ALERT, headers=a_key()
        )
    assert (answer.status_code, problem(answer)) == (403, "insufficient_scope")
