from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from relevo.contracts.channels import Channel
from relevo.contracts.consent import Consent
from relevo.contracts.coverage import named_for
from relevo.contracts.follow_up import (
    AttemptEnding,
    FollowUpAsk,
    FollowUpReport,
    FollowUpResult,
    FollowUpStep,
    result_of,
)
from relevo.contracts.lifecycles.follow_up import (
    ATTEMPTABLE,
    BY_REPORT,
    OPEN,
    STATES,
    TRANSITIONS,
    WAITING,
    Actor,
    Fruitless,
    State,
    check_transition,
    check_unreachable,
    next_states,
)
from relevo.contracts.message_types.registry import MESSAGE_TYPES
from relevo.contracts.pathways.loader import pathways
from relevo.contracts.pathways.schema import Pathway
from relevo.contracts.problem import ProblemError
from relevo.contracts.vocabularies.loader import code_list

ACTORS: tuple[Actor, ...] = ("asker", "holder", "node")
GUATEMALA = ZoneInfo("America/Guatemala")
NOW = datetime(2026, 4, 1, 23, 30, tzinfo=UTC)


# -- lifecycle ----------------------------------------------------------------------------------------


def test_the_states_are_those_of_the_vocabulary() -> None:
    assert set(STATES) == {entry.code for entry in code_list("follow_up_state").codes}


def test_every_state_is_reached_and_what_ended_stays_ended() -> None:
    reached: set[State] = {"requested"}
    while more := {to for here, to in TRANSITIONS if here in reached} - reached:
        reached |= more
    assert reached == set(STATES)
    assert {here for here, _ in TRANSITIONS} == set(OPEN)
    assert set(OPEN) >= WAITING | ATTEMPTABLE


@pytest.mark.parametrize("actor", ACTORS)
@pytest.mark.parametrize("state", STATES)
def test_a_step_is_possible_exactly_when_the_table_gives_it_to_this_side(
    state: State, actor: Actor
) -> None:
    for to in STATES:
        writer = TRANSITIONS.get((state, to))
        if writer == actor:
            check_transition(state, to, actor)
            continue
        with pytest.raises(ProblemError) as refusal:
            check_transition(state, to, actor)
        known = writer is not None and writer != "node"
        assert refusal.value.name == ("not_your_step" if known else "illegal_transition")
    expected = [to for (here, to), who in TRANSITIONS.items() if here == state and who == actor]
    assert list(next_states(state, actor)) == [to for to in expected if to not in BY_REPORT]


@given(st.lists(st.tuples(st.sampled_from(STATES), st.sampled_from(ACTORS)), max_size=30))
def test_whatever_is_tried_only_the_asker_cancels_and_only_the_holder_reports(
    tried: list[tuple[State, Actor]],
) -> None:
    state: State = "requested"
    for to, actor in tried:
        try:
            check_transition(state, to, actor)
        except ProblemError:
            continue
        assert (to == "cancelled") == (actor == "asker")
        assert (to in {"expired", "consent_withdrawn"}) == (actor == "node")
        if to in BY_REPORT | {"unreachable"}:
            assert state == "in_progress"
        state = to


# -- unreachable --------------------------------------------------------------------------------------


def tries(*made: tuple[int, Channel]) -> list[Fruitless]:
    """Hours from now, and by what."""
    return [Fruitless(NOW + timedelta(hours=hours), channel) for hours, channel in made]


BOTH: frozenset[Channel] = frozenset({"call", "sms"})
ONE: frozenset[Channel] = frozenset({"call"})


def test_three_attempts_on_two_days_by_two_channels_suffice() -> None:
    made = tries((0, "call"), (24, "sms"), (25, "call"))
    check_unreachable(made, zone=GUATEMALA, available=BOTH)


def test_one_channel_suffices_where_there_is_no_other() -> None:
    made = tries((0, "call"), (24, "call"), (25, "call"))
    check_unreachable(made, zone=GUATEMALA, available=ONE)


@pytest.mark.parametrize(
    "made",
    [
        [],
        tries((0, "call"), (24, "sms")),
        tries((0, "call"), (1, "sms"), (2, "call")),
        tries((0, "call"), (24, "call"), (48, "call")),
    ],
)
def test_fewer_do_not(made: list[Fruitless]) -> None:
    with pytest.raises(ProblemError) as refusal:
        check_unreachable(made, zone=GUATEMALA, available=BOTH)
    assert refusal.value.name == "too_few_attempts"


def test_days_are_those_of_the_place_that_is_called() -> None:
    # 17:30 and 18:30 in Guatemala: one day there, two in UTC.
    made = tries((0, "call"), (1, "sms"), (1, "call"))
    assert len({attempt.at.date() for attempt in made}) == 2
    with pytest.raises(ProblemError):
        check_unreachable(made, zone=GUATEMALA, available=BOTH)


@given(
    st.lists(st.tuples(st.integers(0, 200), st.sampled_from(["call", "sms", "visit"])), max_size=8),
    st.sets(st.sampled_from(["call", "sms", "visit"])),
)
def test_nobody_is_given_up_too_early(made: Any, available: Any) -> None:
    attempts = tries(*made)
    days = {attempt.at.astimezone(GUATEMALA).date() for attempt in attempts}
    channels = {attempt.modality for attempt in attempts}
    enough = (
        len(attempts) >= 3 and len(days) >= 2 and len(channels) >= max(1, min(2, len(available)))
    )
    try:
        check_unreachable(attempts, zone=GUATEMALA, available=available)
    except ProblemError:
        assert not enough
    else:
        assert enough


# -- what goes back -----------------------------------------------------------------------------------


def a_report(**changes: Any) -> FollowUpReport:
    return FollowUpReport.model_validate(
        {
            "ended": "completed",
            "situation": "stable",
            "living_situation": "with_own_family",
            "document_received": True,
            "wants": ["vocational_training"],
            "remigration_intention": "yes",
            "note": "Vive con su hija.",
            **changes,
        }
    )


def test_by_default_the_asker_learns_how_it_ended_how_she_is_and_how_many_needs_stand() -> None:
    result = result_of(a_report(), categories=["service_history"], reported_at=NOW)
    assert result.model_dump(exclude_none=True, exclude={"reported_at"}) == {
        "ended": "completed",
        "situation": "stable",
        "open_needs": 1,
        "needs": [],
    }


def test_a_need_is_named_only_under_its_own_category() -> None:
    report = a_report(needs=["child_protection", "national_id"])
    result = result_of(report, categories=["service_history", "identity_document"], reported_at=NOW)
    assert result.needs == ["national_id"]
    assert result.open_needs == 3
    assert result.document_received is True
    assert result.living_situation is None


CATEGORIES = [entry.code for entry in code_list("data_category").codes]
SERVICES = [entry.code for entry in code_list("service_type").codes]


@given(
    intention=st.sampled_from(["no", "yes", "unsure", "not_asked"]),
    categories=st.sets(st.sampled_from(CATEGORIES)),
    needs=st.lists(st.sampled_from(SERVICES), max_size=10),
)
def test_intention_to_leave_again_and_notes_never_leave(
    intention: str, categories: set[str], needs: list[str]
) -> None:
    report = a_report(remigration_intention=intention, needs=needs)
    one = result_of(report, categories=categories, reported_at=NOW)
    other = result_of(
        a_report(remigration_intention="not_asked", needs=needs, note=None),
        categories=categories,
        reported_at=NOW,
    )
    assert one == other
    if "child_data" not in categories:
        assert "child_protection" not in one.needs
    assert "remigration_intention" not in FollowUpResult.model_fields
    assert "note" not in FollowUpResult.model_fields


# -- naming -------------------------------------------------------------------------------------------


def a_consent(**changes: Any) -> Consent:
    return Consent.model_validate(
        {
            "id": "0198c7a1-0b2c-7f00-8c11-2b9d7c3f5a10",
            "state": "active",
            "recorded_at": NOW,
            "person_id": "T-1",
            "notice": {"id": "n", "version": "3", "language": "es", "channel": "paper"},
            "purposes": ["service_delivery", "follow_up"],
            "categories": ["identity"],
            "recipients": [
                {"party": "gt.igm.crr"},
                {"party": "gt.consulado-tapachula", "only": ["status", "follow_up"]},
            ],
            "given_by": {"capacity": "self"},
            "method": "signature",
            "given_at": NOW,
            "valid_from": NOW,
            "valid_until": NOW + timedelta(days=180),
            **changes,
        }
    )


def test_who_did_not_opt_in_is_followed_up_for_nobody() -> None:
    opted_in = a_consent()
    not_asked = a_consent(purposes=["service_delivery"])
    assert named_for(opted_in, "follow_up", excluded_countries=set()) == ["gt.consulado-tapachula"]
    assert named_for(not_asked, "follow_up", excluded_countries=set()) == []
    assert named_for(not_asked, "status", excluded_countries=set()) == ["gt.consulado-tapachula"]


def test_the_country_of_origin_is_not_named_where_it_must_not_know() -> None:
    assert named_for(a_consent(), "follow_up", excluded_countries={"GT"}) == []


def test_a_sealed_route_allows_no_follow_up_unless_it_says_so() -> None:
    route = pathways()["gt-retorno-al-hogar"]
    assert route.allows_follow_up
    silent = {**route.model_dump(), "follow_up": None}
    assert Pathway.model_validate(silent).allows_follow_up
    sealed = {**silent, "sensitivity": "sealed", "routing_class": "protection"}
    assert not Pathway.model_validate(sealed).allows_follow_up
    assert Pathway.model_validate(
        {**sealed, "follow_up": {"allowed": True, "why": "She asked for it"}}
    ).allows_follow_up
    assert not Pathway.model_validate({**silent, "follow_up": {"allowed": False}}).allows_follow_up


# -- models -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("days", [-1, 0, 367])
def test_a_window_lasts_some_time_and_not_for_ever(days: int) -> None:
    with pytest.raises(ValidationError):
        FollowUpAsk(
            reference_code="MX-00000000000",
            window_from=NOW,
            window_until=NOW + timedelta(days=days),
        )


def test_nobody_claims_that_a_rule_forbade_an_attempt() -> None:
    with pytest.raises(ValidationError):
        AttemptEnding(outcome="not_attempted_rule")


@pytest.mark.parametrize(
    "step",
    [
        {"to": "redirected"},
        {"to": "accepted", "redirect_to": "gt.igm.car"},
        {"to": "scheduled"},
        {"to": "accepted", "scheduled_at": NOW},
        {"to": "completed"},
        {"to": "expired"},
    ],
)
def test_a_step_says_what_it_needs_and_nothing_else(step: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        FollowUpStep.model_validate(step)


def test_each_message_is_of_its_class() -> None:
    classes = {
        name: kind.message_class for name, kind in MESSAGE_TYPES.items() if "follow_up" in name
    }
    assert classes == {
        "follow_up.requested/1": "request",
        "follow_up.state/1": "control",
        "follow_up.result/1": "content",
    }
