"""What becomes of a withdrawal, and those by whoever holds the paper: both clients, and as commands."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from relevo.cli.main import app
from relevo.client.exceptions import IllegalTransitionError, NotFoundError, UnavailableError
from relevo.contracts.problem import ProblemError
from relevo.node.operations.paper_withdrawals import take_requests_once
from tests.client.test_commands import Person, done
from tests.client.world import Fault, Place, World, busy, cut, refusing
from tests.support.institutions import RECEPTION, START
from tests.support.node_requests import a_consent, a_submission

NOBODY = "0b8dd5a4-86b7-4d0e-9a5e-4a3a3c8f2f11"
PHRASE = "La milpa ya espigó"
LAW = "Código de Migración, art. 14"


def take_what_waits(place: Place) -> None:
    """What the node's own worker does with requests made with the paper."""
    with ThreadPoolExecutor(1) as pool:
        while pool.submit(lambda: asyncio.run(take_requests_once(place.member.node))).result(60):
            pass


def a_paper(world: World, shelter: Any, **changes: Any) -> tuple[str, Any]:
    """A consent, and the referral under it whose code she carries."""
    given = shelter.consents.record(a_consent(**changes)).id
    stored = shelter.referrals.submit(a_submission(given))
    world.settle()
    return given, stored


def test_every_holder_of_what_left_is_seen_to_answer(world: World, shelter: Any, desk: Any) -> None:
    given, stored = a_paper(world, shelter)
    assert shelter.consents.withdrawal(given).withdrawn_at is None
    with pytest.raises(IllegalTransitionError):
        shelter.consents.answer_withdrawal(given, "stopped")
    with pytest.raises(IllegalTransitionError):
        desk.referrals.answer_withdrawal(stored.id, "stopped")
    shelter.consents.withdraw(given, said_at=START)
    world.settle()
    [waited_for] = shelter.consents.withdrawal(given).holders
    assert (waited_for.holder, waited_for.answer) == (RECEPTION, None)

    assert desk.referrals.answer_withdrawal(stored.id, "kept", law=LAW).answer == "kept"
    world.settle()
    ended = shelter.consents.answer_withdrawal(given, "stopped")
    assert (ended.state, ended.own and ended.own.answer) == ("withdrawn", "stopped")
    [answered] = shelter.consents.withdrawal(given).holders
    assert (answered.referral_id, answered.answer, answered.law) == (stored.id, "kept", LAW)


def test_what_is_kept_without_a_law_is_not_sent(shelter: Any, desk: Any) -> None:
    with pytest.raises(ValueError, match="under a law that is named"):
        desk.referrals.answer_withdrawal(NOBODY, "kept")
    with pytest.raises(ValueError, match="under a law that is named"):
        shelter.consents.answer_withdrawal(NOBODY, "stopped", law=LAW)
    with pytest.raises(NotFoundError):
        desk.referrals.answer_withdrawal(NOBODY, "stopped")
    with pytest.raises(NotFoundError):
        shelter.consents.withdrawal(NOBODY)


def test_the_paper_withdraws_at_any_desk(world: World, shelter: Any, desk: Any) -> None:
    given, stored = a_paper(world, shelter)
    assert desk.withdrawal_requests.ask(stored.reference_code.lower(), PHRASE).taken
    assert desk.withdrawal_requests.ask("MX-00000000000", PHRASE).taken
    take_what_waits(world.shelter)
    assert shelter.consents.get(given).state == "withdrawn"
    world.settle()
    with pytest.raises(ValueError, match="miscopied"):
        desk.withdrawal_requests.ask("MX-3G9230VQVSR", PHRASE)


unreached = refusing(ProblemError("gateway_unreachable"), retry_after=0)


@pytest.mark.parametrize("fault", [cut, unreached])
def test_a_request_that_may_have_arrived_is_not_made_again(
    world: World, desk: Any, fault: Fault
) -> None:
    world.institute.app.on("/v1/withdrawal-requests", fault)
    with pytest.raises(UnavailableError):
        desk.withdrawal_requests.ask("MX-00000000000", "otra cosa")
    assert world.institute.app.count("POST /v1/withdrawal-requests") == 1


def test_a_request_that_surely_did_not_arrive_is_made_again(world: World, desk: Any) -> None:
    world.institute.app.on("/v1/withdrawal-requests", busy)
    assert desk.withdrawal_requests.ask("MX-00000000000", "otra cosa").taken
    assert world.institute.app.count("POST /v1/withdrawal-requests") == 2


def test_where_no_phrase_was_agreed_she_is_asked_herself(
    world: World, shelter: Any, desk: Any
) -> None:
    given, stored = a_paper(world, shelter, contact_rules={})
    desk.withdrawal_requests.ask(stored.reference_code, "cualquiera")
    take_what_waits(world.shelter)
    assert shelter.consents.get(given).state == "active"
    [waits] = shelter.withdrawal_requests.waiting()
    assert (waits.referral_id, waits.consent_ids) == (stored.id, [given])
    assert list(desk.withdrawal_requests.waiting()) == []
    with pytest.raises(NotFoundError):
        desk.withdrawal_requests.answer(waits.id, withdraws=True, asked_at=START)
    said = shelter.withdrawal_requests.answer(waits.id, withdraws=False, asked_at=START)
    assert said.state == "refused"
    with pytest.raises(IllegalTransitionError):
        shelter.withdrawal_requests.answer(waits.id, withdraws=True)
    assert shelter.withdrawal_requests.waiting() == []
    assert shelter.consents.get(given).state == "active"


# -- as commands ------------------------------------------------------------------------------------


@pytest.fixture
def typists(world: World, tmp_path: Path) -> tuple[Person, Person]:
    return (
        Person(tmp_path, world.arguments["shelter"]),
        Person(tmp_path, world.arguments["desk"]),
    )


def a_typed_paper(world: World, shelter: Person, **changes: Any) -> tuple[str, dict[str, str]]:
    given = json.loads(done(shelter("consent", "record", "-", typed=a_consent(**changes))))["id"]
    stored = json.loads(done(shelter("referral", "submit", "-", typed=a_submission(given))))
    world.settle()
    return given, stored


def test_holders_and_their_answers_are_listed(world: World, typists: tuple[Person, Person]) -> None:
    shelter, desk = typists
    given, stored = a_typed_paper(world, shelter)
    assert (
        f"{given} is active: it was not withdrawn."
        in shelter("consent", "withdrawal", given).stderr
    )
    done(shelter("consent", "withdraw", given, "--said-at", "2026-03-02T10:40-06:00"))
    world.settle()
    lawless = desk("referral", "answer-withdrawal", stored["id"], "kept")
    assert (lawless.exit_code, lawless.stdout) == (1, "")
    assert "under a law that is named" in lawless.stderr
    kept = desk("referral", "answer-withdrawal", stored["id"], "kept", "--law", LAW)
    assert done(kept) == f"{stored['id']}: kept.\n"
    assert done(shelter("consent", "answer-withdrawal", given, "stopped")) == f"{given}: stopped.\n"
    world.settle()
    listed = shelter("consent", "withdrawal", given)
    row = done(listed).strip().split("\t")
    assert row[:5] == [stored["id"], stored["reference_code"], RECEPTION, "kept", LAW]
    assert "This institution itself: stopped." in listed.stderr


def test_somebody_with_the_paper_is_served_at_a_desk(
    world: World, typists: tuple[Person, Person]
) -> None:
    shelter, desk = typists
    given, stored = a_typed_paper(world, shelter, contact_rules={})
    words = ["consent", "ask-to-withdraw", stored["reference_code"]]
    taken = CliRunner().invoke(app, [*words, "--profile", str(desk.profile)], input=f"{PHRASE}\n")
    assert "Taken. Whoever holds the consent decides" in done(taken)
    assert PHRASE not in taken.output
    wrong = desk("consent", "ask-to-withdraw", "MX-3G9230VQVSR")
    assert (wrong.exit_code, "miscopied" in wrong.stderr) == (1, True)
    take_what_waits(world.shelter)
    [request] = [
        row[0]
        for row in (line.split("\t") for line in done(shelter("consent", "requests")).splitlines())
        if row[1] == stored["id"]
    ]
    unsaid = shelter("consent", "answer-request", request)
    assert unsaid.exit_code == 2
    yes = shelter(
        "consent", "answer-request", request, "--yes", "--asked-at", "2026-03-02T10:40-06:00"
    )
    assert done(yes) == f"{request} is withdrawn.\n"
    assert json.loads(done(shelter("consent", "show", given)))["state"] == "withdrawn"
    world.settle()
