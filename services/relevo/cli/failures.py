"""Failures as people read them: one line, no stack trace, no values that may be secret."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

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
    names = {f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__}
    for known, status, say in _SAID:
        if names & known:
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


def _unavailable(error: Any) -> str:
    again = f"\nSend it again with --idempotency-key {error.idempotency_key}: it happens once."
    return f"{error}{again if error.idempotency_key else ''}"


_SAID: Final[tuple[tuple[set[str], int, Callable[[Any], str]], ...]] = (
    ({"relevo.cli.failures.CommandError"}, REFUSED, str),
    ({"relevo.client.exceptions.SettingsError"}, CANNOT_START, str),
    ({"relevo.client.exceptions.UnavailableError"}, REFUSED, _unavailable),
    ({"relevo.client.exceptions.RelevoError"}, REFUSED, str),
    ({"relevo.contracts.problem.ProblemError"}, REFUSED, _problem),
    (
        {
            "relevo.servicekit.settings.InvalidSettingsError",
            "relevo.auth.exceptions.WrappingKeyError",
            "relevo.gateway.exceptions.MissingKeysError",
        },
        CANNOT_START,
        str,
    ),
    ({"relevo.gateway.exceptions.GatewayError"}, REFUSED, str),
    (
        {"relevo.servicekit.jose.JoseError"},
        REFUSED,
        lambda error: f"Not a key or token that can be used: {error}",
    ),
    ({"pydantic_core._pydantic_core.ValidationError"}, REFUSED, _places),
    (
        {"relevo.servicekit.outbound_errors.RefusedError"},
        REFUSED,
        lambda error: f"The other side refuses: {error}",
    ),
    (
        {"relevo.servicekit.outbound_errors.RetryableError", "httpx.HTTPError"},
        REFUSED,
        lambda error: f"The other side cannot be reached: {error}",
    ),
    ({"sqlalchemy.exc.SQLAlchemyError"}, CANNOT_START, _database),
    ({"builtins.FileNotFoundError"}, REFUSED, lambda error: f"There is no {error.filename}."),
    ({"builtins.OSError", "subprocess.SubprocessError"}, REFUSED, str),
)
"""The first row that fits counts. Named and not imported: whoever prints one field of JSON should not
wait for a database library."""
