import string
from typing import Any

import pytest

from relevo.contracts.problem import (
    LANGUAGES,
    FieldError,
    Problem,
    ProblemError,
)
from relevo.contracts.problem_types import PROBLEM_BASE, PROBLEM_TYPES, ProblemType

KINDS = pytest.mark.parametrize("kind", PROBLEM_TYPES.values(), ids=list(PROBLEM_TYPES))


def quoted_in(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@KINDS
def test_every_problem_speaks_both_languages_and_quotes_only_its_members(
    kind: ProblemType,
) -> None:
    for language in LANGUAGES:
        assert kind.title[language]
        assert not kind.title[language].endswith(".")
        assert kind.detail[language].endswith(".")
        assert quoted_in(kind.detail[language]) <= set(kind.members)
    assert quoted_in(kind.detail["en"]) == quoted_in(kind.detail["es"])


@KINDS
def test_every_problem_can_be_said_with_its_members(kind: ProblemType) -> None:
    members: dict[str, Any] = {name: f"the-{name}" for name in kind.members}
    raised = ProblemError(kind.name, **members)
    for language in LANGUAGES:
        problem = raised.problem(language)
        body = problem.model_dump(mode="json")
        assert body["type"] == PROBLEM_BASE + kind.name
        assert body["status"] == kind.status
        assert body["side"] == kind.side
        assert body["title"] == kind.title[language]
        assert body["translations"][language]["detail"] == body["detail"]
        assert set(body["translations"]) == set(LANGUAGES)
        assert {name: body[name] for name in kind.members} == members
        for name in quoted_in(kind.detail[language]):
            assert members[name] in body["detail"]
        assert Problem.model_validate(body) == problem


@KINDS
def test_no_member_hides_a_member_of_every_problem(kind: ProblemType) -> None:
    assert not set(kind.members) & set(Problem.model_fields)
    assert 400 <= kind.status <= 599


@KINDS
def test_a_problem_without_a_member_it_quotes_cannot_be_raised(kind: ProblemType) -> None:
    if quoted_in(kind.detail["en"]):
        with pytest.raises(KeyError):
            ProblemError(kind.name)


def test_an_undocumented_problem_cannot_be_raised() -> None:
    with pytest.raises(KeyError):
        ProblemError("no_such_problem")


def test_a_list_is_said_in_words_and_carried_as_a_list() -> None:
    raised = ProblemError("consent_does_not_cover_category", categories=["family", "health"])
    assert str(raised) == (
        "consent_does_not_cover_category: Not covered: family, health. "
        "Leave them out of `share`, or ask the person."
    )
    body = raised.problem("es").model_dump()
    assert body["categories"] == ["family", "health"]
    assert "No cubierto: family, health." in body["detail"]


def test_a_value_with_braces_is_said_as_it_is() -> None:
    raised = ProblemError("receiver_unknown", receiver="{0.__class__}")
    assert raised.problem("en").detail == "{0.__class__} is not in the directory."


def test_places_in_the_input_are_json_pointers() -> None:
    raised = ProblemError("invalid_input", errors=[FieldError(pointer="/a/0", detail="too long")])
    assert raised.problem("en").model_dump()["errors"] == [
        {"pointer": "/a/0", "detail": "too long"}
    ]


def test_names_are_unique_and_become_uris() -> None:
    assert all(kind.uri == PROBLEM_BASE + name for name, kind in PROBLEM_TYPES.items())
    assert all(name.replace("_", "").isalpha() for name in PROBLEM_TYPES)
