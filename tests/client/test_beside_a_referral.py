"""What stands beside a referral: reviews, sealed records, a calendar of follow-up."""

import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from relevo.client.exceptions import InvalidInputError, NotFoundError, RelevoProblemError
from relevo.contracts.sealed_records import Kinship
from tests.client.test_commands import Person, a_stored_referral, done
from tests.client.world import World
from tests.support.follow_ups import RULES
from tests.support.institutions import CONSULATE, RECEPTION, START
from tests.support.node_requests import COMPLETION, a_consent, a_person, a_submission
from tests.support.sealed import KINSHIP, TOLD

DONE = "Se habló con la escuela; la niña sigue con su tía."


def separated(consent_id: str) -> dict[str, Any]:
    """A mother whose child stayed abroad: a route whose referrals are reviewed every 90 days."""
    return a_submission(
        consent_id,
        receiver=CONSULATE,
        pathway="family-separated-by-deportation",
        purpose="family_links",
        needs=[{"service": "restoring_family_links"}],
        persons=[a_person(family={"summary": "Su hija quedó con una tía."})],
        share=["identity", "family"],
    )


def her_consent() -> dict[str, Any]:
    return a_consent(
        purposes=["family_links"],
        recipients=[{"party": CONSULATE, "requested_by_person": True}],
    )


def test_a_review_is_recorded_once_and_the_sender_sees_when(
    world: World, shelter: Any, consulate: Any
) -> None:
    given = shelter.consents.record(her_consent()).id
    referral = shelter.referrals.submit(separated(given)).id
    world.settle()
    key = str(uuid.uuid4())
    made = consulate.referrals.review(referral, DONE, at=START, key=key)
    assert consulate.referrals.review(referral, DONE, at=START, key=key).id == made.id
    world.settle()
    assert [(one.at, one.done) for one in consulate.referrals.reviews(referral)] == [(START, DONE)]
    assert [(one.at, one.done) for one in shelter.referrals.reviews(referral)] == [(START, None)]


def test_what_its_pathway_does_not_review_is_not_reviewed(
    world: World, shelter: Any, desk: Any
) -> None:
    given = shelter.consents.record(a_consent()).id
    referral = shelter.referrals.submit(a_submission(given)).id
    world.settle()
    with pytest.raises(RelevoProblemError) as refused:
        desk.referrals.review(referral, DONE)
    assert refused.value.name == "not_reviewed"
    assert desk.referrals.reviews(referral) == []


def test_what_is_sealed_stays_with_the_unit_that_holds_it(
    world: World, shelter: Any, desk: Any
) -> None:
    given = shelter.consents.record(a_consent()).id
    referral = shelter.referrals.submit(a_submission(given)).id
    world.settle()
    kin, key = Kinship.model_validate(KINSHIP), str(uuid.uuid4())
    written = desk.sealed_records.write(referral, kin, key=key)
    assert desk.sealed_records.write(referral, kin, key=key).id == written.id
    assert written.recorded_by == RECEPTION
    desk.sealed_records.write(referral, TOLD)
    kinds = [one.record.kind for one in desk.sealed_records.of(referral)]
    assert kinds == ["kinship", "family_told"]
    assert desk.sealed_records.of(referral)[0].record == kin
    with pytest.raises(InvalidInputError):
        desk.sealed_records.write(referral, TOLD | {"in_person": False})
    # The sender holds the referral too, and sees nothing of it.
    assert shelter.sealed_records.of(referral) == []


def opted_in() -> dict[str, Any]:
    return a_consent(purposes=["service_delivery", "follow_up"], contact_rules=RULES)


def test_a_calendar_proposes_when_to_ask(world: World, shelter: Any, desk: Any) -> None:
    given = shelter.consents.record(opted_in()).id
    referral = shelter.referrals.submit(a_submission(given)).id
    world.settle()
    desk.referrals.accept(referral)
    assert desk.follow_ups.calendar(referral).none_because == "not_completed"
    desk.referrals.complete(referral, COMPLETION["counter_referral"])
    world.settle()
    proposed = desk.follow_ups.calendar(referral)
    assert [window.day for window in proposed.windows] == [7, 30, 90, 180, 365]
    assert proposed.windows[0].channels == ["call", "sms", "signal"]
    with pytest.raises(NotFoundError):
        shelter.follow_ups.calendar(referral)


# -- as commands ------------------------------------------------------------------------------------


def test_reviews_are_recorded_and_listed_by_command(world: World, tmp_path: Path) -> None:
    shelter = Person(tmp_path, world.arguments["shelter"])
    officer = Person(tmp_path, world.arguments["consulate"])
    given = json.loads(done(shelter("consent", "record", "-", typed=her_consent())))["id"]
    stored = done(shelter("referral", "submit", "-", typed=separated(given)))
    referral = json.loads(stored)["id"]
    world.settle()
    assert done(officer("referral", "review", referral, DONE)).startswith("Reviewed at ")
    world.settle()
    assert DONE in done(officer("referral", "reviews", referral))
    assert DONE not in done(shelter("referral", "reviews", referral))


def test_a_calendar_is_printed_or_why_there_is_none(world: World, tmp_path: Path) -> None:
    shelter = Person(tmp_path, world.arguments["shelter"])
    desk = Person(tmp_path, world.arguments["desk"])
    shown = desk("follow-up", "calendar", a_stored_referral(world, shelter))
    assert done(shown) == ""
    assert "Nothing is proposed: nobody agreed to be followed up." in shown.stderr
    given = json.loads(done(shelter("consent", "record", "-", typed=opted_in())))["id"]
    stored = done(shelter("referral", "submit", "-", typed=a_submission(given)))
    referral = json.loads(stored)["id"]
    world.settle()
    done(desk("referral", "accept", referral))
    done(desk("referral", "complete", referral, "-", typed=COMPLETION["counter_referral"]))
    first = done(desk("follow-up", "calendar", referral)).splitlines()[0]
    assert first == "1\t7\t2026-03-11T15:00Z\t2026-03-18T15:00Z\tcall, sms, signal"
    world.settle()
