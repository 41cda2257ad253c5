"""Reads scenario files, and says what is wrong with them, with file and line, before anything starts."""

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources

from pydantic import ValidationError

from relevo.contracts.pathways.positions import Entry, positions
from relevo.contracts.pathways.positions import Path as Keys
from relevo.contracts.vocabularies.loader import code_list

from .cast_files import Cast, shared_cast
from .rehearsal import rehearse
from .schema import ScenarioFile, Step

_NO_CODE = re.compile(r"not a code of (\w+)")


class ScenarioFilesError(Exception):
    """Files that cannot be played: one finding a line, as compilers write them."""


@dataclass(frozen=True)
class Scenario:
    """A scenario that can be played.

    Attributes:
        name: The file's name, for messages.
        cast: The shared cast and its own institutions.
    """

    name: str
    file: ScenarioFile
    cast: Cast
    lines: Mapping[Keys, Entry]

    def line(self, *where: str | int) -> int:
        """The line of a key, or of the nearest thing around it."""
        return _line(where, self.lines)

    @property
    def institutions(self) -> list[str]:
        """Those with a node that take part, in the order in which the file names them."""
        return rehearse(self.file, self.cast).institutions


def built_in() -> dict[str, str]:
    """The text of every scenario file that comes with Relevo, by file name."""
    folder = resources.files(__package__) / "data"
    return {
        entry.name: entry.read_text("utf-8")
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".toml")
    }


def load(texts: Mapping[str, str]) -> list[Scenario]:
    """Scenarios in the order of the files.

    Raises:
        ScenarioFilesError: With everything that is wrong with any of them.
    """
    found: list[Scenario] = []
    wrong: list[str] = []
    for name, text in texts.items():
        try:
            raw = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            wrong.append(f"{name}: this is not TOML: {error}")
            continue
        lines = positions(text)
        try:
            file = ScenarioFile.model_validate(raw)
        except ValidationError as error:
            wrong += [f"{name}:{_line(where, lines)}: {said}" for where, said in _fields(error)]
            continue
        cast = shared_cast().with_own(file.institutions, file.guests)
        faults = rehearse(file, cast).faults
        wrong += [f"{name}:{_line(fault.where, lines)}: {fault}" for fault in faults]
        found.append(Scenario(name, file, cast, lines))
    wrong += _twice(found)
    if wrong:
        raise ScenarioFilesError("\n".join(wrong))
    return found


def _twice(found: list[Scenario]) -> list[str]:
    names: dict[str, str] = {}
    wrong = []
    for scenario in found:
        if scenario.file.id in names:
            wrong.append(
                f"{scenario.name}:{scenario.line('id')}: {names[scenario.file.id]} has the same id"
            )
        names[scenario.file.id] = scenario.name
    return wrong


def _fields(error: ValidationError) -> list[tuple[Keys, str]]:
    found: list[tuple[Keys, str]] = []
    for item in error.errors(include_url=False, include_context=False):
        where = tuple(part for part in item["loc"] if part != "check")
        if item["type"] == "extra_forbidden":
            near = difflib.get_close_matches(str(where[-1]), _known_at(where), n=1, cutoff=0.4)
            said = f"`{where[-1]}` is no key here" + (f": `{near[0]}`?" if near else "")
        elif item["type"] == "missing":
            said = f"`{where[-1]}` is missing"
        else:
            message = item["msg"].removeprefix("Value error, ")
            said = f"{'.'.join(map(str, where))}: {message}{_nearest_code(message, item['input'])}"
        found.append((where, said))
    return found


def _nearest_code(message: str, given: object) -> str:
    no_code = _NO_CODE.match(message)
    if no_code is None:
        return ""
    codes = [code.code for code in code_list(no_code[1]).codes]
    near = difflib.get_close_matches(str(given), codes, n=1, cutoff=0.4)
    return f": `{given}`" + (f"; `{near[0]}`?" if near else "")


def _known_at(where: Keys) -> list[str]:
    model = Step if where and where[0] == "steps" else ScenarioFile
    return [field.alias or name for name, field in model.model_fields.items()]


def _line(where: Iterable[str | int], lines: Mapping[Keys, Entry]) -> int:
    keys = tuple(where)
    for length in range(len(keys), 0, -1):
        if keys[:length] in lines:
            return lines[keys[:length]].key.line
    return 1
