"""Follow-up, questions and cancelling through both clients, as commands, and as the programs of the docs."""

import json
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from relevo.cli.main import app
from relevo.client.exceptions import (
    IllegalTransitionError,
    InvalidInputError,
    NotFoundError,
    RefusedByConsentError,
    RelevoProblemError,
)
from tests.client.test_commands import Person, done, runner
from tests.client.test_examples import Program
from tests.client.world import World
from tests.support.follow_ups import ALERT, PHRASE, REPORT, RULES
from tests.support.institutions import START
from tests.support.node_requests import a_consent, a_submission

FROM, UNTIL = START - timedelta(hours=1), START + timedelta(days=7)
BY_DAY = {**RULES, "from_time": "08:00"}


def her_code(world: World, shelter: Any, **rules: Any) -> str:
    """A referral at the institute of somebody who opted in, and may be called by day."""
    consent = shelter.consents.record(
        a_consent(purposes=["service_delivery", "follow_up"], contact_rules={**BY_DAY, **rules})
    )
    stored = shelter.referrals.submit(a_submission(consent.id))
    world.settle()
    return str(stored.reference_code)


def a_follow_up(world: World, shelter: Any, consulate: Any, **rules: Any) -> str:
    asked = consulate.follow_ups.request(her_code(world, shelter, **rules), FROM, UNTIL)
    world.settle()
    return str(asked.id)


def test_a_follow_up_from_the_question_to_the_answer(
    world: World, shelter: Any, desk: Any, consulate: Any
) -> None:
    code = her_code(world, shelter)
    asked = consulate.follow_ups.request(
        code.lower(), FROM, UNTIL, questions=["needs"], key=f"ask-{code}"
    )
    again = consulate.follow_ups.request(code, FROM, UNTIL, questions=["needs"], key=f"ask-{code}")
    assert (asked.state, again.id) == ("requested", asked.id)
    world.settle()
    assert desk.follow_ups.get(asked.id).questions == ["needs"]
    assert asked.id in [one.id for one in desk.follow_ups.find(role="holder", state="requested")]
    assert desk.follow_ups.accept(asked.id).state == "accepted"
    assert desk.follow_ups.schedule(asked.id, START + timedelta(hours=2)).state == "scheduled"

    refused = desk.follow_ups.attempt(asked.id, "whatsapp")
    assert (refused.outcome, refused.numbers) == ("not_attempted_rule", [])
    attempt = desk.follow_ups.attempt(asked.id, "call", desk="Turno B")
    assert (attempt.numbers, attempt.ask_pass_phrase) == (["+502 0000-1204"], True)
    with pytest.raises(InvalidInputError) as wrong:
        desk.follow_ups.outcome(asked.id, attempt.seq, "answered", pass_phrase="bueno")
    assert wrong.value.name == "pass_phrase_wrong"
    with pytest.raises(RelevoProblemError) as early:
        desk.follow_ups.report(asked.id, REPORT)
    assert early.value.name == "answered_needed"
    ended = desk.follow_ups.outcome(asked.id, attempt.seq, "answered", pass_phrase=PHRASE)
    assert ended.outcome == "answered"
    assert desk.follow_ups.report(asked.id, REPORT).state == "completed"
    world.settle()

    known = consulate.follow_ups.get(asked.id)
    assert (known.state, known.result.situation, known.report) == ("completed", "stable", None)
    with pytest.raises(IllegalTransitionError):
        consulate.follow_ups.cancel(asked.id)


def test_a_follow_up_is_declined_and_another_cancelled(
    world: World, shelter: Any, desk: Any, consulate: Any
) -> None:
    declined = a_follow_up(world, shelter, consulate)
    assert desk.follow_ups.decline(declined, "no_capacity").state == "declined"
    cancelled = a_follow_up(world, shelter, consulate)
    assert consulate.follow_ups.cancel(cancelled).cancel_asked
    world.settle()
    states = {one.id: one.state for one in consulate.follow_ups.find(role="asker")}
    assert (states[declined], states[cancelled]) == ("declined", "cancelled")


def test_whoever_is_found_unsafe_is_referred(
    world: World, shelter: Any, desk: Any, consulate: Any, tmp_path: Path
) -> None:
    follow_up = a_follow_up(world, shelter, consulate)
    desk.follow_ups.accept(follow_up)
    with pytest.raises(RefusedByConsentError):
        desk.follow_ups.alert(follow_up, {**ALERT, "basis": None})
    words = ("follow-up", "alert", follow_up, "-")
    said = done(Person(tmp_path, world.arguments["desk"])(*words, typed=ALERT))
    assert said.startswith(f"{follow_up} is unsafe; referred as ")
    known = desk.follow_ups.get(follow_up)
    assert known.alert == "referred"
    with pytest.raises(IllegalTransitionError):
        desk.follow_ups.alert(follow_up, ALERT)
    world.settle()
    assert shelter.referrals.get(known.alert_referral_id).triage == "red"


def test_a_code_that_does_not_exist_is_not_found(world: World, consulate: Any) -> None:
    with pytest.raises(NotFoundError):
        consulate.follow_ups.request("MX-00000000000", FROM, UNTIL)
    world.consulate.app.seen.clear()
    with pytest.raises(ValueError, match="miscopied"):
        consulate.follow_ups.request("MX-00000000001", FROM, UNTIL)
    assert world.consulate.app.seen == []


def test_questions_are_answered_and_a_referral_is_cancelled(
    world: World, shelter: Any, desk: Any
) -> None:
    consent = shelter.consents.record(a_consent())
    stored = shelter.referrals.submit(a_submission(consent.id, share=["identity"]))
    world.settle()
    answer = {
        "persons": [{"person_id": "T-1", "contact": {"phones": ["+502 0000-7777"]}}],
        "share": ["contact"],
    }
    with pytest.raises(IllegalTransitionError) as unasked:
        shelter.referrals.supply(stored.id, answer)
    assert (unasked.value.name, unasked.value.from_state) == ("information_not_asked", "received")
    desk.referrals.ask(stored.id, [{"category": "contact", "text": "¿A qué número?"}])
    world.settle()
    shelter.referrals.supply(stored.id, answer)
    world.settle()
    assert desk.referrals.get(stored.id).state == "received"
    asked = shelter.referrals.cancel(stored.id, "declined_by_person")
    assert asked.cancellation.answer == "waiting"
    world.settle()
    assert desk.referrals.get(stored.id).state == "cancelled"


def test_the_commands_of_follow_up(world: World, tmp_path: Path, clients: Any) -> None:
    if clients.kind != "blocking":
        return  # commands wait, and there is nothing else to try
    shelter = clients(**world.arguments["shelter"])
    officer = Person(tmp_path, world.arguments["consulate"])
    desk = Person(tmp_path, world.arguments["desk"])
    code = her_code(world, shelter)
    window = ("--from", "2026-03-02T09:40-06:00", "--until", "2026-03-09T10:40-06:00")
    asked = done(officer("follow-up", "request", code, *window, "--question", "needs"))
    follow_up, state, holder = asked.strip().split("\t")
    assert (state, holder) == ("requested", "gt.igm.crr")
    world.settle()
    row = done(desk("follow-up", "list", "--state", "requested")).splitlines()[0].split("\t")
    assert row[:3] == [follow_up, code, "requested"]
    assert done(desk("follow-up", "accept", follow_up)) == f"{follow_up} is accepted.\n"
    forbidden = desk("follow-up", "attempt", follow_up, "--by", "whatsapp")
    assert (forbidden.exit_code, forbidden.stdout) == (1, "")
    assert "Her contact rules (channel_refused) do not allow this now" in forbidden.stderr
    opened = desk("follow-up", "attempt", follow_up, "--by", "call", "--desk", "Turno B")
    assert done(opened) == "2\tcall\t+502 0000-1204\n"
    assert "de la tienda de celulares" in opened.stderr
    words = ["follow-up", "outcome", follow_up, "2", "answered", "--pass-phrase"]
    said = runner.invoke(app, [*words, "--profile", str(desk.profile)], input=f"{PHRASE}\n")
    assert said.exit_code == 0
    assert "Attempt 2 is answered." in said.stdout
    assert PHRASE not in said.output
    assert done(desk("follow-up", "report", follow_up, "-", typed=REPORT)).endswith(
        "is completed.\n"
    )
    world.settle()
    shown = json.loads(done(officer("follow-up", "show", follow_up)))
    assert shown["result"]["situation"] == "stable"
    late = officer("follow-up", "cancel", follow_up)
    assert (late.exit_code, late.stderr.startswith("This step is not possible now.")) == (1, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("request", "MX-3G9230VQVSR", "--from", "2026-03-02T09:40-06:00", "--until",
          "2026-03-09T09:40-06:00"), "miscopied"),
        (("request", "MX-3G9230VQVSQ", "--from", "2026-03-09T09:40-06:00", "--until",
          "2026-03-02T09:40-06:00"), "a window ends after it begins"),
        (("list", "--role", "owner"), "--role is one of: asker, holder."),
        (("list", "--state", "lost"), "--state is one of: requested"),
        (("attempt", "an-id", "--by", "fax"), "--by is one of: call"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_one_line(
    world: World, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    officer = Person(tmp_path, world.arguments["consulate"])
    result = officer("follow-up", *words)
    assert result.exit_code == 1
    assert said in result.stderr
    assert "Traceback" not in result.output


def test_the_commands_that_answer_a_referral(world: World, tmp_path: Path) -> None:
    shelter = Person(tmp_path, world.arguments["shelter"])
    desk = Person(tmp_path, world.arguments["desk"])

    def referral() -> str:
        consent = json.loads(done(shelter("consent", "record", "-", typed=a_consent())))["id"]
        body = a_submission(consent, share=["identity"])
        stored = json.loads(done(shelter("referral", "submit", "-", typed=body)))
        world.settle()
        return str(stored["id"])

    first = referral()
    assert done(desk("referral", "waitlist", first)) == f"{first} is waitlisted.\n"
    assert done(desk("referral", "accept", first)) == f"{first} is accepted.\n"
    assert done(desk("referral", "begin", first)) == f"{first} is in_progress.\n"
    assert done(desk("referral", "hold", first, "--reason", "no_capacity")).endswith("on_hold.\n")
    second = referral()
    asked = [{"category": "contact", "text": "¿A qué número?"}]
    done(desk("referral", "ask", second, "-", typed=asked))
    assert desk("referral", "ask", second, "-", typed={}).exit_code == 1
    world.settle()
    answer = {
        "persons": [{"person_id": "T-1", "contact": {"phones": ["+502 0000-7777"]}}],
        "share": ["contact"],
    }
    done(shelter("referral", "supply", second, "-", typed=answer))
    world.settle()
    done(shelter("referral", "cancel", second, "--reason", "declined_by_person"))
    world.settle()
    assert f"{second}\t" in done(desk("referral", "list", "--state", "cancelled"))
    third = referral()
    sent_on = ("--reason", "outside_territory", "--to", "gt.renap")
    assert done(desk("referral", "redirect", third, *sent_on)).endswith("is redirected.\n")
    done(desk("referral", "list", "--overdue"))
    world.settle()


def test_the_programs_of_the_docs_ask_and_take_on_a_follow_up(
    world: World, tmp_path: Path, clients: Any
) -> None:
    if clients.kind != "blocking":
        return
    shelter = clients(**world.arguments["shelter"])
    desk = clients(**world.arguments["desk"])
    officer = Program(world, tmp_path, "consulate_asks", "consulate")
    institute = Program(world, tmp_path, "institute_answers", "desk")
    code = her_code(world, shelter)
    last = max(event.position for event in desk.events.read())
    # The business clock of these nodes stands still in March 2026, that of the program does not.
    asked = officer(code, "--follow-up", 28, 35)
    assert asked == f"{code}: lo hará gt.igm.crr\n"
    assert officer(code, "--follow-up", 28, 35) == asked
    assert officer("MX-00000000000", "--follow-up", 28, 35, status=1).startswith("No se encontró.")
    world.settle()
    held = next(one for one in desk.follow_ups.find() if one.reference_code == code)
    position = tmp_path / "position.txt"
    position.write_text(str(last))
    running = institute.start(position)
    try:
        until = time.monotonic() + 30
        while desk.follow_ups.get(held.id).state != "accepted" and time.monotonic() < until:
            time.sleep(0.1)
    finally:
        running.terminate()
        said, failed = running.communicate(timeout=30)
    assert (failed, f"{code}: follow-up accepted" in said) == ("", True)
    world.settle()
    assert f"{code}: accepted, nada más que eso" in officer("--answers")


def test_the_shelters_program_answers_a_question_and_cancels(
    world: World, tmp_path: Path, clients: Any
) -> None:
    if clients.kind != "blocking":
        return
    shelter = clients(**world.arguments["shelter"])
    desk = clients(**world.arguments["desk"])
    program = Program(world, tmp_path, "shelter_submits", "shelter")
    consent = shelter.consents.record(a_consent())
    stored = shelter.referrals.submit(
        a_submission(consent.id, share=["identity"], local_reference="case-77")
    )
    world.settle()
    desk.referrals.ask(stored.id, [{"category": "contact", "text": "¿A qué número?"}])
    world.settle()
    assert f"{stored.id}: contact: ¿A qué número?\n" in program("--answers")
    file = tmp_path / "information.json"
    file.write_text(
        json.dumps(
            {
                "persons": [{"person_id": "T-1", "contact": {"phones": ["+502 0000-7777"]}}],
                "share": ["contact"],
            }
        )
    )
    program("--supply", stored.id, file)
    world.settle()
    assert desk.referrals.get(stored.id).state == "received"
    assert program("--cancel", stored.id, "declined_by_person").startswith("case-77: ")
    world.settle()
