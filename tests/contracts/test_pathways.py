from typing import Any

import pytest
from pydantic import ValidationError

from relevo.contracts.pathways.loader import Pathway, pathway, pathways
from relevo.contracts.person import SECTIONS
from relevo.contracts.problem import ProblemError

ROUTES = pytest.mark.parametrize("route", pathways().values(), ids=list(pathways()))


@ROUTES
def test_a_pathway_asks_only_for_what_a_record_can_hold_and_says_why(route: Pathway) -> None:
    assert route.wanted <= set(SECTIONS)
    assert len(route.asks) == len(route.wanted), "each category stands once"
    assert set(route.required) <= route.wanted
    assert all(len(asked.why) > 10 for asked in route.asks)
    assert not route.special_categories_required()


@ROUTES
def test_a_pathway_rests_on_consent_and_never_on_a_contract(route: Pathway) -> None:
    assert "consent" in route.lawful_bases
    assert not {"contract", "legitimate_interest"} & set(route.lawful_bases)


@ROUTES
def test_the_redder_the_sooner(route: Pathway) -> None:
    for _, hours in route.clocks:
        named = [hours[level] for level in ("red", "yellow", "green") if level in hours]
        assert named == sorted(named)
        assert all(one > 0 for one in named)


def test_an_unknown_pathway_is_a_problem() -> None:
    with pytest.raises(ProblemError) as refused:
        pathway("no-such-route")
    assert refused.value.name == "pathway_unknown"


@pytest.mark.parametrize(
    "change",
    [
        {"sensitivity": "sealed"},
        {"routing_class": "protection"},
        {"asks": []},
        {"receiver_mandates": []},
        {"lawful_bases": ["because"]},
        {"clocks": {"decide_hours": {"purple": 1}}},
    ],
    ids=str,
)
def test_a_pathway_file_with_a_fault_is_refused(change: dict[str, Any]) -> None:
    whole = pathway("gt-retorno-al-hogar").model_dump()
    with pytest.raises(ValidationError):
        Pathway.model_validate(whole | change)


def test_a_sealed_pathway_shows_gateways_its_class_alone() -> None:
    whole = pathway("gt-retorno-al-hogar").model_dump()
    sealed = Pathway.model_validate(
        whole | {"sensitivity": "sealed", "routing_class": "protection"}
    )
    assert sealed.public_name == "protection"
    assert pathway("gt-retorno-al-hogar").public_name == "gt-retorno-al-hogar"
