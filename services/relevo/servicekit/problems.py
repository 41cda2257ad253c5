"""Every failure that leaves a service is `application/problem+json`, the framework's own included."""

import re
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from relevo.contracts.problem import MEDIA_TYPE, FieldError, ProblemError
from relevo.contracts.problem_types import PROBLEM_TYPES

from .logging import get_logger, route_template
from .validation_details import detail_of

Language = Literal["en", "es"]

MAX_ERRORS: Final = 50
RETRY_AFTER_SECONDS: Final = {
    "idempotency_key_in_flight": 1,
    "gateway_unreachable": 10,
    "unavailable": 5,
}
_BY_STATUS: Final[Mapping[int, tuple[str, dict[str, Any]]]] = {
    401: ("invalid_token", {}),
    404: ("not_found", {}),
    405: ("method_not_allowed", {}),
    406: ("not_acceptable", {"expected": "application/json"}),
    415: ("unsupported_media_type", {"expected": "application/json"}),
    422: ("invalid_input", {}),
    429: ("too_many_requests", {"retry_after_seconds": 1}),
    503: ("unavailable", {}),
}
# A segment that a schema could name. Others are keys that somebody made up, perhaps out of data.
_PLAIN_KEY: Final = re.compile(r"[A-Za-z_$@][A-Za-z0-9_.:$@-]{0,63}")


def problem_response(
    error: ProblemError, headers: Mapping[str, str], *, extra: Mapping[str, str] | None = None
) -> Response:
    """The answer to a request with these headers (names in lower case)."""
    language = preferred_language(headers.get("accept-language"))
    problem = error.problem(language)
    unset = {"errors"} if not problem.errors else set()
    answer = {
        "content-language": language,
        "cache-control": "no-store",
        "vary": "Accept-Language",
        **_protocol_headers(error, headers),
        **(extra or {}),
    }
    return Response(
        problem.model_dump_json(exclude=unset).encode(),
        status_code=problem.status,
        headers=answer,
        media_type=MEDIA_TYPE,
    )


def preferred_language(accept_language: str | None) -> Language:
    """English unless Spanish is preferred (RFC 9110 §12.5.4)."""
    best: tuple[float, Language] = (0.0, "en")
    for part in (accept_language or "")[:500].split(","):
        tag, _, parameters = part.strip().partition(";")
        language = tag.strip().lower().partition("-")[0]
        if language not in {"en", "es"}:
            continue
        try:
            quality = float(parameters.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
        if quality > best[0]:
            best = (quality, "es" if language == "es" else "en")
    return best[1]


def _protocol_headers(error: ProblemError, request: Mapping[str, str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    wait = error.members.get("retry_after_seconds", RETRY_AFTER_SECONDS.get(error.name))
    if wait is not None:
        headers["retry-after"] = str(wait)
    scheme = request.get("authorization", "").partition(" ")[0].lower()
    if error.name == "invalid_dpop_proof":
        headers["www-authenticate"] = 'DPoP error="invalid_dpop_proof", algs="Ed25519"'
    elif error.problem_type.status == 401:
        # RFC 6750 §3.1: no error code for a request that carried no token.
        fault = 'error="invalid_token"' if scheme else 'realm="relevo"'
        headers["www-authenticate"] = (
            f'DPoP {fault}, algs="Ed25519"' if scheme == "dpop" else f"Bearer {fault}"
        )
    elif error.name == "insufficient_scope":
        kind = "DPoP" if scheme == "dpop" else "Bearer"
        headers["www-authenticate"] = (
            f'{kind} error="insufficient_scope", scope="{error.members["scope"]}"'
        )
    return headers


# -- what a framework's error becomes ---------------------------------------------------------------


def from_validation(error: RequestValidationError, language: Language) -> ProblemError:
    """Names each place that is wrong and why, and repeats no value."""
    found = error.errors()
    if any(item["type"] == "json_invalid" for item in found):
        return ProblemError("malformed_json")
    errors: list[FieldError] = []
    for item in found[:MAX_ERRORS]:
        location = item["loc"]
        detail = detail_of(item, language)
        if location and location[0] == "body":
            pointer = pointer_to(location[1:], error.body)
        else:
            pointer = ""
            where = " ".join(str(part) for part in location[:2])
            detail = f"{where}: {detail}"
        if not any(known.pointer == pointer and known.detail == detail for known in errors):
            errors.append(FieldError(pointer=pointer, detail=detail))
    return ProblemError("invalid_input", errors=errors)


def pointer_to(location: Sequence[str | int], body: Any) -> str:
    """RFC 6901 pointer of a validation error.

    Pydantic's location also names the branch of a union that it tried; only what the body really
    holds becomes part of the pointer, and last of all the name of what is missing.
    """
    pointer = ""
    here = body
    for position, part in enumerate(location):
        last = position == len(location) - 1
        if isinstance(part, int):
            if not isinstance(here, list):
                continue
            here = here[part] if part < len(here) else None
            pointer += f"/{part}"
            continue
        known = isinstance(here, dict) and part in here
        if not known and not (last and isinstance(here, dict)):
            continue
        if not _PLAIN_KEY.fullmatch(part):
            break
        pointer += f"/{part}"
        here = here[part] if known else None
    return pointer


def from_http_exception(error: HTTPException) -> ProblemError:
    name, members = _BY_STATUS.get(
        error.status_code,
        ("bad_request", {}) if error.status_code < 500 else ("unavailable", {}),
    )
    return ProblemError(name, **members)


# -- installation -----------------------------------------------------------------------------------


def install_problem_handlers(app: FastAPI) -> None:
    """Turn every exception of this application into a problem. Call it before adding middleware."""

    async def refused(request: Request, error: Exception) -> Response:
        if isinstance(error, RequestValidationError):
            language = preferred_language(request.headers.get("accept-language"))
            error = from_validation(error, language)
        extra: dict[str, str] = {}
        if isinstance(error, HTTPException):
            extra = dict(error.headers or {})
            error = from_http_exception(error)
        if not isinstance(error, ProblemError):
            error = _unforeseen(error, request.scope)
        if error.name == "method_not_allowed":
            extra |= _all_methods(request)
        request.scope.setdefault("state", {})["problem"] = error.name
        return problem_response(error, request.headers, extra=extra)

    for kind in (
        ProblemError,
        RequestValidationError,
        HTTPException,
        OperationalError,
        PoolTimeoutError,
        Exception,
    ):
        app.add_exception_handler(kind, refused)
    app.add_middleware(CatchAllMiddleware)


def _all_methods(request: Request) -> dict[str, str]:
    # The router names the methods of one handler; a path may have several.
    path = route_template(request.scope)
    methods = {
        method
        for route in request.app.routes
        if isinstance(route, Route) and route.include_in_schema and route.path_format == path
        for method in route.methods or ()
    }
    return {"Allow": ", ".join(sorted(methods))} if methods else {}


def _unforeseen(error: Exception, scope: Scope) -> ProblemError:
    """Tell the log everything but values, and the caller the log's entry."""
    error_id = secrets.token_hex(6)
    scope.setdefault("state", {})["error_id"] = error_id
    database_away = isinstance(error, OperationalError | PoolTimeoutError)
    get_logger().error(
        "database_unavailable" if database_away else "unhandled_exception",
        error_id=error_id,
        exc_info=error,
    )
    if database_away:
        return ProblemError("unavailable")
    return ProblemError("internal_error", error_id=error_id)


class CatchAllMiddleware:
    """Answers what nobody foresaw.

    The framework's own last resort raises the exception again after answering, which brings its
    text, and with it somebody's data, into the server's log.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def note_start(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, note_start)
        except ClientDisconnect:
            return
        except Exception as error:
            refusal = error if isinstance(error, ProblemError) else _unforeseen(error, scope)
            if started:
                raise
            scope.setdefault("state", {})["problem"] = refusal.name
            response = problem_response(refusal, Request(scope).headers)
            await response(scope, receive, send)


# -- description ------------------------------------------------------------------------------------

_EXAMPLE_MEMBERS: Final[Mapping[str, Any]] = {
    "limit": 1048576,
    "expected": "application/json",
    "retry_after_seconds": 5,
    "server_time": "2026-03-02T15:04:05Z",
    "expired_at": "2026-03-01T00:00:00Z",
    "issued_at": "2026-03-02T16:04:05Z",
    "valid_from": "2026-01-10",
    "valid_until": "2027-01-10",
    "scope": "referrals:submit",
    "subject": "referral",
    "from_state": "completed",
    "to_state": "accepted",
    "actor": "receiver",
    "consent_state": "withdrawn",
    "grant_state": "withdrawn",
    "receiver": "gt.igm",
    "offered": ["gt.pdh-izabal"],
    "also_enforces": ["gt.igm.control"],
    "current": "4",
    "published_at": "2026-02-01",
    "sender": "mx.albergue-tapachula",
    "institution": "gt.igm",
    "state": "suspended",
    "country": "HN",
    "rule": "no-policy-permits",
    "error_id": "4f1c2a9077b3",
    "limit_days": 90,
}


def problem_responses(*names: str) -> dict[int | str, dict[str, Any]]:
    """The `responses=` of an operation: the problems it can answer, by status, each with an example."""
    by_status: dict[int | str, dict[str, Any]] = {}
    for name in dict.fromkeys(names):
        kind = PROBLEM_TYPES[name]
        members = {member: _EXAMPLE_MEMBERS.get(member, member) for member in kind.members}
        if name == "too_deep":
            members["limit"] = 32
        errors = (
            [FieldError(pointer="/share/0", detail="This code is not in the list.")]
            if name == "invalid_input"
            else None
        )
        example = ProblemError(name, errors=errors, **members).problem().model_dump(mode="json")
        if not example["errors"]:
            del example["errors"]
        entry = by_status.setdefault(
            kind.status,
            {
                "description": "",
                "content": {
                    MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": {}}
                },
            },
        )
        entry["content"][MEDIA_TYPE]["examples"][name] = {
            "summary": kind.title["en"],
            "value": example,
        }
        described = entry["content"][MEDIA_TYPE]["examples"]
        entry["description"] = "Problem: " + ", ".join(f"`{known}`" for known in described) + "."
    return by_status
