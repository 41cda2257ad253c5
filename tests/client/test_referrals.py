"""Referrals and consents through both clients, against real nodes."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from relevo.client.exceptions import (
    IllegalTransitionError,
    InvalidInputError,
    NotFoundError,
    RefusedByConsentError,
    RelevoProblemError,
)
from relevo.contracts.consent import ConsentInput
from relevo.contracts.information import Question
from relevo.contracts.referral import CounterReferral, ReferralSubmission
from tests.client.world import World
from tests.support.institutions import RECEPTION, START
from tests.support.node_requests import COMPLETION, a_consent, a_submission


def referred(world: World, shelter: Any, **changes: Any) -> Any:
    consent = shelter.consents.record(a_consent())
    stored = shelter.referrals.submit(a_submission(consent.id, **changes))
    world.settle()
    return stored


def test_a_referral_goes_there_and_its_outcome_comes_back(
    world: World, shelter: Any, desk: Any
) -> None:
    consent = shelter.consents.record(ConsentInput.model_validate(a_consent()))
    submission = ReferralSubmission.model_validate(a_submission(consent.id))
    stored = shelter.referrals.submit(submission)
    assert stored.state == "submitted"
    assert "health" in stored.withheld
    world.settle()

    arrived = desk.referrals.get(stored.id)
    assert arrived.persons[0]["identity"]["given_names"] == "Tomasa Isabel"  # type: ignore[index]
    assert "acknowledged" in arrived.possible_next
    assert desk.referrals.acknowledge(stored.id, seen_by="Turno A").state == "acknowledged"
    assert desk.referrals.accept(stored.id, note="hay lugar").state == "accepted"
    at = START + timedelta(days=1)
    assert desk.referrals.schedule(stored.id, at, place="puerta 2").state == "scheduled"
    assert desk.referrals.begin(stored.id).state == "in_progress"
    assert desk.referrals.hold(stored.id, "no_capacity").state == "on_hold"
    assert desk.referrals.begin(stored.id).state == "in_progress"
    outcome = CounterReferral.model_validate(COMPLETION["counter_referral"])
    assert desk.referrals.complete(stored.id, outcome).state == "completed"
    world.settle()

    known = shelter.referrals.get(stored.id)
    assert known.state == "completed"
    assert known.counter_referral.outcome == "service_delivered"
    assert shelter.referrals.close(stored.id).state == "closed"
    history = shelter.referrals.history(stored.id)
    assert [entry.state for entry in history][:3] == ["submitted", "received", "acknowledged"]
    assert history[2].seen_by == "Turno A"
    assert isinstance(history[2].at, datetime)


def test_a_referral_is_put_on_a_list_then_rejected(world: World, shelter: Any, desk: Any) -> None:
    stored = referred(world, shelter)
    assert desk.referrals.waitlist(stored.id).state == "waitlisted"
    assert desk.referrals.reject(stored.id, "no_capacity").state == "rejected"
    world.settle()
    assert shelter.referrals.get(stored.id).state == "rejected"


def test_a_receiver_asks_and_sends_on(world: World, shelter: Any, desk: Any) -> None:
    stored = referred(world, shelter)
    question = Question(category="family", text="¿Quién la espera?")
    assert desk.referrals.ask(stored.id, [question]).state == "info_requested"
    other = referred(world, shelter)
    sent_on = desk.referrals.redirect(other.id, "outside_territory", redirect_to="gt.renap")
    assert sent_on.state == "redirected"


def test_a_referral_that_was_taken_on_can_fail(world: World, shelter: Any, desk: Any) -> None:
    stored = referred(world, shelter)
    desk.referrals.take_step(stored.id, {"to": "accepted"})
    assert desk.referrals.fail(stored.id, "unreachable").state == "failed"


def test_a_step_that_is_not_possible_says_both_states(
    world: World, shelter: Any, desk: Any
) -> None:
    stored = referred(world, shelter)
    with pytest.raises(IllegalTransitionError) as refused:
        desk.referrals.begin(stored.id)
    assert (refused.value.from_state, refused.value.to_state) == ("received", "in_progress")
    assert (refused.value.name, refused.value.status) == ("illegal_transition", 409)
    with pytest.raises(IllegalTransitionError):
        shelter.referrals.close(stored.id)


def test_what_the_person_did_not_allow_is_refused(shelter: Any) -> None:
    consent = shelter.consents.record(a_consent())
    with pytest.raises(RefusedByConsentError) as refused:
        shelter.referrals.submit(a_submission(consent.id, share=["identity", "health"]))
    assert refused.value.name == "consent_does_not_cover_category"
    assert refused.value.members["categories"] == ["health"]


def test_a_wrong_field_is_named_by_its_place(shelter: Any) -> None:
    with pytest.raises(InvalidInputError) as refused:
        shelter.referrals.submit(a_submission(None, triage="urgent"))
    assert [error.pointer for error in refused.value.errors] == ["/triage"]


def test_absent_and_not_yours_are_the_same(world: World, shelter: Any, consulate: Any) -> None:
    stored = referred(world, shelter)
    for referral_id in (stored.id, "0198c7a2-4f1e-7d51-9a60-6f1b7a51c0de"):
        with pytest.raises(NotFoundError):
            consulate.referrals.get(referral_id)


def test_an_empty_id_asks_nothing(world: World, shelter: Any) -> None:
    with pytest.raises(ValueError, match="empty"):
        shelter.referrals.get("")
    assert world.shelter.app.seen == []


def test_referrals_are_listed_over_pages(world: World, shelter: Any) -> None:
    consent = shelter.consents.record(a_consent())
    sent = [shelter.referrals.submit(a_submission(consent.id)).id for _ in range(53)]
    listed = [referral.id for referral in shelter.referrals.find(role="sender", state="submitted")]
    assert listed[:53] == sent[::-1]
    assert world.shelter.app.count("GET /v1/referrals") >= 2
    assert {one.id for one in shelter.referrals.find(role="receiver")}.isdisjoint(sent)
    assert list(shelter.referrals.find(overdue=True)) == []
    in_time = [referral.id for referral in shelter.referrals.find(overdue=False)]
    assert in_time[:53] == sent[::-1]
    world.settle()


def test_a_listing_can_be_left_early(world: World, shelter: Any) -> None:
    referred(world, shelter)
    for referral in shelter.referrals.find():
        assert referral.persons == []
        break


def test_many_are_submitted_and_each_is_answered(shelter: Any) -> None:
    consent = shelter.consents.record(a_consent())
    good = a_submission(consent.id)
    batch = [
        {**good, "local_reference": "a"},
        {**good, "local_reference": "b", "triage": "urgent"},
        {**good, "local_reference": "c", "share": ["identity", "health"]},
        {**good, "local_reference": "d"},
    ]
    run = consent.id[-12:]

    def key(referral: Any) -> str:
        return f"{run}-{referral['local_reference']}"

    outcomes = list(shelter.referrals.submit_many(iter(batch), key=key))
    assert [outcome.number for outcome in outcomes] == [0, 1, 2, 3]
    problems = [outcome.problem and outcome.problem.name for outcome in outcomes]
    assert problems == [None, "invalid_input", "consent_does_not_cover_category", None]
    assert isinstance(outcomes[1].problem, InvalidInputError)
    assert [error.pointer for error in outcomes[1].problem.errors] == ["/triage"]

    again = list(shelter.referrals.submit_many(batch, key=key))
    assert [one.referral and one.referral.id for one in again] == [
        one.referral and one.referral.id for one in outcomes
    ]


def test_more_than_a_hundred_go_in_batches(world: World, shelter: Any) -> None:
    consent = shelter.consents.record(a_consent())
    outcomes = list(shelter.referrals.submit_many(a_submission(consent.id) for _ in range(101)))
    assert len({outcome.referral.id for outcome in outcomes}) == 101
    assert world.shelter.app.count("POST /v1/referrals/bulk") == 2
    world.settle()


def test_a_consent_is_read_and_withdrawn(world: World, shelter: Any) -> None:
    consent = shelter.consents.record(a_consent(), key=f"c-{id(shelter)}")
    assert shelter.consents.record(a_consent(), key=f"c-{id(shelter)}").id == consent.id
    assert shelter.consents.get(consent.id).state == "active"
    ended = shelter.consents.withdraw(consent.id, said_at=START, recorded_by="Turno B")
    assert (ended.state, ended.withdrawn_at) == ("withdrawn", START)
    assert shelter.consents.withdraw(consent.id).state == "withdrawn"
    with pytest.raises(RefusedByConsentError) as refused:
        shelter.referrals.submit(a_submission(consent.id))
    assert refused.value.name == "consent_not_active"
    world.settle()


def test_the_same_key_for_another_request_is_refused(shelter: Any) -> None:
    consent = shelter.consents.record(a_consent())
    key = f"k-{consent.id}"
    shelter.referrals.submit(a_submission(consent.id), key=key)
    with pytest.raises(RelevoProblemError) as refused:
        shelter.referrals.submit(
            a_submission(consent.id, receiver=RECEPTION, triage="red"), key=key
        )
    assert refused.value.name == "idempotency_key_reused"


def test_problems_are_told_in_the_language_asked_for(world: World, clients: Any) -> None:
    spanish = clients(**world.arguments["shelter"], language="es")
    with pytest.raises(NotFoundError, match="No se encontró"):
        spanish.referrals.get("0198c7a2-4f1e-7d51-9a60-6f1b7a51c0de")
