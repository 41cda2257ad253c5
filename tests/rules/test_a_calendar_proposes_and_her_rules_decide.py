"""Domain rule 10. A pathway's calendar proposes follow-up; consent, contact rules and quiet days outrank it."""

from datetime import timedelta
from typing import Any

import pytest

from relevo.contracts.follow_up_calendar import calendar
from relevo.contracts.pathways.loader import pathway
from relevo.contracts.pathways.schema import FollowUpPlan
from tests.support.follow_ups import RULES, consent
from tests.support.institutions import INSTITUTE, SHELTER, START
from tests.support.node_requests import COMPLETION, step, submitted
from tests.support.nodes import Network

DAY = timedelta(days=1)
ROUTE = pathway("gt-retorno-al-hogar")
ENDED = "2026-03-04T15:00:00Z"


async def proposed(
    network: Network, *, member: str = INSTITUTE, steps: int = 2, **given: Any
) -> dict[str, Any]:
    shelter = network.members[SHELTER]
    referral = await submitted(shelter, await consent(shelter, **given))
    await network.settle()
    for to in ({"to": "accepted"}, COMPLETION)[:steps]:
        assert (await step(network.members[INSTITUTE], referral, **to)).status_code == 200
    await network.settle()
    return await read(network, referral, member)


async def read(network: Network, referral: str, member: str = INSTITUTE) -> dict[str, Any]:
    async with network.members[member].http() as http:
        answer = await http.get(f"/v1/referrals/{referral}/follow-up-calendar")
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.asyncio
async def test_windows_are_proposed_from_the_day_it_was_completed(network: Network) -> None:
    seen = await proposed(network)
    assert (seen["ended_at"], seen["none_because"]) == (ENDED, None)
    assert [window["day"] for window in seen["windows"]] == [7, 30, 90, 180, 365]
    first = seen["windows"][0]
    assert (first["window_from"], first["window_until"]) == (
        "2026-03-11T15:00:00Z",
        "2026-03-18T15:00:00Z",
    )
    # She allows one number, and no message by WhatsApp.
    assert first["channels"] == ["call", "sms", "signal"]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("given", "steps", "why"),
    [
        ({"purposes": ["service_delivery"]}, 2, "not_opted_in"),
        ({}, 1, "not_completed"),
        ({"contact_rules": RULES | {"prohibited": True}}, 2, "contact_rules"),
    ],
)
async def test_nothing_is_proposed_that_she_did_not_allow(
    network: Network, given: dict[str, Any], steps: int, why: str
) -> None:
    seen = await proposed(network, steps=steps, **given)
    assert (seen["windows"], seen["none_because"]) == ([], why)


@pytest.mark.asyncio
async def test_the_sender_follows_nobody_up(network: Network) -> None:
    assert (await proposed(network, member=SHELTER))["status"] == 404


@pytest.mark.asyncio
async def test_her_withdrawal_ends_the_proposals(network: Network) -> None:
    shelter = network.members[SHELTER]
    given = await consent(shelter)
    referral = await submitted(shelter, given)
    await network.settle()
    for to in ({"to": "accepted"}, COMPLETION):
        await step(network.members[INSTITUTE], referral, **to)
    async with shelter.http() as http:
        said = {"said_at": network.clock.now.isoformat(), "recorded_by": "Turno B"}
        gone = await http.post(f"/v1/consents/{given}/withdraw", json=said)
    assert gone.is_success, gone.text
    await network.settle()
    assert (await read(network, referral))["none_because"] == "not_opted_in"


def test_no_window_opens_in_days_of_quiet() -> None:
    seen = calendar(
        "0198c7a2-4f1e-7d51-9a60-6f1b7a51c0de",
        ROUTE,
        ended_at=START,
        quiet_until=START + 10 * DAY,
        reachable={1: ["call"]},
    )
    assert seen.windows[0].window_from == START + 10 * DAY
    assert seen.windows[0].window_until == START + 14 * DAY
    later = calendar(
        "0198c7a2-4f1e-7d51-9a60-6f1b7a51c0de",
        ROUTE,
        ended_at=START,
        quiet_until=START + 20 * DAY,
        reachable={1: ["call"]},
    )
    assert [window.day for window in later.windows] == [30, 90, 180, 365]


def test_the_pathways_ways_and_hers_must_both_allow_it() -> None:
    plan = FollowUpPlan(allowed=True, days=[3, 5], by=["visit", "call"])
    route = ROUTE.model_copy(update={"follow_up": plan})
    seen = calendar(
        "0198c7a2-4f1e-7d51-9a60-6f1b7a51c0de",
        route,
        ended_at=START,
        quiet_until=None,
        reachable={1: ["call", "sms"], 2: ["sms"]},
    )
    assert [(w.day, w.person, w.channels) for w in seen.windows] == [
        (3, 1, ["call"]),
        (5, 1, ["call"]),
    ]
    assert seen.windows[0].window_until == START + 5 * DAY


def test_a_route_without_days_proposes_nothing() -> None:
    route = ROUTE.model_copy(update={"follow_up": None})
    seen = calendar(
        "0198c7a2-4f1e-7d51-9a60-6f1b7a51c0de",
        route,
        ended_at=START,
        quiet_until=None,
        reachable={1: ["call"]},
    )
    assert seen.none_because == "no_days"
