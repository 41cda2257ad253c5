"""Files that people give to commands: what is wrong with them is said so that they can mend it."""

from importlib import resources
from pathlib import Path

import pytest

from relevo.cli.failures import CommandError
from relevo.cli.files import parse_json
from tests.cli.test_commands import relevo


def test_a_pathway_file_is_checked_with_its_id_and_its_name(tmp_path: Path) -> None:
    folder = resources.files("relevo.contracts.pathways") / "data"
    text = (folder / "gt-retorno-al-hogar.toml").read_text("utf-8")
    taken, mine, other = (tmp_path / f"{name}.toml" for name in ("taken", "gt-mine", "other"))
    taken.write_text(text)
    result = relevo("pathway", "check", taken)
    assert (result.exit_code, "comes with Relevo" in result.stdout) == (1, True)
    for path in (mine, other):
        path.write_text(text.replace('id = "gt-retorno-al-hogar"', 'id = "gt-mine"'))
    assert (
        relevo("pathway", "check", mine).exit_code,
        relevo("pathway", "check", mine).stdout,
    ) == (0, "")
    renamed = relevo("pathway", "check", other)
    assert (renamed.exit_code, "warning: the file is not named" in renamed.stdout) == (0, True)
    both = relevo("pathway", "check", mine, other)
    assert (both.exit_code, "has the same id" in both.stdout) == (1, True)
    mine.write_bytes(b"\xff")
    for path, said in (
        (mine, "no text in UTF-8"),
        (tmp_path, "directory"),
        (tmp_path / "x", "No such file"),
    ):
        result = relevo("pathway", "check", path)
        assert (result.exit_code, said in result.stderr) == (1, True), result.stderr


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\xff\xfe{}", "no text in UTF-8"),
        (b'{"a": 1,\n "b" 2}', "line 2, column 6"),
        (b'{"a": 1, "a": 2}', "a key stands twice"),
        (b"[" * 3000 + b"]" * 3000, "nested beyond"),
    ],
)
def test_what_is_no_json_is_said_with_its_place_and_never_with_its_content(
    content: bytes, said: str
) -> None:
    with pytest.raises(CommandError, match=said) as refused:
        parse_json("referral.json", content)
    assert "referral.json" in str(refused.value)
