"""Everything that is wrong with a pathway file, each with its place and what to do about it."""

import difflib
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from pydantic import BaseModel, ValidationError

from relevo.contracts.triage.loader import triage_schemes
from relevo.contracts.vocabularies.loader import code_list

from .positions import Entry, Path, Place, positions
from .rules import faults
from .schema import Asked, FollowUpPlan, Pathway, QuietDays, Stage, Starts

_TABLES: Final[Mapping[str, type[BaseModel]]] = {
    "starts": Starts, "stages": Stage, "follow_up": FollowUpPlan, "quiet_days": QuietDays, "asks": Asked,
}  # fmt: skip
_AT: Final = re.compile(r" \(at line (\d+), column (\d+)\)$")
_NO_CODE: Final = re.compile(r"not a code of (\w+)")
_QUOTED: Final = re.compile(r"'([^']*)'")
_SHOWN: Final = 60
_NEEDS: Final[Mapping[str, str]] = {
    "string_type": "is not text: write it in quotes",
    "list_type": "is not a list: write it in square brackets",
    "bool_type": "is neither true nor false",
    "int_type": "is no whole number, or one in quotes",
    "model_type": "is not a table",
    "model_attributes_type": "is not a table",
    "dict_type": "is not a table",
    "string_pattern_mismatch": "is not written as it must be here",
}
"""What is said of a field, by pydantic's kind of error."""
_START: Final = Place(1, 1)


@dataclass(frozen=True)
class Finding:
    """One thing to mend or to think about.

    Attributes:
        line: From 1.
        column: From 1.
        pointer: JSON pointer of the value in the file.
    """

    level: Literal["error", "warning"]
    line: int
    column: int
    pointer: str
    message: str
    advice: str | None = None

    def in_file(self, name: str) -> str:
        """As compilers write it, so that editors jump there."""
        advice = "" if self.advice is None else f" ({self.advice})"
        return f"{name}:{self.line}:{self.column}: {self.level}: {self.message}{advice}"


def check(text: str) -> list[Finding]:
    """What is wrong with a pathway file, in the order of its lines; a file without errors can be used."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return [_unreadable(text, str(error))]
    where = positions(text)
    try:
        route = Pathway.model_validate(raw)
    except ValidationError as error:
        wrong = [*_wrong_fields(error, where), *_broken_rules(raw, where)]
        return sorted(wrong, key=lambda finding: (finding.line, finding.column, finding.message))
    return list(_doubts(route, where))


def id_place(text: str) -> Place:
    """Where a pathway file says its id."""
    found = positions(text).get(("id",))
    return _START if found is None else found.value


def _unreadable(text: str, message: str) -> Finding:
    found = _AT.search(message)
    if found is not None:
        line, column = int(found[1]), int(found[2])
    else:  # at the end of the document
        lines = text.split("\n")
        line, column = len(lines), len(lines[-1]) + 1
    reason = re.sub(r" \(at .*\)$", "", message)
    return Finding("error", line, column, "", f"this is not TOML: {reason}")


def _wrong_fields(error: ValidationError, where: Mapping[Path, Entry]) -> Iterator[Finding]:
    for item in error.errors(include_url=False):
        path = item["loc"]
        if not path:
            continue  # the rules between fields, which have places of their own
        kind = item["type"]
        message, advice = _said(item)
        if kind == "missing":
            place = _place_of(path[:-1], where, of_key=True)
        else:
            place = _place_of(path, where, of_key=kind == "extra_forbidden")
        yield Finding("error", place.line, place.column, _pointer(path), message, advice)


def _said(item: Mapping[str, Any]) -> tuple[str, str | None]:
    """What a field's error says to somebody who writes pathway files."""
    path: Path = item["loc"]
    kind, given = item["type"], item["input"]
    model = _model_of(path)
    if kind == "missing":
        field = model.model_fields.get(str(path[-1]))
        return f"`{path[-1]}` is missing", None if field is None else field.description
    if kind == "extra_forbidden":
        return f"`{path[-1]}` is no key here", _nearest(str(path[-1]), model.model_fields)
    if kind == "literal_error":
        known = _QUOTED.findall(item["ctx"]["expected"])
        return f"`{given}` is not one of {', '.join(known)}", _nearest(str(given), known)
    message = str(item["msg"]).removeprefix("Value error, ")
    no_code = _NO_CODE.search(message)
    if no_code is not None:
        codes = [code.code for code in code_list(no_code[1]).codes]
        return f"`{given}` is not a code of {no_code[1]}", _nearest(str(given), codes)
    if message == "not a triage scheme":
        return f"`{given}` is not a triage scheme", _nearest(str(given), triage_schemes())
    if kind in _NEEDS:
        message = f"`{_shown(given)}` {_NEEDS[kind]}"
    elif not given and kind in {"string_too_short", "too_short"}:
        message = "this is empty"
    return f"{message[:1].lower()}{message[1:]}", _meaning(path)


def _shown(given: Any) -> str:
    """As it stands in the file, or the beginning of it."""
    text = str(given).lower() if isinstance(given, bool) else str(given)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _meaning(path: Path) -> str | None:
    """What the schema says of a field."""
    names = [part for part in path if isinstance(part, str)]
    field = _model_of(path).model_fields.get(names[-1]) if names else None
    return None if field is None else field.description


def _broken_rules(raw: Mapping[str, Any], where: Mapping[Path, Entry]) -> Iterator[Finding]:
    for fault in faults(raw):
        place = _place_of(fault.where, where, of_key=False)
        given = _value_at(raw, fault.where)
        advice = fault.advice
        if fault.known and isinstance(given, str):
            advice = " · ".join(filter(None, (advice, _nearest(given, fault.known))))
        yield Finding(
            "error", place.line, place.column, _pointer(fault.where), fault.message, advice or None
        )


def _doubts(route: Pathway, where: Mapping[Path, Entry]) -> Iterator[Finding]:
    doubtful = route.special_without_reason()
    for position, asked in enumerate(route.asks):
        if asked.category in doubtful:
            path: Path = ("asks", position, "category")
            place = _place_of(path, where, of_key=False)
            yield Finding(
                "warning",
                place.line,
                place.column,
                _pointer(path),
                f"`{asked.category}` is special data and required: without it she is not helped",
                "say special_because, or do not require it",
            )


def _place_of(path: Path, where: Mapping[Path, Entry], *, of_key: bool) -> Place:
    """The place of a value, or of the nearest thing around it that the file holds."""
    if path in where:
        return where[path].key if of_key else where[path].value
    for length in range(len(path) - 1, 0, -1):
        if path[:length] in where:
            return where[path[:length]].key
    return _START


def _value_at(raw: Any, path: Path) -> Any:
    for part in path:
        try:
            raw = raw[part]
        except (KeyError, IndexError, TypeError):
            return None
    return raw


def _model_of(path: Path) -> type[BaseModel]:
    """The table that holds the last key of a path."""
    return _TABLES.get(str(path[0]), Pathway) if len(path) > 1 else Pathway


def _pointer(path: Path) -> str:
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def _nearest(name: str, known: Iterable[str]) -> str | None:
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.4)
    return f"the nearest is `{found[0]}`" if found else None
