"""What the gateway is asked for the institution's own systems, and what they hear of its refusals."""

from collections.abc import Awaitable, Collection
from typing import TypeVar

from relevo.contracts.problem import ProblemError
from relevo.contracts.problem_types import PROBLEM_TYPES
from relevo.servicekit.http_client import RefusedError, RetryableError

T = TypeVar("T")


async def asked(question: Awaitable[T], *, passed_on: Collection[str]) -> T:
    """The gateway's answer.

    Args:
        question: What it is asked.
        passed_on: Problems that are about what the caller sent, and are the caller's to hear.

    Raises:
        ProblemError: One of those, or `gateway_unreachable`.
    """
    try:
        return await question
    except RetryableError as error:
        raise ProblemError("gateway_unreachable") from error
    except RefusedError as error:
        raise _refusal(error, passed_on) from error


def _refusal(error: RefusedError, passed_on: Collection[str]) -> ProblemError:
    problem, name = error.problem, error.name or ""
    if problem is None or name not in passed_on:
        return ProblemError("gateway_unreachable")
    given = problem.model_extra or {}
    members = {key: given[key] for key in PROBLEM_TYPES[name].members if key in given}
    try:
        return ProblemError(name, errors=problem.errors, **members)
    except KeyError:
        return ProblemError("gateway_unreachable")
