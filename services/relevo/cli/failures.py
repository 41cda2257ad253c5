"""Failures as people read them: one line, no stack trace, no values that may be secret."""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import httpx
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from relevo.auth.exceptions import WrappingKeyError
from relevo.contracts.problem import ProblemError
from relevo.gateway.exceptions import GatewayError, MissingKeysError
from relevo.servicekit.jose import JoseError
from relevo.servicekit.outbound_errors import RefusedError, RetryableError
from relevo.servicekit.settings import InvalidSettingsError

_Kinds = type[Exception] | tuple[type[Exception], ...]

REFUSED = 1
CANNOT_START = 3


class CommandError(Exception):
    """What a command says when it cannot do what it was asked."""


@dataclass(frozen=True)
class Failure:
    """A line to print and the exit status."""

    text: str
    status: int


def explain(error: Exception) -> Failure | None:
    """What to say of an error that people can do something about; None for a fault of ours."""
    for kinds, status, say in _SAID:
        if isinstance(error, kinds):
            return Failure(say(error), status)
    return None


def _problem(error: Any) -> str:
    problem = error.problem()
    places = "".join(f"\n  {item.pointer}: {item.detail}" for item in problem.errors)
    return f"{problem.title}. {problem.detail}{places}"


def _database(error: Any) -> str:
    return (
        f"The database does not do its work ({type(error).__name__}). "
        "Is database_url right, and was `migrate` run?"
    )


def _places(error: Any) -> str:
    lines = [
        f"  {'/'.join(str(part) for part in item['loc']) or 'it'}: {item['msg']}"
        for item in error.errors(include_input=False, include_url=False, include_context=False)
    ]
    return "\n".join(["What was given does not fit the contract:", *lines])


_SAID: Final[tuple[tuple[_Kinds, int, Callable[[Any], str]], ...]] = (
    (CommandError, REFUSED, str),
    (ProblemError, REFUSED, _problem),
    ((InvalidSettingsError, WrappingKeyError, MissingKeysError), CANNOT_START, str),
    (GatewayError, REFUSED, str),
    (JoseError, REFUSED, lambda error: f"Not a key or token that can be used: {error}"),
    (ValidationError, REFUSED, _places),
    (RefusedError, REFUSED, lambda error: f"The other side refuses: {error}"),
    (
        (RetryableError, httpx.HTTPError),
        REFUSED,
        lambda error: f"The other side cannot be reached: {error}",
    ),
    (SQLAlchemyError, CANNOT_START, _database),
    (FileNotFoundError, REFUSED, lambda error: f"There is no {error.filename}."),
    ((OSError, subprocess.SubprocessError), REFUSED, str),
)
"""The first row that fits counts."""
