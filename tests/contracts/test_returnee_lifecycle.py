"""A returnee record moves as its table says and in no other way."""

from itertools import pairwise, product

import pytest

from relevo.contracts.lifecycles.returnee import (
    ANSWERS_TO_ITS_LIST,
    BEGINNINGS,
    STATES,
    TRANSITIONS,
    State,
    check_transition,
    steps_from,
    way,
)
from relevo.contracts.problem import ProblemError
from relevo.contracts.vocabularies.loader import code_list

DERIVED = {"referred", "in_follow_up"}


def test_every_state_has_a_label_and_every_label_a_state() -> None:
    assert {code.code for code in code_list("returnee_state").codes} == set(STATES) | DERIVED
    assert set(TRANSITIONS) == set(STATES)


@pytest.mark.parametrize(("state", "to"), list(product(STATES, STATES)))
def test_a_move_outside_the_table_names_both_states(state: State, to: State) -> None:
    if to in TRANSITIONS[state]:
        check_transition(state, to)
        return
    with pytest.raises(ProblemError) as refused:
        check_transition(state, to)
    assert refused.value.name == "illegal_transition"
    assert (refused.value.members["from_state"], refused.value.members["to_state"]) == (state, to)


@pytest.mark.parametrize(("state", "to"), list(product(STATES, STATES)))
def test_every_way_that_a_list_can_mean_is_made_of_legal_moves(state: State, to: State) -> None:
    found = way(state, to)
    if found is None:
        assert to not in TRANSITIONS[state]
        return
    for here, there in pairwise((state, *found)):
        check_transition(here, there)
    assert (state, *found)[-1] == to


def test_what_ended_stays_ended() -> None:
    for state in ("closed", "void"):
        assert TRANSITIONS[state] == ()


def test_a_merge_and_its_undoing_are_no_plain_steps() -> None:
    assert steps_from("merged") == ()
    for state in STATES:
        assert "merged" not in steps_from(state)
        if "merged" in TRANSITIONS[state]:
            assert state in TRANSITIONS["merged"]


def test_every_state_can_be_reached_and_announced_is_not_received() -> None:
    reached: set[State] = {"announced"}
    while more := {to for state in reached for to in TRANSITIONS[state]} - reached:
        reached |= more
    assert reached == set(STATES)
    assert "received" not in TRANSITIONS["announced"]


def test_a_list_changes_nothing_once_she_is_received() -> None:
    assert ANSWERS_TO_ITS_LIST.isdisjoint({"received", "closed", "merged", "void"})
    assert "received" in BEGINNINGS


def test_a_record_made_in_error_can_be_voided_from_wherever_it_is() -> None:
    for state in STATES:
        if state not in {"closed", "merged", "void"}:
            assert {"void", "merged"} <= set(TRANSITIONS[state])
