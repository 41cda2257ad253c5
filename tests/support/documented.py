"""Every problem that a service answers in any test must be one that its document names."""

import functools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from relevo.contracts.problem import MEDIA_TYPE
from relevo.contracts.problem_types import PROBLEM_BASE

_FOLDER: Final = Path(__file__).resolve().parents[2] / "openapi"
_SERVICES: Final = {"Relevo node": "node", "Relevo gateway": "gateway", "Relevo issuer": "auth"}


@pytest.fixture(autouse=True, scope="session")
def only_documented_problems() -> Iterator[None]:
    """Watches what applications answer to clients of the same process."""
    answered = httpx.ASGITransport.handle_async_request

    async def watched(self: httpx.ASGITransport, request: httpx.Request) -> httpx.Response:
        response = await answered(self, request)
        service = _SERVICES.get(getattr(self.app, "title", ""))
        if service and response.headers.get("content-type") == MEDIA_TYPE:
            name = json.loads(await response.aread())["type"].removeprefix(PROBLEM_BASE)
            _check(service, request.method.lower(), request.url.path, response.status_code, name)
        return response

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(httpx.ASGITransport, "handle_async_request", watched)
        yield


def _check(service: str, method: str, path: str, status: int, name: str) -> None:
    for pattern, item in _paths(service):
        if pattern.fullmatch(path) and method in item:
            answer = item[method]["responses"].get(str(status), {})
            documented = answer.get("content", {}).get(MEDIA_TYPE, {}).get("examples", {})
            assert name in documented, (
                f"{method.upper()} {path} answers `{name}`, which its document does not name; "
                "if its handler does: make openapi"
            )
            return


@functools.cache
def _paths(service: str) -> list[tuple[re.Pattern[str], dict[str, Any]]]:
    document = json.loads((_FOLDER / f"{service}.json").read_text("utf-8"))
    # A path without parameters goes before one that would take it for a value; `{id}.pdf` before `{id}`.
    paths = sorted(
        document["paths"].items(), key=lambda known: (known[0].count("{"), -len(known[0]))
    )
    return [(re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path)), item) for path, item in paths]
