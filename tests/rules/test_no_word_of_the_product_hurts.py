"""Nothing that anybody may read calls people by an act done to them or by a paper they lack.

Labels, problems, advice, pathways, command-line texts, comments, OpenAPI and documents.
"""

import ast
import json
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

from relevo.contracts.vocabularies.loader import code_list, list_ids
from tests.support.avoided_words import avoided_in

ROOT: Final = Path(__file__).resolve().parents[2]
_READ: Final = frozenset(
    {".py", ".toml", ".md", ".json", ".html", ".txt", ".cedar", ".sh", ".yaml"}
)
_SKIPPED: Final = frozenset({"__pycache__", "node_modules"})

# Where a word may stand, and why.
ALLOWED: Final = {
    ("contracts/relevo/contracts/manifest/data/words.toml", "indocumentado"): (
        "what people write in lists; it is read, and never written"
    ),
    ("contracts/relevo/contracts/manifest/data/columns.toml", "perfil sospechoso"): (
        "a column that is dropped at the door"
    ),
    ("contracts/relevo/contracts/lifecycles/", "illegal"): "of moves in a table, not of people",
}


def in_value(value: Any) -> Iterator[str]:
    """Every text inside parsed data. Keys are read by machines."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from in_value(part)
    elif isinstance(value, list):
        for part in value:
            yield from in_value(part)


def texts(file: Path) -> Iterator[str]:
    """What a file says to people: of code its texts and docstrings, of data its values."""
    written = file.read_text("utf-8")
    if not avoided_in(written) and "\\u00" not in written:
        return  # nothing in any part of it, without taking it apart
    if file.suffix == ".py":
        for node in ast.walk(ast.parse(written)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
    elif file.suffix == ".toml":
        yield from in_value(tomllib.loads(written))
    elif file.suffix == ".json":
        yield from in_value(json.loads(written))
    else:
        yield written


@cache
def found() -> tuple[tuple[str, str], ...]:
    """File and word, wherever a word stands that should not."""
    folders = ("auth", "contracts", "deploy", "docs", "gateway", "openapi", "services")
    files = [*ROOT.glob("*.md"), *(f for name in folders for f in (ROOT / name).rglob("*"))]
    return tuple(
        (file.relative_to(ROOT).as_posix(), word.lower())
        for file in files
        if file.suffix in _READ and file.is_file() and _SKIPPED.isdisjoint(file.parts)
        for text in texts(file)
        for word in avoided_in(text)
    )


def is_allowed(place: str, word: str) -> bool:
    return any(place.startswith(where) and word == said for where, said in ALLOWED)


def test_no_text_of_the_product_holds_a_word_to_avoid() -> None:
    assert [(place, word) for place, word in found() if not is_allowed(place, word)] == []


@pytest.mark.parametrize(("where", "word"), ALLOWED)
def test_every_exception_is_still_needed(where: str, word: str) -> None:
    assert any(place.startswith(where) and said == word for place, said in found())


@pytest.mark.parametrize(
    "text",
    [
        "los ilegales",
        "migrantes indocumentados",
        "un menor no acompañado",
        "Menores.",
        "el deportado",
        "los beneficiarios del programa",
        "personas discapacitadas",
        "su dialecto",
        "ayuda humanitaria",
        "caso cerrado",
        "rastrear su teléfono",
        "para localizarla",
        "una oleada de llegadas",
        "flujos migratorios",
        "perfil sospechoso",
        "unaccompanied minors",
        "illegal migrants",
        "beneficiaries",
        "seeking refuge",
    ],
)
def test_the_words_are_found(text: str) -> None:
    assert avoided_in(text)


@pytest.mark.parametrize(
    "text",
    [
        "persona en situación irregular",
        "sin documentos de identidad",
        "niña, niño o adolescente no acompañado",
        "cobros ilegales",
        "illegal charges",
        "persona deportada",
        "asistencia humanitaria",
        "influjo",
        "pormenores",
        "refugee status",
        "minority",
        "a minor version",
        "no localizada",
    ],
)
def test_other_words_that_look_alike_are_left_alone(text: str) -> None:
    assert avoided_in(text) == []


def test_even_the_words_that_terms_advise_against_are_not_those_that_hurt() -> None:
    # `avoid` says which word would mean something else; a word that hurts needs no mention at all.
    for list_id in list_ids():
        for entry in code_list(list_id).codes:
            assert [word for word in entry.avoid if avoided_in(word)] == [], entry.code


@pytest.mark.parametrize("list_id", ["case_profile", "specific_need", "child_care_status"])
def test_a_code_says_what_happened_and_not_what_a_person_is(list_id: str) -> None:
    for entry in code_list(list_id).codes:
        for label in (entry.es, entry.en, *entry.labels.values()):
            assert "víctima" not in label.lower(), entry.code
            assert "victim" not in label.lower(), entry.code
