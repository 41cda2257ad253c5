"""Domain rule 3: at 18 she is asked, and what runs goes on under her own word, as far as it goes."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from relevo.contracts.message_types.consent_renewed import CONSENT_RENEWED
from relevo.node.operations.come_of_age import come_of_age_once
from relevo.node.operations.open_envelope import parse
from relevo.servicekit import jose
from tests.support.children import a_child, of_guardian, post, recorded, told_of
from tests.support.institutions import CONSULATE, INSTITUTE, RECEPTION, SHELTER
from tests.support.node_requests import COMPLETION, a_consent, a_submission, look, step
from tests.support.nodes import Member, Network

pytestmark = pytest.mark.asyncio
Networked = Callable[..., Network]
UNTIL_EIGHTEEN = timedelta(days=21)
HERS = {"prohibited": True, "pass_phrase": "el río está bajo"}


async def under_way(
    network: Network, *, steps: tuple[str, ...] = ("accepted", "in_progress"), **changes: Any
) -> tuple[str, str]:
    """A referral of Brenda that goes on under her mother's consent, and that consent."""
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    consent = await recorded(shelter, of_guardian("B-1", RECEPTION))
    child = a_child(child_data={"child_care_status": "with_parent_or_legal_guardian"})
    body = a_submission(consent, **{"persons": [child], "share": ["identity", "contact"]} | changes)
    answer = await post(shelter, "/v1/referrals", body)
    assert answer.status_code == 201, answer.text
    sent = str(answer.json()["id"])
    await network.settle()
    for state in steps:
        await step(institute, sent, to=state)
    await network.settle()
    return sent, consent


async def of_age(network: Network) -> None:
    network.clock.advance(UNTIL_EIGHTEEN)
    for member in network.members.values():
        await come_of_age_once(member.node)


async def signs(network: Network, before: str, **changes: Any) -> str:
    """Her own consent in the place of the one before."""
    now = network.clock.now
    said = {
        "given_at": now.isoformat(),
        "valid_from": now.isoformat(),
        "valid_until": (now + timedelta(days=90)).isoformat(),
        "contact_rules": HERS,
        "recipients": [{"party": RECEPTION}],
    } | changes
    shelter = network.members[SHELTER]
    own = await recorded(shelter, a_consent(person_id="B-1", supersedes=before, **said))
    await network.settle()
    return own


def renewals(network: Network) -> list[Any]:
    return [e for e in map(parse, network.carried) if e.message_type == CONSENT_RENEWED.id]


async def outcome_at(member: Member, referral: str) -> Any:
    return (await look(member, referral))["counter_referral"]


async def test_what_runs_goes_on_under_her_own_grants(networked_on_each: Networked) -> None:
    network = networked_on_each(SHELTER, INSTITUTE)
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    sent, before = await under_way(network)
    await of_age(network)
    own = await signs(network, before, categories=["identity", "family"])
    for member in (shelter, institute):
        assert ("referral.consent_renewed", sent) in await told_of(member)
    there = await look(institute, sent)
    assert (there["state"], there["sharing"], there["contact_rules"][0]["prohibited"]) == (
        "in_progress",
        "active",
        True,
    )
    assert len(there["contact_rules"]) == 1
    # Her categories alone, of those that were shared: no other is asked for again.
    [envelope] = renewals(network)
    assert envelope.categories == ["identity"]
    assert jose.peek(envelope.grants[0])[1]["categories"] == ["identity"]
    # The outcome comes back, and what she ends ends.
    await step(institute, sent, **COMPLETION)
    await network.settle()
    assert (await outcome_at(shelter, sent))["outcome"] == "service_delivered"
    gone = await post(
        shelter, f"/v1/consents/{own}/withdraw", {"said_at": network.clock.now.isoformat()}
    )
    assert gone.status_code == 200
    await network.settle()
    assert (await look(institute, sent))["sharing"] == "withdrawn"


async def test_an_outcome_that_waited_for_her_word_goes_back(networked: Networked) -> None:
    network = networked(SHELTER, INSTITUTE)
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    sent, before = await under_way(network)
    await of_age(network)
    await step(institute, sent, **COMPLETION)
    await network.settle()
    assert await outcome_at(shelter, sent) is None
    await signs(network, before)
    assert (await outcome_at(shelter, sent))["outcome"] == "service_delivered"


@pytest.mark.parametrize(
    "narrower",
    [
        {"purposes": ["identity_documentation"]},
        {"recipients": [{"party": "gt.renap"}]},
        {"denials": [{"party": RECEPTION}]},
    ],
)
async def test_what_her_own_consent_does_not_cover_is_withdrawn(
    networked: Networked, narrower: dict[str, Any]
) -> None:
    network = networked(SHELTER, INSTITUTE)
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    sent, before = await under_way(network)
    await of_age(network)
    await signs(network, before, **narrower)
    assert renewals(network) == []
    there = await look(institute, sent)
    # The service goes on; what ends is that it is told of.
    assert (there["state"], there["sharing"]) == ("in_progress", "withdrawn")
    await step(institute, sent, **COMPLETION)
    await network.settle()
    assert await outcome_at(shelter, sent) is None


async def test_what_is_asked_for_later_leaves_under_her_own_word(networked: Networked) -> None:
    network = networked(SHELTER, INSTITUTE)
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    child = a_child(contact=None, child_data={"child_care_status": "with_parent_or_legal_guardian"})
    sent, before = await under_way(network, steps=(), persons=[child], share=["identity"])
    question = {"category": "contact", "person": 1, "text": "¿Cómo la llamamos?"}
    await step(institute, sent, to="info_requested", questions=[question])
    await network.settle()
    await of_age(network)
    await signs(network, before)
    number = {"person_id": "B-1", "contact": {"phones": ["+502 0000-1899"]}}
    body = {"persons": [number], "share": ["contact"]}
    supplied = await post(shelter, f"/v1/referrals/{sent}/information", body)
    assert supplied.status_code == 200, supplied.text


async def test_whom_she_names_for_the_status_is_known_with_the_new_grants(
    networked: Networked,
) -> None:
    network = networked(SHELTER, INSTITUTE, CONSULATE)
    sent, before = await under_way(network)
    await of_age(network)
    named = [
        {"party": RECEPTION},
        {"party": CONSULATE, "only": ["status", "follow_up"], "requested_by_person": True},
    ]
    await signs(network, before, recipients=named, purposes=["service_delivery", "follow_up"])
    [envelope] = renewals(network)
    claims = jose.peek(envelope.grants[0])[1]
    assert (claims["status_parties"], claims["follow_up_parties"]) == ([CONSULATE], [CONSULATE])
    assert envelope.sub == sent


async def test_grants_that_were_still_in_force_end_with_the_new_ones(networked: Networked) -> None:
    network = networked(SHELTER, INSTITUTE)
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    sent, before = await under_way(network)
    old = [jose.peek(g)[1]["jti"] for e in map(parse, network.carried) for g in e.grants]
    await signs(network, before)  # she speaks for herself before her birthday
    [envelope] = renewals(network)
    assert set(old) <= set(envelope.withdrawn)
    await step(institute, sent, **COMPLETION)
    await network.settle()
    assert (await outcome_at(shelter, sent))["outcome"] == "service_delivered"
