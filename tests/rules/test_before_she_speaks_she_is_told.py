"""Domain rule 14: before she speaks the notice says what must be reported and who enforces; never in the queue."""

from datetime import timedelta
from typing import Any

import pytest

from tests.support.children import post
from tests.support.institutions import INSTITUTE, SHELTER, START
from tests.support.node_requests import a_consent
from tests.support.nodes import Member, Network

pytestmark = pytest.mark.asyncio


def a_notice(**before: Any) -> dict[str, Any]:
    notice: dict[str, Any] = a_consent()["notice"]
    told = {"told_at": START.isoformat(), "must_report": ["violencia contra niñas y niños"]}
    return notice | {"before_statements": told | before}


async def recorded(member: Member, **changes: Any) -> Any:
    return await post(member, "/v1/consents", a_consent(**changes))


async def test_nobody_is_asked_in_the_queue(network: Network) -> None:
    shelter = network.members[SHELTER]
    in_queue = {"place": "in_queue", "after": []}
    refused = await recorded(shelter, asked=in_queue)
    assert refused.json()["type"].endswith("/consent_asked_in_queue")
    assert "food, a call and rest" in refused.json()["detail"]
    apart = {"place": "private_room", "after": ["food", "call", "rest"]}
    taken = await recorded(shelter, asked=apart)
    assert taken.json()["asked"] == apart


async def test_an_institution_that_also_enforces_says_so_before_she_speaks(
    network: Network,
) -> None:
    institute = network.members[INSTITUTE]
    unsaid = {k: v for k, v in a_notice().items() if k != "before_statements"}
    for notice in (unsaid, a_notice(), a_notice(also_enforces=["gt.igm.crr"])):
        refused = await recorded(institute, notice=notice)
        assert refused.json()["type"].endswith("/notice_not_given")
        assert refused.json()["also_enforces"] == ["gt.igm.control"]
    told = await recorded(institute, notice=a_notice(also_enforces=["gt.igm.control"]))
    before = told.json()["notice"]["before_statements"]
    assert before["must_report"] == ["violencia contra niñas y niños"]
    # A shelter has nobody who enforces, and nothing more to say.
    assert (await recorded(network.members[SHELTER], notice=unsaid)).status_code == 201


async def test_a_notice_after_her_statement_is_none(network: Network) -> None:
    later = (START + timedelta(minutes=1)).isoformat()
    notice = a_notice(told_at=later, also_enforces=["gt.igm.control"])
    refused = await recorded(network.members[SHELTER], notice=notice)
    assert refused.json()["type"].endswith("/notice_not_given")


async def test_registration_at_arrival_is_the_institutes_mandate(reception: Member) -> None:
    arrived = {
        "identity": {"given_names": "Ana", "family_names": ["Marín"], "nationalities": ["GT"]},
        "walk_on": True,
    }
    taken = await post(reception, "/v1/returnees", arrived)
    assert taken.status_code == 201, taken.text
    assert taken.json()["lawful_basis"] == "public_interest_mandate"
    with_consent = await post(reception, "/v1/returnees", arrived | {"consent_ids": []})
    assert with_consent.status_code == 422
