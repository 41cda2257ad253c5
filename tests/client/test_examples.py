"""The programs of docs/examples, as they stand, against real nodes."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from relevo.client.relevo import Relevo
from relevo.contracts.status import Status
from tests.client.test_commands import Person
from tests.client.world import World
from tests.support.institutions import START
from tests.support.node_requests import COMPLETION, a_consent, a_submission

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


class Program:
    def __init__(self, world: World, folder: Path, name: str, who: str) -> None:
        self.command = [sys.executable, str(EXAMPLES / f"{name}.py")]
        profile = Person(folder, world.arguments[who]).profile
        self.environment = {**os.environ, "RELEVO_CLIENT_PROFILE": str(profile)}

    def __call__(self, *words: object, status: int = 0) -> str:
        done = subprocess.run(
            [*self.command, *map(str, words)],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == status, done.stdout + done.stderr
        assert done.stderr == ""
        return done.stdout

    def start(self, *words: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*self.command, *map(str, words)],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


def test_a_shelter_refers_an_institute_answers_and_the_shelter_reads_it(
    world: World, tmp_path: Path
) -> None:
    shelter = Program(world, tmp_path, "shelter_submits", "shelter")
    institute = Program(world, tmp_path, "institute_answers", "desk")
    submission = a_submission(None)
    case = tmp_path / "case.json"
    number = f"case-{time.time_ns()}"
    case.write_text(
        json.dumps({"case": number, "consent": a_consent(), "referral": submission}), "utf-8"
    )
    first = shelter(case)
    assert "For her to carry: MX-" in first
    assert shelter(case) == first
    world.settle()

    with Relevo(**world.arguments["shelter"]) as node:
        sent = node.referrals.get(next(node.referrals.find(role="sender")).id)
        assert sent.local_reference == number
    with Relevo(**world.arguments["desk"]) as desk:
        last = max(event.position for event in desk.events.read())
        position = tmp_path / "position.txt"
        position.write_text(str(max(0, last - 5)))
        running = institute.start(position)
        try:
            until = time.monotonic() + 30
            while desk.referrals.get(sent.id).state != "accepted" and time.monotonic() < until:
                time.sleep(0.1)
        finally:
            running.terminate()
            said, failed = running.communicate(timeout=30)
        assert (running.returncode, failed) == (0, "")
        assert f"{sent.reference_code} (green): answered" in said
        assert int(position.read_text()) >= max(0, last - 5)
        desk.referrals.complete(sent.id, COMPLETION["counter_referral"])
    world.settle()

    answers = shelter("--answers")
    assert (
        f"{number}: completed\n  service_delivered, still needed: ['child_protection']" in answers
    )
    assert number not in shelter("--answers")
    world.settle()


def test_what_cannot_be_sent_is_said_to_the_shelter(world: World, tmp_path: Path) -> None:
    shelter = Program(world, tmp_path, "shelter_submits", "shelter")
    case = tmp_path / "case.json"
    referral = a_submission(None, share=["identity", "health"])
    number = f"case-{time.time_ns()}"
    case.write_text(json.dumps({"case": number, "consent": a_consent(), "referral": referral}))
    assert shelter(case, status=1).startswith("She did not allow this")
    case.write_text(
        json.dumps(
            {"case": f"{number}-b", "consent": a_consent(method="nod"), "referral": referral}
        )
    )
    assert shelter(case, status=1).startswith("/method: ")


def test_a_consular_officer_asks_by_code(world: World, tmp_path: Path) -> None:
    officer = Program(world, tmp_path, "consulate_asks", "consulate")
    world.states["MX-3G9230VQVSQ"] = Status(
        reference_code="MX-3G9230VQVSQ", state="received", triage="green", since=START
    )
    assert officer("mx-3g923ovqvsq") == "MX-3G9230VQVSQ: received desde 2026-03-02 16:40 UTC\n"
    assert officer("MX-00000000000", status=1).startswith("No se encontró.")
    assert officer("MX-3G9230VQVSR", status=1).startswith("Revise el código")
