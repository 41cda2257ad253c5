"""Domain rule 3: at 18 what a guardian gave ends, the person is asked, and the service goes on."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from relevo.contracts.lifecycles.consent import TRANSITIONS
from relevo.node.operations.come_of_age import come_of_age_once
from relevo.servicekit import jose
from tests.support.children import (
    a_child,
    consent_for,
    of_guardian,
    post,
    recorded,
    told_of,
)
from tests.support.institutions import INSTITUTE, RECEPTION, SHELTER
from tests.support.node_requests import COMPLETION, a_submission, look, step
from tests.support.nodes import Member, Network

pytestmark = pytest.mark.asyncio
Networked = Callable[..., Network]
UNTIL_EIGHTEEN = timedelta(days=21)


def a_referral(consent: str, **changes: Any) -> dict[str, Any]:
    child = a_child(child_data={"child_care_status": "with_parent_or_legal_guardian"}, contact=None)
    return a_submission(consent, persons=[child], share=["identity"], **changes)


async def state_of(member: Member, consent: str) -> str:
    async with member.http() as http:
        return str((await http.get(f"/v1/consents/{consent}")).json()["state"])


async def test_a_grant_of_a_guardian_ends_on_the_birthday(networked: Networked) -> None:
    network = networked(SHELTER, INSTITUTE)
    shelter = network.members[SHELTER]
    consent = await recorded(shelter, of_guardian("B-1", RECEPTION))
    assert (await post(shelter, "/v1/referrals", a_referral(consent))).status_code == 201
    await network.settle()
    [envelope] = [claims for claims in map(claims_of, network.carried) if claims["grants"]]
    ends = datetime.fromtimestamp(claims_of(envelope["grants"][0])["exp"], network.clock.now.tzinfo)
    assert ends.isoformat() == "2026-03-23T06:00:00+00:00"


def claims_of(jws: str) -> dict[str, Any]:
    claims: dict[str, Any] = {"grants": []} | jose.peek(jws)[1]
    return claims


async def test_both_sides_ask_and_what_was_accepted_goes_on(networked_on_each: Networked) -> None:
    network = networked_on_each(SHELTER, INSTITUTE)
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    consent = await recorded(shelter, of_guardian("B-1", RECEPTION))
    sent = (await post(shelter, "/v1/referrals", a_referral(consent))).json()["id"]
    await network.settle()
    await step(institute, sent, to="accepted")
    await network.settle()
    assert not await come_of_age_once(shelter.node)
    network.clock.advance(UNTIL_EIGHTEEN)
    for member, about in ((shelter, ("consent", consent)), (institute, ("referral", sent))):
        assert await come_of_age_once(member.node)
        assert not await come_of_age_once(member.node)
        assert (f"{about[0]}.own_consent_needed", about[1]) in await told_of(member)
    assert await state_of(shelter, consent) == "pending_person"
    # Nothing more is released under it ...
    refused = await post(shelter, "/v1/referrals", a_referral(consent))
    assert refused.json()["type"].rpartition("/")[2] in {
        "consent_not_active",
        "guardian_basis_ended",
    }
    # ... and nobody loses what was begun.
    await step(institute, sent, to="in_progress")
    assert (await step(institute, sent, **COMPLETION)).status_code == 200
    await network.settle()
    there = await look(shelter, sent)
    assert (there["state"], there["sharing"], there["counter_referral"]) == (
        "completed",
        "active",
        None,
    )


async def test_the_node_knows_it_before_its_worker_has_looked(networked: Networked) -> None:
    network = networked(SHELTER, INSTITUTE)
    shelter = network.members[SHELTER]
    known = await recorded(shelter, of_guardian("B-1", RECEPTION, comes_of_age_on="2026-03-23"))
    unknown = await recorded(shelter, of_guardian("B-1", RECEPTION))
    network.clock.advance(UNTIL_EIGHTEEN)
    for consent in (known, unknown):
        refused = await post(shelter, "/v1/referrals", a_referral(consent))
        assert refused.json()["type"].endswith("/guardian_basis_ended")


async def test_what_still_waits_for_the_link_does_not_leave(networked: Networked) -> None:
    network = networked(SHELTER, INSTITUTE)
    shelter = network.members[SHELTER]
    consent = await recorded(shelter, of_guardian("B-1", RECEPTION))
    sent = (await post(shelter, "/v1/referrals", a_referral(consent))).json()["id"]
    network.clock.advance(UNTIL_EIGHTEEN)
    assert await come_of_age_once(shelter.node)
    await network.settle()
    assert network.carried == []
    assert (await look(shelter, sent))["delivery_problem"] == "guardian_basis_ended"


async def test_her_own_consent_takes_the_place_of_the_guardians(networked: Networked) -> None:
    network = networked(SHELTER, INSTITUTE)
    shelter = network.members[SHELTER]
    before = await recorded(shelter, of_guardian("B-1", RECEPTION, comes_of_age_on="2026-03-23"))
    network.clock.advance(UNTIL_EIGHTEEN)
    await come_of_age_once(shelter.node)
    now = network.clock.now
    dates = {
        "given_at": now.isoformat(),
        "valid_from": now.isoformat(),
        "valid_until": (now + timedelta(days=90)).isoformat(),
    }
    own = await recorded(shelter, consent_for("B-1", RECEPTION, supersedes=before, **dates))
    assert await state_of(shelter, before) == "superseded"
    assert (await post(shelter, "/v1/referrals", a_referral(own))).status_code == 201
    again = await post(
        shelter, "/v1/consents", consent_for("B-1", RECEPTION, supersedes=before, **dates)
    )
    assert again.json()["errors"][0]["pointer"] == "/supersedes"
    others = await post(
        shelter, "/v1/consents", consent_for("W-1", RECEPTION, supersedes=own, **dates)
    )
    assert others.json()["errors"][0]["pointer"] == "/supersedes"


async def test_her_own_word_does_not_end_on_a_birthday(networked: Networked) -> None:
    network = networked(SHELTER, INSTITUTE)
    shelter = network.members[SHELTER]
    consent = await recorded(shelter, consent_for("B-1", RECEPTION))
    await post(shelter, "/v1/referrals", a_referral(consent))
    network.clock.advance(UNTIL_EIGHTEEN)
    assert not await come_of_age_once(shelter.node)
    assert await state_of(shelter, consent) == "active"
    assert "pending_person" in TRANSITIONS["active"]
