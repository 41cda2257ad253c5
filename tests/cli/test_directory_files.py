"""Files of service directories are read whatever they claim to be, and nothing is written but what was asked."""

import json
import zipfile
from pathlib import Path

import pytest

from relevo.cli import directory_files
from relevo.cli.directory_files import read_services, write_services
from relevo.cli.failures import CommandError
from relevo.servicekit.service_examples import SERVICE

TABLE = "id,name,status\ns-1,Uno,active\n"


def a_zip(path: Path, files: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, text in files.items():
            packed.writestr(name, text)
    return path


def test_a_zip_is_read_and_unpacked_nowhere(tmp_path: Path) -> None:
    packed = a_zip(tmp_path / "x.zip", {"../../evil/services.csv": TABLE, "../run.sh": "rm"})
    [found] = read_services(packed)
    assert (found.line, found.document["name"]) == (2, "Uno")
    assert {path.name for path in tmp_path.rglob("*")} == {"x.zip"}


def test_a_zip_that_grows_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory_files, "MOST_BYTES", 100_000)
    packed = a_zip(tmp_path / "x.zip", {"services.csv": TABLE + "," * 200_000})
    assert packed.stat().st_size < 100_000
    with pytest.raises(CommandError, match="larger"):
        read_services(packed)


@pytest.mark.parametrize("name", ["x.json", "x.csv", "services.csv", "x.zip"])
def test_what_is_no_directory_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with pytest.raises(CommandError):
        read_services(path)
    path.write_bytes(b"\xff\x00 no")
    with pytest.raises(CommandError):
        read_services(path)


@pytest.mark.parametrize("name", ["all.json", "all.zip"])
def test_what_is_written_is_read_again(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    write_services(path, [SERVICE])
    [found] = read_services(path)
    assert found.document["name"] == SERVICE["name"]
    assert found.document["contacts"][0]["phones"][0]["number"] == "+502 2222 0000"


def test_an_answer_of_an_hsds_api_is_a_file_too(tmp_path: Path) -> None:
    path = tmp_path / "page.json"
    path.write_text(json.dumps({"total_items": 1, "contents": [SERVICE]}), "utf-8")
    assert [found.document for found in read_services(path)] == [SERVICE]
