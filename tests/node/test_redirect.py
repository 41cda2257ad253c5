"""A redirected referral goes on where consent lets it, and nowhere else."""

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from relevo.contracts.identifiers import institution_of
from relevo.node.operations.open_envelope import parse
from relevo.node.operations.redirect import redirect_once
from relevo.servicekit.database import Database
from tests.support.institutions import INSTITUTE, RECEPTION, SHELTER
from tests.support.node_requests import (
    COMPLETION,
    a_consent,
    a_key,
    a_submission,
    consented,
    look,
    step,
    submitted,
)
from tests.support.nodes import Network, a_member, pin_each_other

pytestmark = pytest.mark.asyncio

REGISTRY = "gt.renap"
COMMISSION = "gt.comision"
CHAIN = [RECEPTION, REGISTRY, COMMISSION, INSTITUTE, "gt.otro"]


@pytest.fixture
def wide(network: Network, tmp_path: Path) -> Iterator[Network]:
    """The network, with two institutions more."""
    with ExitStack() as stack:
        for name in (REGISTRY, COMMISSION):
            database = Database(f"sqlite:///{tmp_path / name}.db")
            stack.callback(database.close)
            stack.enter_context(a_member(network, name, tmp_path, database, pinning="first_use"))
        pin_each_other(network)
        yield network


async def settle(network: Network) -> None:
    """Carries everything and lets the shelter go on with what was redirected."""
    shelter = network.members[SHELTER]
    await network.settle()
    while await redirect_once(shelter.node, shelter.directory):
        await network.settle()


async def redirected(
    network: Network, to: str | None = REGISTRY, **consent: Any
) -> tuple[str, dict[str, Any]]:
    """A referral that the institute redirected; its id and how the shelter sees it."""
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    referral = await submitted(shelter, await consented(shelter, **consent))
    await network.settle()
    answer = await step(
        institute, referral, to="redirected", reason="outside_mandate", redirect_to=to
    )
    assert answer.status_code == 200, answer.text
    await settle(network)
    return referral, await look(shelter, referral)


async def feed(network: Network, institution: str, subject: str) -> list[str]:
    async with network.members[institution].http() as http:
        events = (await http.get("/v1/events")).json()["events"]
    return [e["type"] for e in events if e["subject"] == subject]


async def test_consent_that_names_the_proposed_receiver_carries_it_there(wide: Network) -> None:
    parent, seen = await redirected(wide)
    assert seen["state"] == "redirected"
    child = seen["redirection"]["redirected_to"]
    assert seen["redirection"] | {"redirected_to": None} == {
        "proposed_receiver": REGISTRY,
        "state": "followed",
        "problem": None,
        "redirected_to": None,
        "followed_state": "received",
    }
    assert seen["continued_by"] == [child]
    mine, there = (
        await look(wide.members[SHELTER], child),
        await look(wide.members[REGISTRY], child),
    )
    assert (mine["part_of"], mine["receiver"], mine["state"]) == (parent, REGISTRY, "received")
    assert there["persons"][0]["identity"]["given_names"] == "Tomasa Isabel"
    assert there["part_of"] is None, "whoever had no part in the first need not know of it"


async def test_what_leaves_goes_under_a_grant_for_the_new_receiver(wide: Network) -> None:
    await redirected(wide)
    sent = [e for jws in wide.carried if (e := parse(jws)).message_type == "referral.submitted/1"]
    assert [(e.iss, e.aud) for e in sent] == [(SHELTER, RECEPTION), (SHELTER, REGISTRY)]
    assert len({grant for e in sent for grant in e.grants}) == 2
    from_reception = [parse(jws) for jws in wide.carried if parse(jws).iss == RECEPTION]
    assert not any(envelope.grants for envelope in from_reception)


async def test_each_side_is_told_how_it_goes_until_there_is_an_outcome(wide: Network) -> None:
    parent, seen = await redirected(wide)
    child = seen["redirection"]["redirected_to"]
    institute, registry = wide.members[INSTITUTE], wide.members[REGISTRY]
    expected = {"accepted": "accepted", "in_progress": "in_progress", "completed": "completed"}
    for to, coarse in expected.items():
        body = COMPLETION if to == "completed" else {"to": to}
        assert (await step(registry, child, **body)).status_code == 200
        await settle(wide)
        for member in (wide.members[SHELTER], institute):
            assert (await look(member, parent))["redirection"]["followed_state"] == coarse
    known = (await look(institute, parent))["redirection"]
    assert known["redirected_to"] is None, "the new referral is not the institute's to see"
    mirrored = [
        e.state
        for jws in wide.carried
        if (e := parse(jws)).message_type.startswith("referral.redi")
    ]
    assert mirrored[-3:] == ["accepted", "in_progress", "completed"], "for who asks by the code"
    async with wide.members[SHELTER].http() as http:
        await http.post(f"/v1/referrals/{child}/close")
    await settle(wide)
    assert (await look(institute, parent))["redirection"]["followed_state"] == "completed"


@pytest.mark.parametrize(
    ("to", "consent", "problem"),
    [
        (COMMISSION, {}, "consent_does_not_cover_receiver"),
        (REGISTRY, {"denials": [{"party": REGISTRY}]}, "receiver_denied_by_person"),
        (
            "gt.nadie",
            {"recipients": [{"party": RECEPTION}, {"party": "gt.nadie"}]},
            "receiver_unknown",
        ),
        (None, {}, None),
    ],
)
async def test_without_consent_for_it_nothing_leaves_and_a_person_is_asked(
    wide: Network, to: str | None, consent: dict[str, Any], problem: str | None
) -> None:
    parent, seen = await redirected(wide, to, **consent)
    assert seen["redirection"]["state"] == "needs_person"
    assert seen["redirection"]["problem"] == problem
    assert "org.relevo.referral.redirect_needs_person" in await feed(wide, SHELTER, parent)
    submissions = [
        e for jws in wide.carried if (e := parse(jws)).message_type == "referral.submitted/1"
    ]
    assert len(submissions) == 1


async def test_a_person_goes_on_with_a_consent_that_covers_it(wide: Network) -> None:
    parent, _ = await redirected(wide, COMMISSION)
    shelter = wide.members[SHELTER]
    anew = await consented(shelter, recipients=[{"party": COMMISSION}])
    child = await submitted(shelter, anew, receiver=COMMISSION, part_of=parent)
    await settle(wide)
    seen = await look(shelter, parent)
    assert seen["redirection"]["state"] == "followed"
    assert seen["redirection"]["redirected_to"] == child
    there = await look(wide.members[INSTITUTE], parent)
    assert there["redirection"]["followed_state"] == "received"


async def test_a_withdrawal_ends_it(wide: Network) -> None:
    shelter, institute = wide.members[SHELTER], wide.members[INSTITUTE]
    consent = await consented(shelter)
    parent = await submitted(shelter, consent)
    await wide.settle()
    await step(institute, parent, to="redirected", reason="outside_mandate", redirect_to=REGISTRY)
    await wide.settle()
    async with shelter.http() as http:
        await http.post(
            f"/v1/consents/{consent}/withdraw", json={"said_at": "2026-03-02T17:00:00Z"}
        )
    await settle(wide)
    seen = await look(shelter, parent)
    assert (seen["redirection"]["state"], seen["continued_by"]) == ("needs_person", [])


async def test_what_was_closed_does_not_go_on(wide: Network) -> None:
    shelter, institute = wide.members[SHELTER], wide.members[INSTITUTE]
    parent = await submitted(shelter, await consented(shelter))
    await wide.settle()
    await step(institute, parent, to="redirected", reason="outside_mandate", redirect_to=REGISTRY)
    await wide.settle()
    async with shelter.http() as http:
        await http.post(f"/v1/referrals/{parent}/close")
    await settle(wide)
    assert (await look(shelter, parent))["continued_by"] == []


async def test_a_redirect_never_leads_back(wide: Network) -> None:
    shelter, institute = wide.members[SHELTER], wide.members[INSTITUTE]
    parent = await submitted(shelter, await consented(shelter))
    await wide.settle()
    for back in (SHELTER, RECEPTION):
        answer = await step(
            institute, parent, to="redirected", reason="outside_mandate", redirect_to=back
        )
        assert answer.json()["type"].endswith("/redirect_loop")
    _, seen = await redirected(wide)
    child = seen["redirection"]["redirected_to"]
    answer = await step(
        wide.members[REGISTRY],
        child,
        to="redirected",
        reason="outside_mandate",
        redirect_to=RECEPTION,
    )
    assert answer.status_code == 200, "the registry does not know who had it before"
    await settle(wide)
    assert (await look(shelter, child))["redirection"]["problem"] == "redirect_loop"


async def test_after_three_redirects_a_person_decides(wide: Network) -> None:
    shelter = wide.members[SHELTER]
    consent = await consented(shelter, recipients=[{"party": party} for party in CHAIN])
    referral = await submitted(shelter, consent, receiver=CHAIN[0])
    await wide.settle()
    first, seen = referral, {}
    for here, there in pairwise(CHAIN):
        answer = await step(
            wide.members[institution_of(here)],
            referral,
            to="redirected",
            reason="outside_mandate",
            redirect_to=there,
        )
        assert answer.status_code == 200, answer.text
        await settle(wide)
        seen = (await look(shelter, referral))["redirection"]
        referral = seen["redirected_to"] or referral
    assert seen["problem"] == "redirect_too_long"
    assert (await look(shelter, first))["redirection"]["followed_state"] == "waiting"


async def test_a_remaining_need_continues_what_one_sent_or_received(wide: Network) -> None:
    shelter, institute = wide.members[SHELTER], wide.members[INSTITUTE]
    consent = await consented(shelter)
    first = await submitted(shelter, consent)
    await wide.settle()
    await step(institute, first, to="accepted")
    await step(institute, first, **COMPLETION)
    await wide.settle()
    second = await submitted(shelter, consent, part_of=first)
    theirs = await consented(institute, recipients=[{"party": REGISTRY}])
    third = await submitted(institute, theirs, receiver=REGISTRY, part_of=first)
    await wide.settle()
    assert (await look(shelter, first))["continued_by"] == [second]
    assert (await look(institute, first))["continued_by"] == [second, third]
    assert (await look(institute, second))["part_of"] == first
    assert (await look(wide.members[REGISTRY], third))["part_of"] is None


async def test_nobody_continues_what_is_not_theirs(wide: Network) -> None:
    shelter, institute = wide.members[SHELTER], wide.members[INSTITUTE]
    first = await submitted(shelter, await consented(shelter))
    await wide.settle()
    answers = []
    for token, part_of in (
        ({}, "0195b2c4-7a00-7000-8000-000000000001"),
        ({"unit": "gt.igm.car"}, first),
    ):
        async with institute.http(**token) as http:
            consent = (
                await http.post(
                    "/v1/consents",
                    json=a_consent(recipients=[{"party": REGISTRY}]),
                    headers=a_key(),
                )
            ).json()["id"]
            answers.append(
                await http.post(
                    "/v1/referrals",
                    json=a_submission(consent, receiver=REGISTRY, part_of=part_of),
                    headers=a_key(),
                )
            )
    assert [a.status_code for a in answers] == [422, 422]
    assert answers[0].json()["errors"] == answers[1].json()["errors"]
    assert answers[0].json()["errors"][0]["pointer"] == "/part_of"
