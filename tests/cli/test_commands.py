import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from relevo.assembly import gateway_process
from relevo.cli.main import app
from relevo.contracts.institution import InstitutionState
from relevo.gateway.config import GatewaySettings
from relevo.gateway.operations import membership
from relevo.servicekit import jose

runner = CliRunner()


def relevo(*arguments: object) -> Result:
    return runner.invoke(app, [str(argument) for argument in arguments])


def a_config(folder: Path, kind: str, **more: object) -> Path:
    values: dict[str, object] = {
        "database_url": f"sqlite:///{folder / f'{kind}.db'}",
        "base_url": f"https://{kind}.example",
        "key_directory": str(folder / f"{kind}-keys"),
        **more,
    }
    path = folder / f"{kind}.toml"
    path.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items()))
    return path


def a_node(folder: Path) -> Path:
    return a_config(
        folder,
        "node",
        institution="gt.igm",
        data_key_database_url=f"sqlite:///{folder / 'data-keys.db'}",
    )


def a_gateway(folder: Path, country: str = "gt") -> Path:
    return a_config(folder, country, gateway=f"gateway.{country}", countries=[country.upper()])


def registered(folder: Path, config: Path) -> tuple[Path, str]:
    request = folder / "registration.jws"
    result = relevo(
        "node", "init", "--config", config, "--out", request,
        "--name", "Instituto Guatemalteco de Migración", "--type", "migration_institute",
        "--mandate", "migration_procedures",
        "--unit", "gt.igm.crr=returnee_reception,labour_insertion=Centro de Recepción",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    return request, result.stdout.strip()


def test_a_node_without_an_open_port_says_so_in_its_registration(tmp_path: Path) -> None:
    init = ("node", "init", "--name", "PGN", "--type", "child_protection_authority",
            "--mandate", "child_protection", "--out", tmp_path / "request.jws", "--mailbox")  # fmt: skip
    undecided = relevo(*init, "--config", a_node(tmp_path))
    assert undecided.exit_code == 1
    assert 'delivery = "mailbox"' in undecided.output
    config = a_config(
        tmp_path,
        "node",
        institution="gt.pgn",
        data_key_database_url=f"sqlite:///{tmp_path / 'data-keys.db'}",
        delivery="mailbox",
    )
    assert relevo(*init, "--config", config).exit_code == 0
    profile = jose.peek((tmp_path / "request.jws").read_text().strip())[1]["profile"]
    assert (profile["delivery"], profile.get("node_url")) == ("mailbox", None)


def test_an_institution_joins_after_two_persons_approved(tmp_path: Path) -> None:
    node, gateway = a_node(tmp_path), a_gateway(tmp_path)
    request, fingerprint = registered(tmp_path, node)
    gateway_fingerprint = relevo("gateway", "init", "--config", gateway).stdout.strip()

    welcome = tmp_path / "welcome.json"
    shown = relevo("gateway", "show", request, "--config", gateway)
    assert (shown.exit_code, shown.stdout.strip()) == (0, fingerprint)
    assert "migration_procedures" in shown.stderr
    assert relevo("node", "fingerprint", "--config", node).stdout.strip() == fingerprint

    approve = ("gateway", "approve", request, "--config", gateway, "--out", welcome)
    first = relevo(*approve, "--by", "Ana")
    assert (first.exit_code, first.stdout.strip()) == (0, "applied")
    assert fingerprint in first.stderr
    assert not welcome.exists()

    again = relevo(*approve, "--by", "ANA")
    assert again.stdout.strip() == "applied"

    second = relevo(*approve, "--by", "Marvin")
    assert second.stdout.strip() == "active"

    join = ("node", "join", welcome, "--config", node)
    other = relevo(*join, "--fingerprint", fingerprint)
    assert (other.exit_code, "another fingerprint of gateway.gt" in other.stderr) == (1, True)
    unsure = runner.invoke(app, [str(word) for word in join], input="n\n")
    assert (unsure.exit_code, gateway_fingerprint in unsure.stderr) == (1, True)
    assert relevo("node", "client", "list", "--config", node).stdout == ""
    assert runner.invoke(app, [str(word) for word in join], input="y\n").exit_code == 0
    joined = relevo(*join, "--fingerprint", gateway_fingerprint)
    assert (joined.exit_code, joined.stdout.strip()) == (0, gateway_fingerprint)
    clients = relevo("node", "client", "list", "--config", node).stdout
    assert clients == "gateway.gt\tactive\t\tmessages:deliver\n"
    known = relevo("gateway", "client", "list", "--config", gateway).stdout
    assert known.startswith("gt.igm\tactive\t\t")


def test_making_a_node_ready_again_keeps_its_keys(tmp_path: Path) -> None:
    node = a_node(tmp_path)
    _, first = registered(tmp_path, node)
    _, second = registered(tmp_path, node)
    assert first == second


def key_set_in(registration: Path) -> dict[str, Any]:
    claims = jose.peek(registration.read_text().strip())[1]
    found: dict[str, Any] = jose.peek(claims["key_set"])[1]
    return found


def test_a_node_that_gets_new_keys_applies_with_a_higher_version(tmp_path: Path) -> None:
    node = a_node(tmp_path)
    request, _ = registered(tmp_path, node)
    first = key_set_in(request)
    registered(tmp_path, node)
    assert key_set_in(request) == first
    keys = tmp_path / "node-keys"
    (keys / "signing.jwk").rename(keys / "signing.retired-2026.jwk")
    request, fingerprint = registered(tmp_path, node)
    second = key_set_in(request)
    assert (first["version"], second["version"]) == (1, 2)
    assert {key["kid"] for key in first["keys"]} < {key["kid"] for key in second["keys"]}
    assert relevo("node", "fingerprint", "--config", node).stdout.strip() == fingerprint


def test_a_gateways_next_key_is_announced_before_it_signs(tmp_path: Path) -> None:
    gateway = a_gateway(tmp_path)
    fingerprint = relevo("gateway", "init", "--config", gateway).stdout

    def listed() -> tuple[int, list[str]]:
        made = relevo("gateway", "card", "--agreement", "2026-1", "--config", gateway)
        claims = jose.peek(json.loads(made.stdout)["key_set"])[1]
        return claims["version"], [key["kid"] for key in claims["keys"]]

    rotate = ("gateway", "rotate", "--config", gateway)
    assert relevo(*rotate, "--use").stderr.startswith("no key is announced")
    _, [old] = listed()
    announced = relevo(*rotate)
    assert announced.stdout.startswith("Key set 2 lists the next key")
    version, [first, new] = listed()
    assert (version, first) == (2, old)
    assert relevo(*rotate).exit_code == 1
    assert relevo(*rotate, "--use").stdout.startswith("Key set 3: start gateway.gt again")
    assert listed() == (3, [new, old])
    # Keys that exist are kept, and so is the fingerprint that people compared.
    assert relevo("gateway", "init", "--config", gateway).stdout == fingerprint
    assert listed() == (3, [new, old])


def test_two_gateways_agree_by_their_cards(tmp_path: Path) -> None:
    ours, theirs = a_gateway(tmp_path), a_gateway(tmp_path, "mx")
    for config in (ours, theirs):
        assert relevo("gateway", "init", "--config", config).exit_code == 0
    card = tmp_path / "card.json"
    made = relevo("gateway", "card", "--agreement", "2026-1", "--out", card, "--config", theirs)
    assert made.exit_code == 0
    noted = relevo("gateway", "peer", card, "--by", "Ana", "--config", ours)
    assert (noted.exit_code, noted.stdout) == (0, "gateway.mx is a peer for MX.\n")
    clients = relevo("gateway", "client", "list", "--config", ours).stdout
    assert clients.startswith("gateway.mx\tactive\t\t")
    own = relevo("gateway", "peer", card, "--by", "Ana", "--config", theirs)
    assert (own.exit_code, own.stderr) == (
        1,
        "a peer serves other countries under another name\n",
    )


def test_an_institution_is_suspended_and_let_back(tmp_path: Path) -> None:
    gateway = a_gateway(tmp_path)
    request, _ = registered(tmp_path, a_node(tmp_path))
    relevo("gateway", "init", "--config", gateway)
    for person in ("Ana", "Marvin"):
        relevo("gateway", "approve", request, "--by", person, "--config", gateway,
               "--out", tmp_path / "welcome.json")  # fmt: skip
    for command, client in (("suspend", "suspended"), ("resume", "active")):
        assert relevo("gateway", command, "gt.igm", "--config", gateway).exit_code == 0
        clients = relevo("gateway", "client", "list", "--config", gateway).stdout
        assert clients.startswith(f"gt.igm\t{client}\t")
    unknown = relevo("gateway", "suspend", "gt.nadie", "--config", gateway)
    assert unknown.exit_code == 1
    assert unknown.stderr.startswith("Not found.")


async def _through_the_running_gateway(config: Path, state: InstitutionState) -> str:
    beside, _ = gateway_process.build(GatewaySettings.load(config))
    async with beside.running():
        gateway = beside.service.state.gateway
        await membership.set_state(gateway, "gt.igm", state, by="operator:Ana")
    return relevo("gateway", "client", "list", "--config", config).stdout


def test_the_gateways_own_route_suspends_as_the_command_does(tmp_path: Path) -> None:
    gateway = a_gateway(tmp_path)
    request, _ = registered(tmp_path, a_node(tmp_path))
    relevo("gateway", "init", "--config", gateway)
    for person in ("Ana", "Marvin"):
        relevo("gateway", "approve", request, "--by", person, "--config", gateway,
               "--out", tmp_path / "welcome.json")  # fmt: skip
    states: tuple[InstitutionState, ...] = ("suspended", "active")
    for state in states:
        clients = asyncio.run(_through_the_running_gateway(gateway, state))
        assert clients.startswith(f"gt.igm\t{state}\t")


def test_a_system_gets_a_key_file_or_brings_its_public_key(tmp_path: Path) -> None:
    node = a_node(tmp_path)
    registered(tmp_path, node)
    key = tmp_path / "cases.jwk"
    common = ("--config", node, "--scope", "referrals:read", "--unit", "gt.igm.crr")
    made = relevo("node", "client", "add", "gt.igm.desk", "--key", key, *common)
    assert made.exit_code == 0, made.output
    assert oct(key.stat().st_mode & 0o777) == "0o600"

    private = json.loads(key.read_text())
    public = tmp_path / "public.jwk"
    public.write_text(json.dumps({name: private[name] for name in ("kty", "crv", "x")}))
    brought = relevo("node", "client", "add", "gt.igm.other", "--public-key", public, *common)
    assert brought.exit_code == 0, brought.output

    shown = relevo("node", "client", "add", "gt.igm.third", "--public-key", key, *common)
    assert shown.exit_code == 1
    assert "holds a private part" in shown.stderr
    assert private["d"] not in shown.stderr

    twice = relevo("node", "client", "add", "gt.igm.desk", "--key", key, *common)
    assert (twice.exit_code, "gt.igm.desk is registered already" in twice.stderr) == (1, True)


def test_a_client_is_suspended_and_its_key_replaced(tmp_path: Path) -> None:
    node = a_node(tmp_path)
    registered(tmp_path, node)
    key, new = tmp_path / "old.jwk", tmp_path / "new.jwk"
    where = ("--config", node)
    relevo("node", "client", "add", "gt.igm.desk", "--key", key, "--scope", "events:read", *where)
    assert relevo("node", "client", "suspend", "gt.igm.desk", *where).exit_code == 0
    listed = relevo("node", "client", "list", *where).stdout
    assert listed == "gt.igm.desk\tsuspended\t\tevents:read\n"
    assert relevo("node", "client", "resume", "gt.igm.desk", *where).exit_code == 0
    rotated = relevo("node", "client", "rotate", "gt.igm.desk", "--key", new, *where)
    assert rotated.exit_code == 0, rotated.output
    assert new.exists()


def test_an_identity_key_is_pinned_by_a_person(tmp_path: Path) -> None:
    node = a_node(tmp_path)
    _, fingerprint = registered(tmp_path, node)
    done = relevo("node", "pin", "mx.pcr", fingerprint, "--by", "Ana, by phone", "--config", node)
    assert (done.exit_code, fingerprint in done.stdout) == (0, True)


@pytest.mark.parametrize("group", ["node", "gateway", "auth"])
def test_each_service_has_its_own_migrations(tmp_path: Path, group: str) -> None:
    configs = {
        "node": a_node(tmp_path),
        "gateway": a_gateway(tmp_path),
        "auth": a_config(tmp_path, "auth"),
    }
    done = relevo(group, "migrate", "--config", configs[group])
    assert done.exit_code == 0, done.output


def test_serving_a_node_that_was_not_made_ready_says_what_to_do(tmp_path: Path) -> None:
    result = relevo("node", "serve", "--config", a_node(tmp_path))
    assert result.exit_code == 1
    assert "relevo node init" in result.stderr


def test_serving_a_gateway_that_was_not_made_ready_says_what_to_do(tmp_path: Path) -> None:
    result = relevo("gateway", "serve", "--config", a_gateway(tmp_path))
    assert result.exit_code == 3
    assert "relevo gateway init" in result.stderr


def test_a_misspelled_setting_refuses_to_start(tmp_path: Path) -> None:
    config = a_config(tmp_path, "node", instituton="gt.igm")
    result = relevo("node", "serve", "--config", config)
    assert result.exit_code == 3
    assert "instituton" in result.stderr
    assert "institution" in result.stderr


def test_a_settings_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    result = relevo("gateway", "migrate", "--config", tmp_path / "no.toml")
    assert result.exit_code == 3
    assert "no.toml cannot be read" in result.stderr


def test_a_welcome_that_is_rubbish_is_refused_in_one_line(tmp_path: Path) -> None:
    node = a_node(tmp_path)
    registered(tmp_path, node)
    welcome = tmp_path / "welcome.json"
    welcome.write_text("{")
    result = relevo("node", "join", welcome, "--config", node)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"{welcome} is not JSON: line 1, column 2: ")
    assert result.stderr.count("\n") == 1


def test_a_token_from_an_issuer_that_does_not_answer_is_one_line(tmp_path: Path) -> None:
    node = a_node(tmp_path)
    registered(tmp_path, node)
    result = relevo(
        "token", "--issuer", "http://127.0.0.1:9", "--client", "gt.igm.desk",
        "--key", tmp_path / "node-keys" / "client.jwk", "--scope", "events:read",
    )  # fmt: skip
    assert result.exit_code == 1
    assert result.stderr == "The other side cannot be reached: issuer_unreachable\n"


def test_openapi_documents_are_written_compared_and_stable(tmp_path: Path) -> None:
    assert relevo("openapi", "--directory", tmp_path).exit_code == 0
    assert relevo("openapi", "--directory", tmp_path, "--check").exit_code == 0
    (tmp_path / "node.json").write_text("{}")
    result = relevo("openapi", "--directory", tmp_path, "--check")
    assert result.exit_code == 1
    assert "node.json" in result.stderr
    assert (tmp_path / "node.json").read_text() == "{}"


def test_help_names_every_group_of_commands() -> None:
    result = relevo("--help")
    assert result.exit_code == 0
    for group in ("node", "gateway", "auth", "token", "demo", "openapi"):
        assert group in result.stdout


def test_an_unknown_command_is_wrong_usage() -> None:
    assert relevo("nodo").exit_code == 2


@pytest.mark.parametrize(
    ("path", "value"),
    [("id", "r-1"), ("list.1.name", "b"), ("list.0", '{"name": "a"}'), ("open", "false")],
)
def test_one_field_is_taken_out_of_json(path: str, value: str) -> None:
    text = '{"id": "r-1", "list": [{"name": "a"}, {"name": "b"}], "open": false}'
    result = runner.invoke(app, ["field", path], input=text)
    assert (result.exit_code, result.stdout) == (0, f"{value}\n")


@pytest.mark.parametrize("text", ["", "{", '{"title": "No consent"}', "[]"])
def test_a_field_that_is_not_there_is_an_error_that_shows_what_came(text: str) -> None:
    result = runner.invoke(app, ["field", "id"], input=text)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "No consent" in result.stderr or "title" not in text


def test_a_demo_never_replaces_a_folder_that_is_not_a_demos(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    result = relevo("demo", "--once", "--directory", tmp_path)
    assert result.exit_code == 1
    assert "neither empty nor a former demo's" in result.stderr
    assert (tmp_path / "mine.txt").read_text() == "keep"


def test_a_gateways_issuer_gets_a_new_signing_key(tmp_path: Path) -> None:
    gateway = a_gateway(tmp_path)
    relevo("gateway", "init", "--config", gateway)
    result = relevo("gateway", "client", "new-issuer-key", "--config", gateway)
    assert (result.exit_code, "signs from" in result.stdout) == (0, True)
