import httpx
import pytest

from relevo.contracts.problem import ProblemError
from relevo.sandbox.narrator import Narrator, StoryFailedError


def problem(name: str) -> httpx.Response:
    body = ProblemError(name).problem().model_dump_json()
    headers = {"content-type": "application/problem+json"}
    status = ProblemError(name).problem_type.status
    return httpx.Response(status, content=body, headers=headers)


def test_what_holds_is_said_and_counted() -> None:
    said: list[str] = []
    narrator = Narrator(said.append)
    narrator.check("she is named", holds=True)
    assert (said, narrator.held) == (["   ✓ she is named"], 1)


def test_what_does_not_hold_ends_the_story() -> None:
    with pytest.raises(StoryFailedError, match="she is named"):
        Narrator().check("she is named", holds=False)


def test_what_does_not_happen_in_time_ends_the_story() -> None:
    with pytest.raises(StoryFailedError, match="did not happen"):
        Narrator().wait("nothing", lambda: None, seconds=0)


def test_a_refusal_must_be_the_documented_one() -> None:
    Narrator().refused("no consent", problem("consent_missing"), 403, "consent_missing")
    with pytest.raises(StoryFailedError, match="got 404 not_found"):
        Narrator().refused("no consent", problem("not_found"), 403, "consent_missing")


def test_an_answer_that_is_no_problem_ends_the_story() -> None:
    with pytest.raises(StoryFailedError, match="got 201"):
        Narrator().refused("no consent", httpx.Response(201, json={}), 403, "consent_missing")
