"""One request and all that belongs to it: token, key, tries, and what a refusal means."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from relevo.contracts.problem import MEDIA_TYPE, Problem

from .call import Call
from .exceptions import (
    NotTheContractError,
    RelevoError,
    UnavailableError,
    as_exception,
)
from .plan import Exchange, LostError, Pause, Plan, Request, Response
from .retry import Patience, retry_after
from .settings import ClientSettings
from .tokens import Tokens

T = TypeVar("T")

OnRetry = Callable[[RelevoError, float], None]
"""Told why something is tried again, and after how many seconds."""

_LATER: Final = frozenset({429, 502, 503, 504})
_IN_FLIGHT: Final = "idempotency_key_in_flight"
_BEYOND: Final = "gateway_unreachable"


def _agent() -> str:
    try:
        return f"relevo-client/{version('relevo')}"
    except PackageNotFoundError:
        return "relevo-client"


class _TryAgainError(Exception):
    def __init__(self, cause: UnavailableError, *, sent: bool) -> None:
        self.cause = cause
        self.sent = sent
        super().__init__()


class Session:
    """Turns calls into plans.

    Args:
        settings: Where the node is.
        tokens: Of this client.
        clock: Seconds of a clock that never goes back.
        on_retry: Told before each new try.
    """

    def __init__(
        self,
        settings: ClientSettings,
        tokens: Tokens,
        clock: Callable[[], float],
        on_retry: OnRetry | None = None,
    ) -> None:
        self.clock = clock
        self._settings = settings
        self._tokens = tokens
        self._on_retry = on_retry
        self._headers = {
            "accept": f"application/json, {MEDIA_TYPE}",
            "accept-language": settings.language,
            "user-agent": _agent(),
        }

    def perform(self, call: Call[T], *, patience_seconds: float | None = None) -> Plan[T]:
        """The answer to a call, asked for again while that makes sense.

        Raises:
            RelevoProblemError: The node refuses; see the subclasses.
            UnavailableError: No answer in time.
            CredentialsRefusedError: No token.
            NotTheContractError: The answer is none of this contract.
        """
        seconds = self._settings.patience_seconds if patience_seconds is None else patience_seconds
        patience = Patience(seconds, self.clock)
        while True:
            try:
                answer = yield from self._answered(call)
            except _TryAgainError as again:
                failure = again.cause
                failure.idempotency_key = call.key
                hopeless = again.sent and not call.repeatable
                pause = None if hopeless else patience.next_pause(failure.retry_after)
                if pause is None:
                    raise failure from None
                if self._on_retry is not None:
                    self._on_retry(failure, pause)
                yield Pause(pause)
            else:
                return call.read(answer.content)

    def _answered(self, call: Call[Any]) -> Plan[Response]:
        """One try, and a second with a new token when the first token was refused."""
        token = yield from self._token()
        answer = yield from self._sent(call, token)
        if answer.status == 401:
            # Expired while this machine slept, or ended early: a new one tells.
            self._tokens.forget(token)
            token = yield from self._token()
            answer = yield from self._sent(call, token)
        return self._good(answer)

    def _token(self) -> Plan[str]:
        try:
            return (yield from self._tokens.get())
        except LostError as lost:
            raise _lost(lost, sent=False) from None
        except UnavailableError as failure:
            raise _TryAgainError(failure, sent=False) from None

    def _sent(self, call: Call[Any], token: str) -> Plan[Response]:
        headers = {**self._headers, "authorization": f"Bearer {token}"}
        if call.content is not None:
            headers["content-type"] = call.content_type
        if call.key is not None:
            headers["idempotency-key"] = call.key
        request = Request(call.method, self._settings.base + call.target, headers, call.content)
        try:
            answer: Response = yield Exchange(request)
        except LostError as lost:
            raise _lost(lost, sent=lost.may_have_arrived) from None
        return answer

    def _good(self, answer: Response) -> Response:
        if 200 <= answer.status < 300:
            return answer
        problem = _problem(answer)
        if answer.status in _LATER or (problem is not None and problem.type.endswith(_IN_FLIGHT)):
            raise _TryAgainError(
                UnavailableError(
                    f"{problem.title}. {problem.detail}"
                    if problem is not None
                    else f"The node cannot be reached: {answer.status} from a server before it.",
                    problem=problem,
                    retry_after=retry_after(
                        answer.headers.get("retry-after"), now=datetime.now(UTC)
                    ),
                ),
                # A server in between says 502 and 504 of requests that may have passed it, and a node
                # cannot tell whether its gateway took what it did not answer.
                sent=problem is None or problem.type.endswith(_BEYOND),
            )
        if problem is not None:
            raise as_exception(problem)
        raise NotTheContractError(
            f"{self._settings.base} was answered {answer.status} by something that is no node."
        )


def _lost(lost: LostError, *, sent: bool) -> Exception:
    failure = UnavailableError(f"The node cannot be reached: {lost}.")
    return failure if lost.hopeless else _TryAgainError(failure, sent=sent)


def _problem(answer: Response) -> Problem | None:
    if answer.headers.get("content-type", "").partition(";")[0].strip() != MEDIA_TYPE:
        return None
    try:
        return Problem.model_validate(json.loads(answer.content))
    except (ValueError, ValidationError, RecursionError):
        return None
