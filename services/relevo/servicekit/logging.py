"""Logs are for operators, so they hold nothing about a person: only keys listed here survive.

One JSON object a line, on stderr. Of an exception the log keeps its types and where it happened,
never its text: that text is where values end up.
"""

import json
import logging
import sys
import time
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, cast

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.typing import EventDict, FilteringBoundLogger
from typing_extensions import override

KEYS: Final = frozenset(
    {
        "attempt",
        "audience",
        "bytes",
        "check",
        "client",
        "correlation_id",
        "count",
        "delivery_id",
        "duration_ms",
        "error_id",
        "event",
        "exceptions",
        "failed",
        "gateway",
        "host",
        "institution",
        "issuer",
        "kid",
        "level",
        "logger",
        "message_id",
        "message_type",
        "method",
        "package",
        "peer",
        "port",
        "problem",
        "reason",
        "referral_id",
        "retry_after_seconds",
        "rule",
        "route",
        "scope",
        "service",
        "state",
        "status",
        "timestamp",
        "trace_id",
        "version",
        "worker",
    }
)
"""Every key a log line may have. None of them ever holds a value somebody typed about a person."""

MAX_TEXT: Final = 200
MAX_FRAMES: Final = 20
MAX_CAUSES: Final = 8

Logger = FilteringBoundLogger


def configure_logging(service: str, level: str = "INFO") -> None:
    """Send everything this process logs, libraries included, through the list of allowed keys."""
    number = logging.getLevelNamesMapping()[level.upper()]

    def name_service(_: Any, __: str, event: EventDict) -> EventDict:
        event["service"] = service
        return event

    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            name_service,
            _describe_exception,
            keep_allowed_keys,
            _render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_LibraryFormatter(service))
    root = logging.getLogger()
    for former in root.handlers[:]:
        root.removeHandler(former)
    root.addHandler(handler)
    root.setLevel(number)
    for chatty in ("asyncio", "httpcore", "httpx", "sqlalchemy", "alembic", "uvicorn.access"):
        logging.getLogger(chatty).setLevel(max(number, logging.WARNING))
    for uvicorn_logger in ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi"):
        logging.getLogger(uvicorn_logger).handlers.clear()
        logging.getLogger(uvicorn_logger).propagate = True


def get_logger() -> Logger:
    return cast("Logger", structlog.get_logger())


def keep_allowed_keys(_: Any, __: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """The processor that forgets: unknown keys go, long texts are cut, objects become nothing."""
    return {key: _plain(value) for key, value in event.items() if key in KEYS and value is not None}


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return str(value)[:MAX_TEXT]
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value, key=str) if isinstance(value, set | frozenset) else value
        return [_plain(item) for item in list(items)[:MAX_TEXT]]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    return type(value).__name__


def _render(_: Any, __: str, event: Mapping[str, Any]) -> str:
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"))


def _describe_exception(_: Any, __: str, event: EventDict) -> EventDict:
    given = event.pop("exc_info", None)
    event.pop("exceptions", None)
    error = given
    if isinstance(given, tuple):
        error = given[1]
    elif given is True:
        error = sys.exc_info()[1]
    if isinstance(error, BaseException):
        event["exceptions"] = describe(error)
    return event


def describe(error: BaseException) -> list[dict[str, Any]]:
    """An exception and its causes as types and places, without any of their texts."""
    described: list[dict[str, Any]] = []
    seen: set[int] = set()
    waiting: list[BaseException] = [error]
    while waiting and len(described) < MAX_CAUSES:
        current = waiting.pop(0)
        if id(current) in seen:
            continue
        seen.add(id(current))
        kind = type(current)
        described.append(
            {"type": f"{kind.__module__}.{kind.__qualname__}", "at": _frames(current.__traceback__)}
        )
        if isinstance(current, BaseExceptionGroup):
            waiting.extend(current.exceptions)
        cause = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
        if cause is not None:
            waiting.append(cause)
    return described


def _frames(traceback: TracebackType | None) -> list[str]:
    places: list[str] = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        file = "/".join(Path(code.co_filename).parts[-3:])
        places.append(f"{file}:{traceback.tb_lineno} {code.co_name}")
        traceback = traceback.tb_next
    return places[-MAX_FRAMES:]


class _LibraryFormatter(logging.Formatter):
    """A library's record by its message template alone: its arguments may be anything."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    @override
    def format(self, record: logging.LogRecord) -> str:
        # Some libraries put values into further lines of the template itself.
        template = record.msg.partition("\n")[0] if isinstance(record.msg, str) else "logged"
        event: dict[str, Any] = {
            "event": template,
            "logger": record.name,
            "level": record.levelname.lower(),
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
            "service": self._service,
        }
        if record.exc_info and record.exc_info[1] is not None:
            event["exceptions"] = describe(record.exc_info[1])
        return _render(None, "", keep_allowed_keys(None, "", event))


class AccessLogMiddleware:
    """One line a request, with the route's template: a path may hold an identifier, a template not.

    Outermost of all. `problem` and `institution` are left in the request's state by whoever knows.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._log = get_logger()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        state = scope.setdefault("state", {})
        status = 0  # stays 0 when the connection ended before an answer

        async def note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, note_status)
        finally:
            route = route_template(scope)
            probe = route in {"/livez", "/readyz"} and status < 400
            (self._log.debug if probe else self._log.info)(
                "request",
                method=scope["method"],
                route=route,
                status=status,
                duration_ms=round((time.perf_counter() - began) * 1000, 2),
                problem=state.get("problem"),
                institution=state.get("institution"),
                client=state.get("client"),
                error_id=state.get("error_id"),
            )


def route_template(scope: Scope) -> str:
    """The matched route as it was declared, or "-"."""
    path = getattr(scope.get("route"), "path_format", None) or getattr(
        scope.get("route"), "path", None
    )
    return path if isinstance(path, str) else "-"
