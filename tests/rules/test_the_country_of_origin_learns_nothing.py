"""Domain rule 1: no party of a country of nationality sees even routing facts, unless she names it, warned."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from relevo.contracts.coverage import check_relays
from relevo.contracts.problem import ProblemError
from relevo.servicekit import jose
from tests.support.children import post
from tests.support.institutions import CONSULATE, INSTITUTE, RECEPTION, SHELTER, START
from tests.support.node_requests import (
    a_consent,
    a_person,
    a_submission,
    consented,
    look,
    submitted,
)
from tests.support.nodes import Network

Networked = Callable[..., Network]
pytestmark = pytest.mark.asyncio

ELSEWHERE = "hn.ong-raices"
WARNED = {"party": RECEPTION, "origin_warning_given_at": START.isoformat()}


def protected(**changes: Any) -> dict[str, Any]:
    """She fled from the country that the institute belongs to."""
    return a_person(asylum_claim={"summary": "amenazas"}, **changes)


async def refused(network: Network, consent: dict[str, Any], **changes: Any) -> str:
    shelter = network.members[SHELTER]
    given = await consented(shelter, **consent)
    answer = await post(shelter, "/v1/referrals", a_submission(given, **changes))
    return str(answer.json().get("type", "")).rpartition("/")[2]


async def test_no_party_of_any_of_her_nationalities_receives_it(network: Network) -> None:
    person = protected()
    assert await refused(network, {}, persons=[person]) == "country_of_origin_excluded"
    second = protected()
    second["identity"] = person["identity"] | {"nationalities": ["SV", "GT"]}
    assert await refused(network, {}, persons=[second]) == "country_of_origin_excluded"


async def test_a_passport_tells_a_nationality_that_nobody_wrote_down(network: Network) -> None:
    person = protected(
        identity_document={"documents": [{"type": "passport", "country": "GT", "state": "expired"}]}
    )
    person["identity"] = person["identity"] | {"nationalities": ["SV"]}
    assert await refused(network, {}, persons=[person]) == "country_of_origin_excluded"


async def test_a_life_at_risk_does_not_open_it_either(network: Network) -> None:
    basis = {"basis": "vital_interest", "law": "CIRC, capítulo 3", "authority": INSTITUTE}
    body = a_submission(None, persons=[protected()], basis=basis)
    answer = await post(network.members[SHELTER], "/v1/referrals", body)
    assert answer.json()["type"].endswith("/country_of_origin_excluded")


async def test_only_a_grant_that_names_it_with_the_warning_lifts_it(network: Network) -> None:
    assert await refused(network, {"recipients": [WARNED]}, persons=[protected()]) == ""


async def test_it_is_lifted_for_that_purpose_only(network: Network) -> None:
    for_papers = WARNED | {"purposes": ["identity_documentation"]}
    also = {"party": INSTITUTE}
    consent = {"recipients": [for_papers, also]}
    person = [protected()]
    assert await refused(network, consent, persons=person) == "country_of_origin_excluded"
    purpose = "identity_documentation"
    assert await refused(network, consent, persons=person, purpose=purpose) == ""


async def test_a_kind_of_institution_never_resolves_to_it(networked: Networked) -> None:
    network = networked(SHELTER, INSTITUTE, ELSEWHERE)
    any_of = {
        "recipients": [
            {"any_of": {"country": "GT", "type": "migration_institute"}},
            {"any_of": {"country": "HN", "mandate": "returnee_reception"}},
        ]
    }
    person = [protected()]
    assert await refused(network, any_of, persons=person) == "country_of_origin_excluded"
    assert await refused(network, any_of, persons=person, receiver=ELSEWHERE) == ""
    # Without a need for protection the same words do mean the institute.
    assert await refused(network, any_of) == ""


async def test_any_consulate_is_nobody(network: Network) -> None:
    body = a_consent(recipients=[{"any_of": {"country": "GT", "type": "consulate"}}])
    shelter = network.members[SHELTER]
    given = (await post(shelter, "/v1/consents", body)).json()["id"]
    asked = a_submission(
        given,
        receiver=CONSULATE,
        pathway="consular-pre-return",
        needs=[{"service": "travel_document"}],
        share=["identity"],
    )
    answer = await post(shelter, "/v1/referrals", asked)
    assert answer.json()["type"].endswith("/consent_does_not_cover_receiver")


async def test_nobody_of_that_country_is_named_for_status_or_follow_up(
    networked: Networked,
) -> None:
    network = networked(SHELTER, ELSEWHERE, CONSULATE)
    named = {"party": CONSULATE, "only": ["status", "follow_up"], "requested_by_person": True}
    consent = {
        "purposes": ["service_delivery", "follow_up"],
        "recipients": [{"party": ELSEWHERE}, named],
    }
    shelter = network.members[SHELTER]
    await submitted(
        shelter, await consented(shelter, **consent), receiver=ELSEWHERE, persons=[protected()]
    )
    await network.settle()
    first = jose.peek(network.carried[0])[1]
    slices = [jose.peek(grant)[1] for grant in first["grants"]]
    assert [(s["status_parties"], s["follow_up_parties"]) for s in slices] == [([], [])]
    # No gateway is told which nationality it must keep it from.
    assert "excluded_countries" not in first


async def test_no_gateway_of_that_country_carries_it() -> None:
    with pytest.raises(ProblemError) as refusal:
        check_relays(
            ["gateway.mx", "gateway.sv"],
            sender=SHELTER,
            receiver=ELSEWHERE,
            excluded_countries={"SV"},
        )
    assert refusal.value.name == "country_of_origin_excluded"
    assert refusal.value.members["receiver"] == "gateway.sv"
    check_relays(["gateway.mx"], sender=SHELTER, receiver=ELSEWHERE, excluded_countries={"SV"})


async def test_a_relay_is_looked_at_again_when_it_leaves(networked: Networked) -> None:
    network = networked(SHELTER, ELSEWHERE)
    shelter = network.members[SHELTER]
    given = await consented(shelter, recipients=[{"party": ELSEWHERE}])
    network.down = True
    person = protected()
    person["identity"] = person["identity"] | {"nationalities": ["SV"]}
    referral = await submitted(shelter, given, receiver=ELSEWHERE, persons=[person])
    network.down = False
    network.clock.advance(timedelta(minutes=1))
    peer = await shelter.directory.peer(ELSEWHERE)
    assert peer.gateways == ("gateway.mx", "gateway.mx")
    through = replace(peer, gateways=("gateway.mx", "gateway.sv"))
    shelter.directory._known[ELSEWHERE] = (through, network.clock.now)
    await network.settle()
    assert network.carried == []
    sent = await look(shelter, referral)
    assert sent["delivery_problem"] == "country_of_origin_excluded"
