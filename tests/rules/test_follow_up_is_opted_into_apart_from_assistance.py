"""Domain rule 10. Refusing follow-up costs nothing, her rules outrank calendars, plans to leave stay here."""

import json

import pytest

from relevo.servicekit import jose
from tests.support.follow_ups import (
    FROM,
    REPORT,
    UNTIL,
    ask,
    asked,
    consent,
    feed_of,
    get,
    guatemala,
    post,
    problem,
    referred,
    tried,
)
from tests.support.institutions import CONSULATE, INSTITUTE, SHELTER
from tests.support.node_requests import COMPLETION, consented, look, step, submitted
from tests.support.nodes import Network

pytestmark = pytest.mark.asyncio


async def test_who_refuses_it_is_served_like_everybody(network: Network) -> None:
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    opted_in = await submitted(shelter, await consent(shelter))
    refused = await submitted(shelter, await consented(shelter, purposes=["service_delivery"]))
    await network.settle()
    seen = [await look(institute, referral) for referral in (opted_in, refused)]
    for name in ("state", "needs", "triage", "due", "possible_next", "persons"):
        assert seen[0][name] == seen[1][name], name
    for referral in (opted_in, refused):
        for to in ({"to": "accepted"}, COMPLETION):
            assert (await step(institute, referral, **to)).status_code == 200
    await network.settle()
    ends = [await look(shelter, referral) for referral in (opted_in, refused)]
    assert ends[0]["counter_referral"] == ends[1]["counter_referral"]


async def test_nobody_may_ask_for_it_unless_she_opted_in(network: Network) -> None:
    code = await referred(network, purposes=["service_delivery"])
    assert (await ask(network, code)).status_code == 404


async def test_refusing_it_later_leaves_her_referral_as_it_is(network: Network) -> None:
    institute = network.members[INSTITUTE]
    follow_up = await asked(network)
    referral = (await get(institute, follow_up))["referral_id"]
    before = await look(institute, referral)
    network.clock.now = guatemala(30, "17:30")
    await post(institute, f"{follow_up}/transitions", {"to": "in_progress"})
    refused = await post(
        institute, f"{follow_up}/transitions", {"to": "refused", "reason": "declined_by_person"}
    )
    assert refused.status_code == 200, refused.text
    await network.settle()
    after = await look(institute, referral)
    assert (before["state"], before["sharing"]) == (after["state"], after["sharing"])


async def test_contact_rules_outrank_the_calendar(network: Network) -> None:
    institute = network.members[INSTITUTE]
    follow_up = await asked(network)
    network.clock.now = guatemala(30, "10:00")
    assert FROM <= network.clock.now < UNTIL
    early = (await post(institute, f"{follow_up}/attempts", {"modality": "call"})).json()
    assert (early["outcome"], early["numbers"]) == ("not_attempted_rule", [])
    # Not done because her rule forbade it is no failure to reach her.
    given_up = await post(institute, f"{follow_up}/transitions", {"to": "in_progress"})
    assert given_up.status_code == 200
    lost = await post(institute, f"{follow_up}/transitions", {"to": "unreachable"})
    assert problem(lost) == "too_few_attempts"


@pytest.mark.parametrize(("intention", "offered"), [("yes", 1), ("unsure", 1), ("no", 0)])
async def test_a_wish_to_leave_again_stays_here_and_opens_an_offer(
    network: Network, intention: str, offered: int
) -> None:
    institute, consulate = network.members[INSTITUTE], network.members[CONSULATE]
    follow_up = await asked(network)
    await tried(network, follow_up, guatemala(30, "17:30"), "answered")
    said = REPORT | {"remigration_intention": intention, "wants": []}
    assert (await post(institute, f"{follow_up}/report", said)).status_code == 200
    await network.settle()
    offers = [e for e in await feed_of(institute) if e["type"].endswith("follow_up.offer")]
    assert len(offers) == offered
    assert all(event["data"].keys() <= {"id", "event_seq"} for event in offers)
    known = await get(consulate, follow_up)
    elsewhere = json.dumps([known, await feed_of(consulate)])
    assert "remigration" not in elsewhere
    assert "offer" not in elsewhere
    assert known["result"] is not None
    assert "remigration_intention" not in known["result"]
    assert not any("intention" in json.dumps(jose.peek(jws)[1]) for jws in network.carried)


async def test_an_offer_does_not_tell_what_it_is_about(network: Network) -> None:
    """Training that she wants makes the same event as a plan to leave."""
    institute = network.members[INSTITUTE]
    follow_up = await asked(network)
    await tried(network, follow_up, guatemala(30, "17:30"), "answered")
    said = REPORT | {"remigration_intention": "no"}
    await post(institute, f"{follow_up}/report", said)
    offers = [e for e in await feed_of(institute) if e["type"].endswith("follow_up.offer")]
    assert len(offers) == 1
