"""Domain rule 17: where no comprehensive law says more, consent, a life at risk and named child-protection duties."""

from collections.abc import Callable
from typing import Any

import pytest

from relevo.contracts.jurisdictions.loader import Side, pack_of, packs, rule_on
from tests.support.children import post
from tests.support.institutions import INSTITUTE, RECEPTION, SHELTER
from tests.support.node_requests import a_submission
from tests.support.nodes import Network

WITH_A_LAW = ["MX", "SV", "CR", "PA", "NI", "BZ", "DO"]
SENDER = Side("gt.igm", "migration_institute", {"returnee_reception"})
RECEIVER = Side("gt.mspas", "health_provider", {"health_care"})
AUTHORITY = Side("gt.pgn", "child_protection_authority", {"child_protection"})


def ruled(basis: str, sender: Side, receiver: Side, **said: Any) -> tuple[bool, str]:
    said = {"authority": sender.party, "purpose": "service_delivery"} | said
    ruling = rule_on(basis, sender=sender, receiver=receiver, **said)
    return ruling.allowed, ruling.rule


@pytest.mark.parametrize("country", ["gt", "hn"])
def test_without_a_law_everything_else_is_denied_by_name(country: str) -> None:
    sender = Side(f"{country}.igm", "migration_institute", ())
    assert ruled("consent", sender, RECEIVER) == (True, "consent")
    assert ruled("vital_interest", sender, RECEIVER) == (True, "vital-interest")
    for basis in ("legal_obligation", "public_interest_mandate", "legitimate_interest", "contract"):
        denied = f"default-allows-no-{basis.replace('_', '-')}"
        assert ruled(basis, sender, RECEIVER) == (False, denied)
    assert ruled("legal_obligation", sender, AUTHORITY, purpose="child_protection") == (
        True,
        "child-protection-duty",
    )
    # A duty about children is none towards somebody who protects no child.
    assert not ruled("legal_obligation", sender, RECEIVER, purpose="child_protection")[0]


@pytest.mark.parametrize("country", WITH_A_LAW)
def test_with_a_law_a_public_body_acts_under_its_own_mandate(country: str) -> None:
    code = country.lower()
    assert pack_of(country).law is not None
    public, private = Side(f"{code}.inm", "migration_institute"), Side(f"{code}.ong", "ngo")
    for basis, rule in (("legal_obligation", "duty"), ("public_interest_mandate", "mandate")):
        assert ruled(basis, public, RECEIVER) == (True, f"{code}-public-body-{rule}")
        assert not ruled(basis, private, RECEIVER)[0]
        # The authority that is named must be one of the two, and not somebody far away.
        assert not ruled(basis, private, RECEIVER, authority="Gobernación")[0]
        # Whose duty it is, its law counts, whoever brings the matter.
        assert ruled(basis, SENDER, public, authority=public.party)[0]
    assert not ruled("legitimate_interest", public, RECEIVER)[0]


def test_each_pack_is_data_and_says_where_it_comes_from() -> None:
    assert {c for pack in packs().values() for c in pack.countries} == set(WITH_A_LAW)
    assert all(pack.sources for pack in packs().values())
    assert pack_of("GT").id == pack_of("HN").id == pack_of("US").id == "default"


@pytest.mark.asyncio
async def test_the_senders_node_refuses_it_and_names_the_rule(
    networked: Callable[..., Network],
) -> None:
    network = networked(SHELTER, INSTITUTE)
    basis = {"basis": "legal_obligation", "law": "Ley de Migración, art. 2", "authority": SHELTER}
    body = a_submission(None, receiver=RECEPTION, basis=basis, share=["identity"])
    refused = (await post(network.members[SHELTER], "/v1/referrals", body)).json()
    assert refused["type"].endswith("/basis_not_lawful")
    assert refused["rule"] == "mx-allows-no-legal-obligation"
    basis = basis | {"basis": "vital_interest"}
    taken = await post(network.members[SHELTER], "/v1/referrals", body | {"basis": basis})
    assert taken.status_code == 201
