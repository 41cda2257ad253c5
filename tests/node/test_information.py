"""A receiver asks before it decides; the sender supplies under live consent."""

import json
from typing import Any

import httpx
import pytest

from relevo.contracts.message_types.information_supplied import INFORMATION_SUPPLIED
from relevo.node.operations.open_envelope import parse
from tests.support.institutions import INSTITUTE, SHELTER, START
from tests.support.node_requests import a_key, consented, look, step, submitted
from tests.support.nodes import Network

pytestmark = pytest.mark.asyncio

QUESTIONS = [
    {"category": "contact", "person": 1, "text": "¿A qué número se le puede llamar?"},
]
PHONE = "+502 0000-7777"


def information(**changes: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "persons": [
            {
                "person_id": "T-1",
                "contact": {"phones": [PHONE]},
                "health": {"summary": "nada de esto sale"},
            }
        ],
        "share": ["contact"],
    }
    return given | changes


async def asked(network: Network, *, before: str = "acknowledged") -> tuple[str, str]:
    """A referral about which the institute asks; its id and its consent's."""
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    consent = await consented(shelter)
    referral = await submitted(shelter, consent, share=["identity"])
    await network.settle()
    if before == "acknowledged":
        await step(institute, referral, to="acknowledged")
    answer = await step(institute, referral, to="info_requested", questions=QUESTIONS)
    assert answer.status_code == 200, answer.text
    await network.settle()
    return referral, consent


async def supply(
    network: Network, referral: str, key: dict[str, str] | None = None, **changes: Any
) -> httpx.Response:
    async with network.members[SHELTER].http() as http:
        return await http.post(
            f"/v1/referrals/{referral}/information",
            json=information(**changes),
            headers=key or a_key(),
        )


@pytest.mark.parametrize("before", ["received", "acknowledged"])
async def test_what_is_supplied_takes_the_referral_up_where_it_was(
    network: Network, before: str
) -> None:
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    referral, _ = await asked(network, before=before)
    async with shelter.http() as http:
        last = (await http.get(f"/v1/referrals/{referral}/history")).json()[-1]
    assert last["questions"] == QUESTIONS
    answer = await supply(network, referral)
    assert answer.status_code == 200, answer.text
    await network.settle()
    here, there = await look(shelter, referral), await look(institute, referral)
    assert here["state"] == there["state"] == before
    for one in (here, there):
        assert one["information"][0]["persons"] == [
            {"person_id": "1", "contact": {"phones": [PHONE], "emails": []}}
        ]
    assert "nada de esto" not in json.dumps(there)
    assert "contact" not in there["persons"][0], "what came first stays as it came"


async def test_the_same_key_supplies_once(network: Network) -> None:
    referral, _ = await asked(network)
    key = a_key()
    first, again = await supply(network, referral, key), await supply(network, referral, key)
    assert first.status_code == again.status_code == 200
    other = await supply(network, referral, key, share=["identity"])
    assert other.json()["type"].endswith("/idempotency_key_reused")
    await network.settle()
    kinds = [parse(jws).message_type for jws in network.carried]
    assert kinds.count(INFORMATION_SUPPLIED.id) == 1


async def test_every_hop_sees_a_live_grant_for_what_is_supplied(network: Network) -> None:
    referral, _ = await asked(network)
    await supply(network, referral)
    await network.settle()
    [envelope] = [
        e for jws in network.carried if (e := parse(jws)).message_type == INFORMATION_SUPPLIED.id
    ]
    assert envelope.categories == ["contact"]
    assert len(envelope.grants) == 1


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"share": ["contact", "health"]}, "consent_does_not_cover_category"),
        ({"share": ["location_precise"]}, "share_not_in_pathway"),
        ({"share": ["travel_and_return"]}, "consent_does_not_cover_category"),
        ({"persons": [{"person_id": "T-2", "contact": {"phones": [PHONE]}}]}, "invalid_input"),
        ({"share": ["family"]}, "invalid_input"),
        ({"consent_ids": ["0195b2c4-7a00-7000-8000-000000000001"]}, "consent_missing"),
    ],
)
async def test_what_consent_does_not_cover_is_not_supplied(
    network: Network, changes: dict[str, Any], problem: str
) -> None:
    referral, _ = await asked(network)
    answer = await supply(network, referral, **changes)
    assert answer.status_code in {403, 422}
    assert answer.json()["type"].endswith(problem), answer.text
    await network.settle()
    assert (await look(network.members[INSTITUTE], referral))["state"] == "info_requested"


async def test_nobody_supplies_what_nobody_asked_for(network: Network) -> None:
    shelter = network.members[SHELTER]
    referral = await submitted(shelter, await consented(shelter))
    await network.settle()
    answer = await supply(network, referral)
    assert answer.status_code == 409
    assert answer.json()["type"].endswith("/information_not_asked")


async def test_after_a_withdrawal_nothing_is_supplied_and_nothing_leaves(network: Network) -> None:
    shelter = network.members[SHELTER]
    referral, consent = await asked(network)
    network.down = True
    assert (await supply(network, referral)).status_code == 200
    async with shelter.http() as http:
        gone = await http.post(
            f"/v1/consents/{consent}/withdraw", json={"said_at": START.isoformat()}
        )
    assert gone.status_code == 200
    network.down = False
    await network.settle()
    assert INFORMATION_SUPPLIED.id not in {parse(jws).message_type for jws in network.carried}
    assert (await look(network.members[INSTITUTE], referral))["state"] == "consent_withdrawn"
    assert (await supply(network, referral)).status_code == 409


async def test_what_comes_after_the_end_is_answered_with_where_it_stands(network: Network) -> None:
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    referral, _ = await asked(network)
    await supply(network, referral)
    await shelter.send_what_waits()
    late, network.waiting = network.waiting, []
    await step(institute, referral, to="acknowledged")
    await step(institute, referral, to="rejected", reason="no_capacity")
    for jws in late:
        assert (await network.deliver(jws)).result == "accepted"
    await network.settle()
    assert (await look(institute, referral))["information"] == []
    async with shelter.http() as http:
        feed = (await http.get("/v1/events")).json()["events"]
    assert "org.relevo.message.inapplicable" in {event["type"] for event in feed}


async def test_a_question_needs_words(network: Network) -> None:
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    referral = await submitted(shelter, await consented(shelter))
    await network.settle()
    assert (await step(institute, referral, to="info_requested")).status_code == 422
    assert (await step(institute, referral, to="accepted", questions=QUESTIONS)).status_code == 422
