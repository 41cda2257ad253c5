"""Attestations by client and command: issued, printed, carried away, verified without a network, revoked."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from relevo.cli.main import app
from relevo.client.relevo import Relevo
from tests.client.test_commands import Person, done
from tests.client.world import World
from tests.node.test_returnees import an_input

runner = CliRunner()


@pytest.fixture
def desk(world: World, tmp_path: Path) -> Person:
    return Person(tmp_path, world.arguments["desk"])


def verify(*words: object, typed: str | None = None) -> tuple[int, str]:
    said = runner.invoke(app, ["attestation", "verify", *map(str, words)], input=typed)
    return said.exit_code, said.output


def test_an_attestation_from_issue_to_revocation(
    world: World, desk: Person, tmp_path: Path
) -> None:
    assert done(desk("returnees", "list")) == ""
    with Relevo(**world.arguments["desk"]) as relevo:
        record = relevo.returnees.enter(an_input(walk_on=False), key="walk-on-1")
    issued = json.loads(done(desk("attestation", "issue", "returnee_certificate", record.id)))
    assert json.loads(done(desk("attestation", "show", issued["id"]))) == issued
    page, keys = tmp_path / "constancia.pdf", tmp_path / "keys.json"
    done(desk("attestation", "print", issued["id"], "-o", page, "--show", "name"))
    assert page.read_bytes().startswith(b"%PDF")
    least = done(desk("attestation", "present", issued["id"]))
    named = done(desk("attestation", "present", issued["id"], "--show", "name"))
    nothing = done(desk("attestation", "present", issued["id"], "--show-nothing"))
    done(desk("attestation", "keys", "-o", keys))
    at = ("--keys", keys, "--at", "2026-03-05")

    code, said = verify(least.strip(), *at)
    assert code == 0
    assert said.startswith("Valid: gt.igm signed this")
    assert "Franklin" not in said
    assert issued["folio"] in said
    file = tmp_path / "code.txt"
    file.write_text(named)
    assert "Name\tFranklin Marín" in verify(file, *at)[1]
    code, said = verify("-", *at, "--json", typed=nothing)
    assert (code, json.loads(said)["shown"]) == (0, {})

    assert verify(least.strip(), "--keys", keys, "--at", "2028-01-01")[1].startswith("Expired")
    assert verify("x" + least.strip(), *at) == (
        1,
        "Not genuine: this is no attestation, or somebody changed it.\n",
    )
    nobody = tmp_path / "nobody.json"
    nobody.write_text('{"gateways": [], "entries": []}')
    assert "Unknown issuer" in verify(least.strip(), "--keys", nobody)[1]

    said = done(desk("attestation", "revoke", issued["id"], "--reason", "wrong"))
    assert said == f"{issued['folio']} is revoked.\n"
    done(desk("attestation", "keys", "-o", keys))
    code, said = verify(least.strip(), *at)
    assert (code, said.startswith("Revoked")) == (1, True)


def test_what_cannot_be_attested_or_read_is_said_plainly(desk: Person, tmp_path: Path) -> None:
    unknown = desk("attestation", "issue", "diploma", "1")
    assert (unknown.exit_code, "one of returnee_certificate" in unknown.stderr) == (1, True)
    wrong = desk("attestation", "issue", "court_order", "0198c7a2-4f1e-7d51-9a60-6f1b7a51c0de")
    assert (wrong.exit_code, "a document goes with" in wrong.stderr) == (1, True)
    missing = tmp_path / "missing"
    assert verify("a~", "--keys", missing)[0] == 1
    missing.write_text("[]")
    assert "is no file of keys" in verify("a~", "--keys", missing)[1]
    missing.write_text('{"gateways": [], "entries": []}')
    assert "cannot be read" in verify(tmp_path / "nothing", "--keys", missing)[1]
    assert "Not genuine" in verify("-", "--keys", missing, typed="\n")[1]
