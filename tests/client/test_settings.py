from pathlib import Path

import pytest

from relevo.client.exceptions import SettingsError
from relevo.client.relevo import Relevo
from relevo.client.settings import ClientSettings
from relevo.servicekit import jose

NODE = "https://node.albergue.example"


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PROFILE", "NODE", "CLIENT", "KEY"):
        monkeypatch.delenv(f"RELEVO_CLIENT_{name}", raising=False)


def a_profile(folder: Path, *lines: str) -> Path:
    path = folder / "cases.toml"
    path.write_text("\n".join([f'node = "{NODE}/"', 'client = "mx.a.cases"', *lines]))
    return path


def test_a_profile_names_a_key_beside_it(tmp_path: Path) -> None:
    settings = ClientSettings.load(a_profile(tmp_path, 'key = "cases.jwk"', 'language = "es"'))
    assert (settings.issuer, settings.base) == (NODE, NODE)
    assert settings.key == tmp_path / "cases.jwk"
    assert settings.language == "es"


def test_arguments_outrank_the_environment_and_that_the_profile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = a_profile(tmp_path, 'key = "cases.jwk"', "patience_seconds = 5")
    monkeypatch.setenv("RELEVO_CLIENT_PROFILE", str(profile))
    monkeypatch.setenv("RELEVO_CLIENT_CLIENT", "mx.a.environment")
    monkeypatch.setenv("RELEVO_CLIENT_TIMEOUT_SECONDS", "7")
    settings = ClientSettings.load(key="/keys/argument.jwk")
    assert (settings.client, settings.key) == ("mx.a.environment", Path("/keys/argument.jwk"))
    assert (settings.patience_seconds, settings.timeout_seconds) == (5, 7)


def test_what_is_missing_is_named() -> None:
    with pytest.raises(SettingsError, match="Not said: node, key") as refused:
        ClientSettings.load(client="mx.a.cases")
    assert "RELEVO_CLIENT_NODE" in str(refused.value)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('clent = "x"', "clent, which is no setting"),
        ('patience_seconds = "soon"', "number of seconds"),
        ("patience_seconds = -1", "positive"),
        ('language = "fr"', "en, es"),
        ("language = 3", "language is text"),
        ('address = "node:8000"', "not the address"),
        ('address = "http://10.0.0.4:8000"', "not encrypted"),
        ("=", "not TOML"),
    ],
)
def test_a_profile_that_cannot_be_used_says_why(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        ClientSettings.load(a_profile(tmp_path, 'key = "k"', line))


def test_a_profile_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"no\.toml cannot be read"):
        ClientSettings.load(tmp_path / "no.toml")


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:8000", "http://localhost:1", "http://node.localhost"]
)
def test_open_http_stays_on_this_machine(tmp_path: Path, address: str) -> None:
    profile = a_profile(tmp_path, 'key = "k"')
    assert ClientSettings.load(profile, address=address).base == address
    with pytest.raises(SettingsError, match="not encrypted"):
        ClientSettings.load(profile, address="http://node.example")
    allowed = ClientSettings.load(profile, address="http://node.example", allow_http=True)
    assert allowed.base == "http://node.example"


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b'{"kty": "RSA"}', b'{"kty": "OKP", "crv": "Ed25519"}', b"\xff"],
)
def test_a_file_that_holds_no_key_is_refused(tmp_path: Path, content: bytes) -> None:
    key = tmp_path / "key.jwk"
    key.write_bytes(content)
    with pytest.raises(SettingsError, match=r"key\.jwk holds no"):
        Relevo(node=NODE, client="a", key=key)


def test_a_public_key_is_refused_and_an_absent_one_named(tmp_path: Path) -> None:
    key = tmp_path / "key.jwk"
    with pytest.raises(SettingsError, match="cannot be read"):
        Relevo(node=NODE, client="a", key=key)
    public = jose.public_jwk(jose.generate_signing_key())
    key.write_text(str(public).replace("'", '"'))
    with pytest.raises(SettingsError, match="no private key"):
        Relevo(node=NODE, client="a", key=key)


def test_certificates_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    key, certificates = tmp_path / "key.jwk", tmp_path / "ca.pem"
    jose.save_key(key, jose.generate_signing_key())
    certificates.write_text("none")
    with pytest.raises(SettingsError, match=r"ca\.pem holds no certificates"):
        Relevo(node=NODE, client="a", key=key, ca_file=certificates)
