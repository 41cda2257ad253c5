"""The same as commands: what people and scripts type at an institution."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from relevo.cli.main import app
from relevo.contracts.status import Status
from tests.client.world import World, too_many
from tests.support.institutions import START
from tests.support.node_requests import COMPLETION, a_consent, a_submission

runner = CliRunner()


class Person:
    """Who types, with a profile of her own."""

    def __init__(self, folder: Path, arguments: dict[str, Any]) -> None:
        self.profile = folder / f"{arguments['client']}.toml"
        lines = [
            f"{name} = {json.dumps(str(value) if isinstance(value, Path) else value)}\n"
            for name, value in arguments.items()
        ]
        self.profile.write_text("".join(lines))

    def __call__(self, *words: object, typed: object = None) -> Result:
        return runner.invoke(
            app,
            [*(str(word) for word in words), "--profile", str(self.profile)],
            input=None if typed is None else json.dumps(typed),
        )


@pytest.fixture
def shelter(world: World, tmp_path: Path) -> Person:
    return Person(tmp_path, world.arguments["shelter"])


@pytest.fixture
def desk(world: World, tmp_path: Path) -> Person:
    return Person(tmp_path, world.arguments["desk"])


@pytest.fixture
def consulate(world: World, tmp_path: Path) -> Person:
    return Person(tmp_path, world.arguments["consulate"])


def done(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return result.stdout


def a_stored_referral(world: World, shelter: Person) -> str:
    consent = json.loads(done(shelter("consent", "record", "-", typed=a_consent())))["id"]
    said = done(shelter("referral", "submit", "-", typed=a_submission(consent)))
    world.settle()
    return str(json.loads(said)["id"])


def test_a_referral_from_a_file_to_its_closing(
    world: World, shelter: Person, desk: Person, tmp_path: Path
) -> None:
    consent = json.loads(done(shelter("consent", "record", "-", typed=a_consent())))["id"]
    file = tmp_path / "referral.json"
    file.write_text(json.dumps(a_submission(consent)))
    submitted = shelter("referral", "submit", file)
    referral = json.loads(done(submitted))["id"]
    assert submitted.stderr.startswith("Stays here, because consent or pathway leave it out: ")
    world.settle()

    seen = done(desk("referral", "acknowledge", referral, "--seen-by", "Turno A"))
    assert seen == f"{referral} is acknowledged.\n"
    assert "Tomasa Isabel" in done(desk("referral", "show", referral))
    done(desk("referral", "accept", referral, "--note", "hay lugar"))
    at = "2026-03-04T09:00-06:00"
    done(desk("referral", "schedule", referral, "--at", at, "--place", "puerta 2"))
    done(desk("referral", "begin", referral))
    outcome = COMPLETION["counter_referral"]
    done(desk("referral", "complete", referral, "-", typed=outcome))
    world.settle()
    assert done(shelter("referral", "close", referral)) == f"{referral} is closed.\n"
    world.settle()

    rows = [line.split("\t") for line in done(desk("referral", "history", referral)).splitlines()]
    assert [row[1] for row in rows] == [
        "submitted", "received", "acknowledged", "accepted", "scheduled", "in_progress",
        "completed", "closed",
    ]  # fmt: skip
    assert rows[2][5] == "Turno A"
    listed = done(shelter("referral", "list", "--role", "sender", "--state", "closed"))
    assert listed.splitlines()[0].split("\t")[0] == referral


def test_a_referral_is_rejected_and_another_fails(
    world: World, shelter: Person, desk: Person, tmp_path: Path
) -> None:
    referral = a_stored_referral(world, shelter)
    done(desk("referral", "reject", referral, "--reason", "no_capacity"))
    again = desk("referral", "accept", referral)
    assert (again.exit_code, again.stdout) == (1, "")
    assert again.stderr.startswith("This step is not possible now.")

    referral = a_stored_referral(world, shelter)
    done(desk("referral", "accept", referral))
    file = tmp_path / "outcome.json"
    file.write_text(json.dumps({**COMPLETION["counter_referral"], "outcome": "service_delivered"}))
    done(desk("referral", "fail", referral, "--reason", "unreachable", "--outcome", file))


def test_a_list_is_submitted_each_on_its_own(shelter: Person) -> None:
    consent = json.loads(done(shelter("consent", "record", "-", typed=a_consent())))["id"]
    good = a_submission(consent)
    batch = [good, {**good, "triage": "urgent"}, good]
    result = shelter("referral", "submit", "-", "--idempotency-key", consent, typed=batch)
    assert result.exit_code == 1
    assert [line.split("\t")[0] for line in result.stdout.splitlines()] == ["0", "2"]
    assert "Number 1: The request does not fit the contract." in result.stderr
    assert "/triage" in result.stderr
    assert "1 of 3 were refused; the others are stored." in result.stderr
    again = shelter("referral", "submit", "-", "--idempotency-key", consent, typed=batch)
    assert again.stdout == result.stdout


def test_the_same_key_stores_once(shelter: Person) -> None:
    consent = json.loads(done(shelter("consent", "record", "-", typed=a_consent())))["id"]
    submit = ("referral", "submit", "-", "--idempotency-key", f"once-{consent}")
    first = json.loads(done(shelter(*submit, typed=a_submission(consent))))
    assert json.loads(done(shelter(*submit, typed=a_submission(consent)))) == first


def test_a_consent_is_shown_and_withdrawn(world: World, shelter: Person) -> None:
    consent = json.loads(done(shelter("consent", "record", "-", typed=a_consent())))["id"]
    said_at = ("--said-at", "2026-03-02T10:40:00-06:00", "--recorded-by", "Turno B")
    assert done(shelter("consent", "withdraw", consent, *said_at)) == f"{consent} is withdrawn.\n"
    shown = json.loads(done(shelter("consent", "show", consent)))
    assert shown["withdrawn_at"] == "2026-03-02T16:40:00Z"
    world.settle()


def test_a_state_is_asked_by_code(world: World, consulate: Person) -> None:
    world.states["MX-3G9230VQVSQ"] = Status(
        reference_code="MX-3G9230VQVSQ", state="received", triage="green", since=START
    )
    row = "MX-3G9230VQVSQ\treceived\tgreen\t2026-03-02T16:40Z\n"
    assert done(consulate("status", "mx-3g923ovqvsq")) == row
    unknown = consulate("status", "MX-00000000000")
    assert (unknown.exit_code, unknown.stderr.startswith("Not found.")) == (1, True)
    wrong = consulate("status", "MX-3G9230VQVSR")
    assert (wrong.exit_code, "miscopied" in wrong.stderr) == (1, True)


def test_figures_of_a_year_are_printed(shelter: Person) -> None:
    shown = shelter("statistics", "--period", "2025", "--csv")
    assert done(shown).startswith("direction,pathway,outcome,")
    assert "no group below 5" in shelter("statistics", "--period", "2025").stderr
    early = shelter("statistics", "--period", "2099")
    assert (early.exit_code, early.stderr.startswith("There are no figures")) == (1, True)


def test_a_watched_route_is_printed_and_another_is_not_found(shelter: Person) -> None:
    shown = done(shelter("coordination", "gt-izabal-health", "--period", "2025-11"))
    assert "count\tgt-izabal-health\t58\n" in shown
    assert "overdue\tdecide coordination_table\t7\n" in shown
    assert "half_reached\taccepted\twithin_3_days\n" in shown
    other = shelter("coordination", "gt-coban-referral", "--period", "2025-11")
    assert (other.exit_code, other.stderr.startswith("Not found.")) == (1, True)


def test_events_go_on_where_the_last_run_ended(
    world: World, shelter: Person, tmp_path: Path
) -> None:
    cursor = tmp_path / "position"
    done(shelter("events", "--cursor", cursor))
    assert done(shelter("events", "--cursor", cursor)) == ""
    referral = a_stored_referral(world, shelter)
    events = [json.loads(line) for line in done(shelter("events", "--cursor", cursor)).splitlines()]
    assert referral in {event["subject"] for event in events}
    assert int(cursor.read_text()) == events[-1]["position"]
    after = ("--after", str(events[-1]["position"] - 1))
    assert len(done(shelter("events", *after)).splitlines()) == 1
    cursor.write_text("rubbish")
    rubbish = shelter("events", "--cursor", cursor)
    assert (rubbish.exit_code, "holds no position" in rubbish.stderr) == (1, True)


def test_following_ends_when_it_is_stopped(
    shelter: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    from relevo.client import blocking

    class Stopped:
        @staticmethod
        def sleep(_: float) -> None:
            raise KeyboardInterrupt

    monkeypatch.setattr(blocking, "time", Stopped)
    assert shelter("events", "--follow").exit_code == 0


def test_who_cannot_wait_learns_how_to_send_it_again(world: World, shelter: Person) -> None:
    world.shelter.app.on("/v1/consents", too_many)
    result = shelter("consent", "record", "-", "--idempotency-key", "night-7", typed=a_consent())
    assert result.exit_code == 1
    assert "Send it again with --idempotency-key night-7: it happens once." in result.stderr


@pytest.mark.parametrize(
    ("words", "typed", "said"),
    [
        (("referral", "submit", "-"), "text", "A referral is a JSON object"),
        (("referral", "submit", "-"), ["text"], "is a JSON object"),
        (("consent", "record", "-"), [], "no JSON object"),
        (("referral", "submit", "no.json"), None, "There is no no.json"),
        (("referral", "list", "--role", "both"), None, "sender or receiver"),
        (("referral", "list", "--state", "lost"), None, "no state of a referral"),
    ],
)
def test_what_cannot_be_sent_is_one_line(
    shelter: Person, words: tuple[str, ...], typed: object, said: str
) -> None:
    result = shelter(*words, typed=typed)
    assert result.exit_code == 1
    assert said in result.stderr
    assert "Traceback" not in result.output


def test_a_command_without_a_node_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RELEVO_CLIENT_PROFILE", raising=False)
    result = runner.invoke(app, ["status", "MX-3G9230VQVSQ"])
    assert result.exit_code == 3
    assert result.stderr.startswith("Not said: node, client, key")
