import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relevo.contracts.lifecycles import consent
from relevo.contracts.lifecycles.referral import (
    BEFORE_ACCEPTED,
    COARSE,
    ENDED,
    NEEDS_REASON,
    OUTCOMES,
    STATES,
    TRANSITIONS,
    WRITTEN_BY_NODES,
    Actor,
    Event,
    Replay,
    State,
    by_people,
    check_transition,
    is_return,
    may_move,
    next_states,
    replay,
)
from relevo.contracts.problem import ProblemError

ACTORS: tuple[Actor, ...] = ("sender", "receiver")


def reachable_from(start: State) -> set[State]:
    reached = {start}
    while more := {to for here, to in TRANSITIONS if here in reached} - reached:
        reached |= more
    return reached


def refusal_of(
    state: State, to: State, actor: Actor, way_back: Sequence[State]
) -> ProblemError | None:
    try:
        check_transition(state, to, actor, way_back)
    except ProblemError as refusal:
        return refusal
    return None


@pytest.mark.parametrize("actor", ACTORS)
@pytest.mark.parametrize("state", STATES)
def test_a_step_is_possible_exactly_when_the_table_gives_it_to_this_side(
    state: State, actor: Actor
) -> None:
    way_back = way_back_to(state)
    possible = []
    for to in STATES:
        writer = TRANSITIONS.get((state, to)) if by_people(state, to) else None
        if is_return(state, to) and to != way_back[-1]:
            writer = None
        refusal = refusal_of(state, to, actor, way_back)
        if refusal is None:
            assert writer == actor
            possible.append(to)
        else:
            assert refusal.name == ("illegal_transition" if writer is None else "not_your_step")
            assert refusal.members.get("actor") == writer != actor
            assert refusal.problem_type.status == 409
    assert sorted(possible) == sorted(next_states(state, actor, way_back))


@pytest.mark.parametrize("state", [state for state in STATES if state != "draft"])
def test_replay_applies_exactly_the_moves_of_the_table(state: State) -> None:
    way = way_to(state)
    here = replay(way)
    assert here.state == state
    for to, actor in itertools.product(STATES, ACTORS):
        after = replay([*way, Event(here.next_seq, to, actor)])
        if TRANSITIONS.get((state, to)) == actor and (
            not is_return(state, to) or to == here.way_back[-1]
        ):
            assert (after.state, after.inapplicable) == (to, ())
        else:
            assert (after.state, after.inapplicable) == (state, (here.next_seq,))
        assert after.next_seq == here.next_seq + 1


def way_back_to(state: State) -> tuple[State, ...]:
    return () if state == "draft" else replay(way_to(state)).way_back


def way_to(goal: State) -> list[Event]:
    """The shortest history that ends in a state. `draft` has none: it never leaves its node."""
    ways: dict[State, list[Event]] = {"submitted": [Event(0, "submitted", "sender")]}
    while goal not in ways:
        ways |= {
            to: [*ways[here], Event(len(ways[here]), to, actor)]
            for (here, to), actor in TRANSITIONS.items()
            if here in ways and to not in ways and not is_return(here, to)
        }
    return ways[goal]


def test_every_state_can_be_reached() -> None:
    assert reachable_from("draft") == set(STATES)


def test_from_every_state_the_loop_can_be_closed_unless_it_was_an_error() -> None:
    for state in STATES:
        if state != "entered_in_error":
            assert "closed" in reachable_from(state), state


@pytest.mark.parametrize("outcome", sorted(OUTCOMES))
def test_the_sender_and_nobody_else_closes_an_outcome(outcome: State) -> None:
    moves = {(to, actor) for (here, to), actor in TRANSITIONS.items() if here == outcome}
    assert moves == {("closed", "sender"), ("entered_in_error", "sender")}


def test_only_an_outcome_can_be_closed_and_nothing_follows_the_end() -> None:
    assert {here for here, to in TRANSITIONS if to == "closed"} == OUTCOMES
    assert {to for here, to in TRANSITIONS if here == "closed"} == {"entered_in_error"}
    assert "entered_in_error" not in {here for here, _ in TRANSITIONS}
    assert OUTCOMES | {"closed", "entered_in_error"} == ENDED


def test_one_side_writes_at_a_time() -> None:
    """In no state may both sides write, or two events could claim one number."""
    for state in STATES:
        writers = {
            actor
            for (here, to), actor in TRANSITIONS.items()
            if here == state and (here, to) not in LATE_RECEIVED_WINS
        }
        assert len(writers) <= 1, (state, writers)


# Until the receiver's node speaks, the sender goes by its gateway's receipts; `received` then wins.
LATE_RECEIVED_WINS = {("submitted", "received")}


def test_an_appointment_can_be_made_anew() -> None:
    assert "scheduled" in next_states("scheduled", "receiver", [])
    assert after("submitted", "received", "accepted", "scheduled", "scheduled").next_seq == 5


def test_consent_withdrawn_after_acceptance_never_stops_care() -> None:
    assert {here for here, to in TRANSITIONS if to == "consent_withdrawn"} == BEFORE_ACCEPTED


def test_an_unanswered_question_waits_and_can_be_taken_up_again() -> None:
    for state in ("received", "acknowledged"):
        assert state in next_states("info_requested", "receiver", [state])


def after(*states: State) -> Replay:
    return replay(
        [
            Event(seq, state, "sender" if state == "submitted" else "receiver")
            for seq, state in enumerate(states)
        ]
    )


@given(st.data())
def test_an_interruption_leads_back_to_the_state_it_interrupted_and_nowhere_else(
    data: st.DataObject,
) -> None:
    """Also one inside the other: a wish to cancel while a question is open."""
    way: list[State] = ["submitted", "received"]
    expected: list[State] = []
    for _ in range(data.draw(st.integers(0, 8))):
        here = after(*way)
        assert (here.state, list(here.way_back), here.inapplicable) == (way[-1], expected, ())
        onward = [
            to
            for come_from, to in sorted(TRANSITIONS)
            if come_from == here.state
            and may_move(come_from, to, "receiver", here.way_back)
            and to not in ENDED
        ]
        to = data.draw(st.sampled_from(onward))
        if is_return(here.state, to):
            assert to == expected.pop()
        elif to in {"info_requested", "cancel_requested"}:
            expected.append(here.state)
        else:
            expected.clear()
        way.append(to)


def test_a_wish_to_cancel_is_no_way_around_acceptance() -> None:
    read = after("submitted", "received", "cancel_requested", "in_progress")
    assert (read.state, read.inapplicable) == ("cancel_requested", (3,))
    assert after("submitted", "received", "cancel_requested", "received").state == "received"


@pytest.mark.parametrize("state", STATES)
def test_no_person_is_offered_what_only_a_node_may_write(state: State) -> None:
    for actor in ACTORS:
        assert not WRITTEN_BY_NODES & set(next_states(state, actor, way_back_to(state)))


def test_every_end_without_service_that_a_person_decides_needs_a_reason() -> None:
    decided = OUTCOMES - WRITTEN_BY_NODES - {"completed"}
    assert decided | {"on_hold"} == NEEDS_REASON


def test_gateways_learn_a_coarse_state_and_never_the_kind_of_a_bad_end() -> None:
    assert set(COARSE) == set(STATES)
    bad_ends = OUTCOMES - {"completed", "redirected"}
    assert {COARSE[state] for state in bad_ends} == {"ended_without_service"}


@given(st.sampled_from(STATES), st.sampled_from(STATES), st.sampled_from(ACTORS))
def test_a_refused_step_changes_nothing_and_names_both_states(
    state: State, to: State, actor: Actor
) -> None:
    if (state, to) in TRANSITIONS:
        return
    with pytest.raises(ProblemError) as refused:
        check_transition(state, to, actor, ())
    for language in ("en", "es"):
        detail = refused.value.problem(language).detail
        assert state in detail
        assert to in detail


@pytest.mark.parametrize("state", consent.STATES)
def test_a_consent_moves_as_its_table_says_and_its_end_is_final(state: consent.State) -> None:
    for to in consent.STATES:
        if to in consent.TRANSITIONS[state]:
            consent.check_transition(state, to)
        else:
            with pytest.raises(ProblemError) as refused:
                consent.check_transition(state, to)
            assert refused.value.name == "illegal_transition"
    if state in {"superseded", "withdrawn", "expired", "refused"}:
        assert consent.TRANSITIONS[state] == ()


def test_every_consent_state_is_reached_from_a_draft() -> None:
    reached: set[consent.State] = {"draft"}
    while more := {to for state in reached for to in consent.TRANSITIONS[state]} - reached:
        reached |= more
    assert reached == set(consent.STATES) == set(consent.TRANSITIONS)
