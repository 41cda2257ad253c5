"""Opened in an emergency, reviewed, and who read what: both clients, and as commands."""

import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from relevo.client.exceptions import (
    IllegalTransitionError,
    InvalidInputError,
    NotFoundError,
    RelevoProblemError,
)
from relevo.contracts.break_glass import BreakGlassOpening, BreakGlassReview
from relevo.contracts.scopes import Scope
from tests.client.test_commands import Person, a_stored_referral, done
from tests.client.world import Clients, World
from tests.support.node_requests import a_consent, a_submission

NIGHT_SHIFT = "gt.igm.car"
REVIEWER = "gt.pdh"
NOBODY = "0b8dd5a4-86b7-4d0e-9a5e-4a3a3c8f2f11"
OPENING: dict[str, Any] = {
    "risk": "life",
    "reason": "Convulsiona en la puerta; hay que saber qué toma.",
    "opened_by": "Turno de noche, 0417",
    "alone_on_shift": True,
    "reviewer": REVIEWER,
    "hours": 4,
}
REVIEW = {
    "finding": "justified",
    "words": "La ambulancia llegó a tiempo.",
    "reviewed_by": "Auxiliatura",
}


@pytest.fixture(scope="module")
def night(running: World) -> dict[str, Any]:
    return running.institute.register("night", unit=NIGHT_SHIFT)


@pytest.fixture(scope="module")
def reviewer(running: World) -> dict[str, Any]:
    """Of another institution: a client of this node's issuer that reviews and reads nothing else."""
    return running.institute.register(
        "pdh", institution=REVIEWER, scopes=(Scope.BREAK_GLASS_REVIEW,)
    )


@pytest.fixture
def of_another_unit(world: World, shelter: Any) -> str:
    given = shelter.consents.record(a_consent()).id
    referral = shelter.referrals.submit(a_submission(given, share=["identity"])).id
    world.settle()
    return str(referral)


def test_it_is_opened_read_and_reviewed_from_outside(
    clients: Clients,
    desk: Any,
    night: dict[str, Any],
    reviewer: dict[str, Any],
    of_another_unit: str,
) -> None:
    shift, outside = clients(**night), clients(**reviewer)
    with pytest.raises(NotFoundError):
        shift.referrals.get(of_another_unit)
    asked, key = BreakGlassOpening.model_validate(OPENING), str(uuid.uuid4())
    use = shift.break_glass.open(of_another_unit, asked, key=key)
    assert shift.break_glass.open(of_another_unit, asked, key=key).id == use.id
    assert (use.state, use.party, use.reviewer) == ("open", NIGHT_SHIFT, REVIEWER)
    assert shift.referrals.get(of_another_unit).persons
    [entry] = desk.access_log.find(subject=of_another_unit)
    assert (entry.what, entry.party, entry.break_glass) == ("referral", NIGHT_SHIFT, use.id)

    found = BreakGlassReview.model_validate(REVIEW)
    with pytest.raises(RelevoProblemError) as refused:
        desk.break_glass.review(use.id, found)
    assert refused.value.name == "reviewer_not_independent"
    assert use.id in {one.id for one in outside.break_glass.find()}
    assert outside.break_glass.review(use.id, found).reviewed_by_party == REVIEWER
    assert outside.break_glass.review(use.id, REVIEW).state == "reviewed"
    with pytest.raises(IllegalTransitionError):
        outside.break_glass.review(use.id, REVIEW | {"finding": "not_justified"})


def test_what_is_open_already_or_absent_is_not_opened(
    clients: Clients, desk: Any, night: dict[str, Any], of_another_unit: str
) -> None:
    shift = clients(**night)
    with pytest.raises(RelevoProblemError) as refused:
        desk.break_glass.open(of_another_unit, OPENING)
    assert refused.value.name == "break_glass_not_needed"
    with pytest.raises(NotFoundError):
        shift.break_glass.open(NOBODY, OPENING)
    with pytest.raises(InvalidInputError) as own:
        shift.break_glass.open(of_another_unit, OPENING | {"reviewer": "gt.igm.crr"})
    assert [place.pointer for place in own.value.errors] == ["/reviewer"]


def test_reads_are_listed_page_after_page(world: World, desk: Any, of_another_unit: str) -> None:
    for _ in range(51):
        desk.referrals.get(of_another_unit)
    world.institute.app.seen.clear()
    reads = list(desk.access_log.find(subject=of_another_unit))
    assert (len(reads), {one.subject for one in reads}) == (51, {of_another_unit})
    assert world.institute.app.count("GET /v1/access-log") == 2


def test_a_night_shift_opens_by_command_and_somebody_else_reviews(
    world: World, tmp_path: Path, night: dict[str, Any], reviewer: dict[str, Any]
) -> None:
    shift, outside = Person(tmp_path, night), Person(tmp_path, reviewer)
    referral = a_stored_referral(world, Person(tmp_path, world.arguments["shelter"]))
    opened = shift("break-glass", "open", referral, "-", typed=OPENING)
    use = done(opened).strip()
    assert "A second person reviews it until 2026-03-05T16:40Z." in opened.stderr
    assert "Tomasa Isabel" in done(shift("referral", "show", referral))
    [row] = [
        line.split("\t")
        for line in done(outside("break-glass", "list")).splitlines()
        if line.startswith(use)
    ]
    assert row[1:6] == [referral, NIGHT_SHIFT, "life", "open", "1"]
    reviewed = json.loads(done(outside("break-glass", "review", use, "-", typed=REVIEW)))
    assert (reviewed["state"], reviewed["review"]["finding"]) == ("reviewed", "justified")
