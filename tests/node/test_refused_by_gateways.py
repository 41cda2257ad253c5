"""A gateway refuses: the caseworker reads why, and whom she may ask instead."""

from datetime import timedelta
from typing import Any

import pytest

from relevo.contracts.pathways.loader import pathway
from relevo.contracts.problem import Problem, ProblemError
from relevo.node.domain.refusal import as_problem, kept_members
from relevo.node.storage import referrals
from tests.node.test_receipts import a_receipt, hand_over, sent
from tests.support.institutions import INSTITUTE, SHELTER
from tests.support.node_requests import a_person, consented, look, step, submitted
from tests.support.nodes import Network

pytestmark = pytest.mark.asyncio


def lacks_mandate(*offered: str) -> Problem:
    said = {"receiver": "gt.igm.crr", "mandates": ["returnee_reception"]}
    return ProblemError("receiver_lacks_mandate", **said, offered=list(offered)).problem()


async def refused(network: Network, problem: Problem, **changes: Any) -> dict[str, Any]:
    """A referral that the gateway refuses, as its sender reads it."""
    shelter = network.members[SHELTER]
    consent = {name: changes.pop(name) for name in ("implicated",) if name in changes}
    network.refuses = problem
    referral = await submitted(shelter, await consented(shelter, **consent), **changes)
    await shelter.send_what_waits()
    return await look(shelter, referral)


async def test_who_else_holds_the_mandate_is_kept_and_shown(network: Network) -> None:
    seen = await refused(network, lacks_mandate("gt.igm", "hn.camr-sps"))
    assert (seen["state"], seen["delivery"], seen["delivery_problem"]) == (
        "failed", "refused", "receiver_lacks_mandate",
    )  # fmt: skip
    assert seen["refusal"]["offered"] == ["gt.igm", "hn.camr-sps"]
    assert seen["refusal"]["receiver"] == "gt.igm.crr"
    assert seen["refusal"]["translations"]["es"]["title"].startswith("La institución receptora")
    async with network.members[SHELTER].http() as http:
        [listed] = (await http.get("/v1/referrals")).json()["referrals"]
    assert (listed["delivery_problem"], listed.get("refusal")) == ("receiver_lacks_mandate", None)


async def test_who_is_implicated_or_must_not_learn_of_it_is_not_shown(network: Network) -> None:
    others = ["gt.pgj.victimas", "hn.camr-sps", "mx.comar", "sv.cruz-roja", "gt.pgn"]
    concern = {"summary": "no quiere", "implicated": [{"party": "gt.pgj"}]}
    person = a_person(protection_concern=concern, specific_needs=["threatened_at_origin"])
    person["identity"] = person["identity"] | {"nationalities": ["HN"]}
    implicated = [{"party": "sv.cruz-roja.morgue"}]
    seen = await refused(network, lacks_mandate(*others), persons=[person], implicated=implicated)
    assert seen["refusal"]["offered"] == ["mx.comar", "gt.pgn"]


async def test_once_she_is_erased_nobody_is_offered(network: Network) -> None:
    seen = await refused(network, lacks_mandate("gt.pgn"))
    node = network.members[SHELTER].node
    held = node.database.read_now(referrals.by_ids, [seen["id"]])[seen["id"]]
    node.vault.destroy(held.data_key_id)
    assert (await look(network.members[SHELTER], held.id))["refusal"]["offered"] == []


async def test_of_what_a_gateway_says_only_ids_and_codes_are_kept() -> None:
    many = [f"gt.numero-{n}" for n in range(40)]
    offered = ["Tomasa Temaj", {"party": "gt.igm"}, None, "+50200001204", *many]
    said = {"receiver": "Tomasa Temaj", "mandates": "legal_aid", "offered": offered, "who": "T-1"}
    kept = kept_members("receiver_lacks_mandate", said)
    assert kept == {"mandates": "legal_aid", "offered": many[:10]}
    assert kept_members("unheard_of", said) == {}


async def test_what_is_not_known_whole_stays_a_name() -> None:
    assert as_problem("no_route", {}) is None
    assert as_problem("unheard_of", {"country": "GT"}) is None
    told = as_problem("no_route", {"country": "GT", "receiver": "gt.igm"})
    assert told is not None
    assert told.model_extra == {"country": "GT"}


async def test_another_countrys_gateway_signs_the_name_and_the_rest_is_known_here(
    network: Network,
) -> None:
    referral, jws = await sent(network)
    await hand_over(network, a_receipt(network, jws, "refused", problem="receiver_lacks_mandate"))
    refusal = (await look(network.members[SHELTER], referral))["refusal"]
    assert (refusal["receiver"], refusal["mandates"]) == (
        "gt.igm.crr", list(pathway("gt-retorno-al-hogar").receiver_mandates),
    )  # fmt: skip
    assert "offered" not in refusal


async def test_a_delivery_after_all_leaves_no_refusal(network: Network) -> None:
    referral, jws = await sent(network)
    await hand_over(network, a_receipt(network, jws, "refused", problem="receiver_lacks_mandate"))
    await hand_over(network, a_receipt(network, jws, "delivered"))
    seen = await look(network.members[SHELTER], referral)
    assert (seen["delivery"], seen.get("refusal")) == ("delivered", None)


async def test_a_later_message_that_did_not_arrive_is_shown_and_told(network: Network) -> None:
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    referral = await submitted(shelter, await consented(shelter))
    await network.settle()
    async with institute.http() as http:
        newest = (await http.get("/v1/events", params={"after": 0})).json()["next_after"]
    network.refuses = ProblemError("grant_mismatch").problem()
    assert (await step(institute, referral, to="acknowledged")).status_code == 200
    await institute.send_what_waits()
    network.refuses = None
    [lost] = (await look(institute, referral))["undelivered"]
    assert lost == {
        "message_type": "referral.state/1",
        "state": "refused",
        "problem": "grant_mismatch",
        "written_at": lost["written_at"],
    }
    async with institute.http() as http:
        told = (await http.get("/v1/events", params={"after": newest})).json()["events"]
        [listed] = (await http.get("/v1/referrals")).json()["referrals"]
    assert "org.relevo.referral.delivery_changed" in {event["type"] for event in told}
    assert not listed.get("undelivered")
    await step(institute, referral, to="accepted")
    await network.settle()
    seen = await look(shelter, referral)
    assert (seen["state"], seen["undelivered"]) == ("accepted", [])


async def test_a_step_that_a_suspension_held_up_arrives_when_it_is_over(network: Network) -> None:
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    referral = await submitted(shelter, await consented(shelter))
    await network.settle()
    network.refuses = ProblemError(
        "receiver_not_active", receiver=SHELTER, state="suspended"
    ).problem()
    await step(institute, referral, to="accepted")
    for _ in range(3):
        await institute.send_what_waits()
        network.clock.now += timedelta(minutes=16)
    assert (await look(institute, referral))["undelivered"] == []
    network.refuses = None
    await network.settle()
    assert (await look(shelter, referral))["state"] == "accepted"


async def test_a_receiver_that_cannot_take_her_is_no_place_to_wait_for(network: Network) -> None:
    problem = ProblemError("receiver_not_active", receiver=INSTITUTE, state="suspended").problem()
    seen = await refused(network, problem)
    assert (seen["delivery"], seen["delivery_problem"]) == ("refused", "receiver_not_active")
    await network.members[SHELTER].send_what_waits()
    assert network.carried == []
