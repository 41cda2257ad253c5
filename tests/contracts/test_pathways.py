from typing import Any

import pytest
from pydantic import ValidationError

from relevo.contracts.pathways.loader import pathway, pathways
from relevo.contracts.pathways.rules import ATTACHED
from relevo.contracts.pathways.schema import Pathway
from relevo.contracts.person import SECTIONS
from relevo.contracts.problem import ProblemError

ROUTES = pytest.mark.parametrize("route", pathways().values(), ids=list(pathways()))


@ROUTES
def test_a_pathway_asks_only_for_what_a_record_can_hold_and_says_why(route: Pathway) -> None:
    assert route.wanted <= {*SECTIONS, *ATTACHED}
    assert len(route.asks) == len(route.wanted), "each category stands once"
    assert set(route.required) <= route.wanted
    assert all(len(asked.why) > 10 for asked in route.asks)
    assert not route.special_without_reason()


@ROUTES
def test_a_pathway_rests_on_consent_and_never_on_a_contract(route: Pathway) -> None:
    assert "consent" in route.lawful_bases
    assert not {"contract", "legitimate_interest"} & set(route.lawful_bases)


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
        {"triage_scheme": "whenever"},
        {"ladder": ["alternate_receiver", "supervisor"]},
    ],
    ids=str,
)
def test_a_pathway_file_with_a_fault_is_refused(change: dict[str, Any]) -> None:
    whole = pathway("gt-retorno-al-hogar").model_dump()
    with pytest.raises(ValidationError):
        Pathway.model_validate(whole | change)


def test_a_sealed_pathway_shows_gateways_its_class_alone() -> None:
    whole = pathway("gt-retorno-al-hogar").model_dump(exclude={"follow_up"})
    sealed = Pathway.model_validate(
        whole | {"sensitivity": "sealed", "routing_class": "protection"}
    )
    assert sealed.public_name == "protection"
    assert pathway("gt-retorno-al-hogar").public_name == "gt-retorno-al-hogar"
