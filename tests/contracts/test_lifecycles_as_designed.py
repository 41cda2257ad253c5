"""From every state to every state by everybody: the one documented move, or a documented refusal."""

import itertools
from collections.abc import Callable
from typing import Any, get_args

import pytest

from relevo.contracts.lifecycles import consent, follow_up, referral, returnee
from relevo.contracts.lifecycles.referral import Event, check_transition, may_move, replay
from relevo.contracts.problem import ProblemError
from tests.support.documented_lifecycles import (
    CONSENT,
    FOLLOW_UP,
    NEEDS_REASON,
    REFERRAL,
    RETURNEE,
    moves,
)


def refusal(check: Callable[[], object]) -> str | None:
    try:
        check()
    except ProblemError as error:
        refused = error
    else:
        return None
    assert refused.problem_type.status == 409
    assert {"from_state", "to_state"} <= refused.members.keys()
    return refused.name


@pytest.mark.parametrize("state", referral.STATES)
def test_a_referral_moves_as_it_is_written(state: Any) -> None:
    table = moves(REFERRAL)
    ways = itertools.product(referral.STATES, ("sender", "receiver"), referral.STATES)
    for to, actor, interrupted in ways:
        who, _, back = table.get((state, to), "").partition(", ")
        written = bool(who) and (not back or to == interrupted)
        asked = refusal(lambda: check_transition(state, to, actor, [interrupted]))  # noqa: B023
        expected = None
        if not written or who.endswith("node"):
            expected = "illegal_transition"
        elif who != actor:
            expected = "not_your_step"
        assert asked == expected, (state, to, actor, interrupted)
        moved = may_move(state, to, actor, [interrupted])
        assert moved == (written and who.removesuffix("'s node") == actor)


def test_a_referrals_events_move_it_as_it_is_written_whoever_claims_to_have_written_them() -> None:
    table = moves(REFERRAL)
    ways: dict[str, list[Event]] = {"submitted": [Event(0, "submitted", "sender")]}
    pending = ["submitted"]
    while pending:
        here = pending.pop(0)
        before = replay(ways[here])
        for to, actor in itertools.product(referral.STATES, ("sender", "receiver")):
            event = Event(before.next_seq, to, actor)  # type: ignore[arg-type]
            after = replay([*ways[here], event])
            who, _, back = table.get((here, to), "").partition(", ")
            moves_it = who.removesuffix("'s node") == actor
            if moves_it and (not back or to == before.way_back[-1]):
                assert (after.state, after.inapplicable) == (to, ())
                if to not in ways:
                    ways[to] = [*ways[here], event]
                    pending.append(to)
            else:
                assert (after.state, after.inapplicable) == (here, (event.seq,))
    assert set(ways) == set(referral.STATES) - {"draft"}


def test_what_needs_a_reason_is_what_is_written() -> None:
    assert referral.NEEDS_REASON == NEEDS_REASON


@pytest.mark.parametrize(
    ("lifecycle", "table"), [(consent, CONSENT), (returnee, RETURNEE)], ids=["consent", "returnee"]
)
def test_records_without_sides_move_as_it_is_written(lifecycle: Any, table: str) -> None:
    written = moves(table)
    for state, to in itertools.product(lifecycle.STATES, repeat=2):
        asked = refusal(lambda: lifecycle.check_transition(state, to))  # noqa: B023
        assert asked == (None if (state, to) in written else "illegal_transition"), (state, to)


def test_a_follow_up_moves_as_it_is_written() -> None:
    written = moves(FOLLOW_UP)
    actors = get_args(follow_up.Actor)
    for state, to, actor in itertools.product(follow_up.STATES, follow_up.STATES, actors):
        who = written.get((state, to))
        expected = None
        if who is None or (who == "node" != actor):
            expected = "illegal_transition"
        elif who != actor:
            expected = "not_your_step"
        asked = refusal(lambda: follow_up.check_transition(state, to, actor))  # noqa: B023
        assert asked == expected, (state, to, actor)
