"""Domain rule 18 at the gateway: what is between a person and her lawyer never reaches a state."""

import pytest

from relevo.contracts.privilege import is_state_body
from relevo.contracts.vocabularies.loader import code_list
from relevo.gateway.domain.policy import Decision, Party, Policy
from tests.gateway.test_domain import a_question

TYPES = [code.code for code in code_list("institution_type").codes]


@pytest.fixture(scope="module")
def built_in() -> Policy:
    return Policy.load(None)


@pytest.mark.parametrize("kind", TYPES)
def test_a_type_that_belongs_to_a_state_is_refused(built_in: Policy, kind: str) -> None:
    receiver = Party("us.somebody", "US", kind, frozenset())
    asked = a_question(receiver=receiver, categories=("identity", "legal_case"))
    expected = (
        Decision(permitted=False, rule="never-privileged-to-a-state")
        if is_state_body(kind)
        else Decision(permitted=True, rule="consented-content")
    )
    assert built_in.decide(asked) == expected
