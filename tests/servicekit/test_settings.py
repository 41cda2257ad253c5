from pathlib import Path

import pytest
from pydantic_settings import SettingsConfigDict

from relevo.servicekit.settings import InvalidSettingsError, ServiceSettings


class Settings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="RELEVO_TRIAL_")

    batch_size: int = 100


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    monkeypatch.setenv("RELEVO_TRIAL_DATABASE_URL", "sqlite:////tmp/x.db")
    monkeypatch.setenv("RELEVO_TRIAL_BASE_URL", "http://127.0.0.1:8000/")
    monkeypatch.setenv("RELEVO_TRIAL_KEY_DIRECTORY", str(tmp_path))
    return monkeypatch


def test_settings_come_from_the_environment(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("RELEVO_TRIAL_PORT", "9000")
    settings = Settings.load()
    assert settings.port == 9000
    assert settings.base_url == "http://127.0.0.1:8000"


@pytest.mark.parametrize("by_variable", [True, False])
def test_the_environment_wins_over_the_file(
    environment: pytest.MonkeyPatch, tmp_path: Path, *, by_variable: bool
) -> None:
    file = tmp_path / "node.toml"
    file.write_text("port = 1\nbatch_size = 7\n")
    environment.setenv("RELEVO_TRIAL_PORT", "9000")
    if by_variable:
        environment.setenv("RELEVO_TRIAL_CONFIG", str(file))
    settings = Settings.load(None if by_variable else file)
    assert (settings.port, settings.batch_size) == (9000, 7)


def test_a_misspelled_variable_refuses_to_start_and_names_the_nearest(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("RELEVO_TRIAL_BATCHSIZE", "100")
    for start in (Settings.load, Settings):
        with pytest.raises(InvalidSettingsError, match=r"BATCHSIZE is no.*RELEVO_TRIAL_BATCH_SIZE"):
            start()


def test_a_misspelled_name_in_the_file_refuses_to_start(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "node.toml").write_text("datebase_url = 'x'\n")
    with pytest.raises(InvalidSettingsError, match=r"datebase_url.*nearest is database_url"):
        Settings.load(tmp_path / "node.toml")
    assert environment


def test_variables_of_other_services_are_left_alone(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("RELEVO_OTHER_NONSENSE", "1")
    assert Settings.load()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "hunter2"),
        ("PORT", "70000"),
        ("BASE_URL", "ftp://hunter2"),
        ("BASE_URL", "https://x/hunter2"),
        ("BASE_URL", "https://hunter2@x"),
        ("LOG_LEVEL", "hunter2"),
    ],
)
def test_a_wrong_value_names_the_setting_and_not_the_value(
    environment: pytest.MonkeyPatch, name: str, value: str
) -> None:
    environment.setenv(f"RELEVO_TRIAL_{name}", value)
    with pytest.raises(InvalidSettingsError, match=f"RELEVO_TRIAL_{name}") as refusal:
        Settings.load()
    assert "hunter2" not in str(refusal.value)


def test_a_missing_setting_is_named(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("RELEVO_TRIAL_KEY_DIRECTORY")
    with pytest.raises(InvalidSettingsError, match="RELEVO_TRIAL_KEY_DIRECTORY"):
        Settings.load()


@pytest.mark.parametrize("content", [b"port = ", b"\xff"])
def test_a_file_that_is_no_toml_is_named(
    environment: pytest.MonkeyPatch, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "node.toml").write_bytes(content)
    with pytest.raises(InvalidSettingsError, match=r"node\.toml is not TOML"):
        Settings.load(tmp_path / "node.toml")
    with pytest.raises(InvalidSettingsError, match="cannot be read"):
        Settings.load(tmp_path / "absent.toml")
    assert environment


def test_production_refuses_a_moved_clock_and_plain_http(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("RELEVO_TRIAL_PRODUCTION", "true")
    with pytest.raises(InvalidSettingsError, match="https in production"):
        Settings.load()
    environment.setenv("RELEVO_TRIAL_BASE_URL", "https://node.example")
    assert Settings.load().production
    environment.setenv("RELEVO_TRIAL_SANDBOX_CLOCK_FILE", "/tmp/clock")  # noqa: S108
    with pytest.raises(InvalidSettingsError, match="sandbox_clock_file"):
        Settings.load()


def test_what_is_printed_holds_no_secret(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("RELEVO_TRIAL_DATABASE_URL", "postgresql://relevo:hunter2@db/node")
    assert "hunter2" not in repr(Settings.load())
