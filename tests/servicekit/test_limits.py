import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request
from pydantic import BaseModel, ConfigDict

from relevo.servicekit.limits import LimitsMiddleware
from relevo.servicekit.problems import install_problem_handlers

SECRET = "Tomasa"


class Person(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str


def an_application(**limits: Any) -> FastAPI:
    app = FastAPI()
    install_problem_handlers(app)
    app.add_middleware(LimitsMiddleware, **limits)

    @app.post("/people")
    async def post_person(person: Person) -> dict[str, int]:
        return {"length": len(person.name)}

    @app.post("/raw/{name}")
    async def post_raw(name: str, request: Request) -> dict[str, Any]:
        return {"name": name, "length": len(await request.body())}

    return app


async def send(
    content: bytes | AsyncIterator[bytes],
    *,
    path: str = "/people",
    content_type: str | None = "application/json",
    headers: dict[str, str] | None = None,
    **limits: Any,
) -> httpx.Response:
    transport = httpx.ASGITransport(an_application(**limits))
    sent = dict(headers or {})
    if content_type is not None:
        sent["content-type"] = content_type
    async with httpx.AsyncClient(transport=transport, base_url="http://node.example") as client:
        return await client.post(path, content=content, headers=sent)


def assert_problem(response: httpx.Response, status: int, name: str) -> dict[str, Any]:
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert (response.status_code, problem["type"].rpartition("/")[2]) == (status, name)
    assert SECRET not in response.text
    return problem


@pytest.mark.asyncio
async def test_a_good_body_arrives_whole() -> None:
    response = await send(json.dumps({"name": "x" * 500_000}).encode())
    assert response.json() == {"length": 500_000}


@pytest.mark.parametrize(
    ("body", "status", "name"),
    [
        (b'{"name": "Tomasa"', 400, "malformed_json"),
        (b'{"name": "Tomasa", "name": "Tomasa"}', 400, "malformed_json"),
        (b'{"name": NaN}', 400, "malformed_json"),
        (b'{"name": "Tomasa\xff"}', 400, "malformed_json"),
        (b'{"name": ' + b"[" * 33 + b'"Tomasa"' + b"]" * 33 + b"}", 422, "too_deep"),
        (b"[" * 200_000, 422, "too_deep"),
        (b'{"name": "Tomasa\\u0000"}', 422, "invalid_input"),
        (b'{"name": "Tomasa\\ud800"}', 422, "invalid_input"),
        (b'{"name": ["Tomasa"]}', 422, "invalid_input"),
        (b'{"name": "x", "surname": "Tomasa"}', 422, "invalid_input"),
        (b'"Tomasa"', 422, "invalid_input"),
        (b"", 422, "invalid_input"),
    ],
)
@pytest.mark.asyncio
async def test_bad_input_is_a_problem_that_repeats_nothing(
    body: bytes, status: int, name: str
) -> None:
    assert_problem(await send(body), status, name)


@pytest.mark.parametrize("path", ["/people?after=%00", "/people?a=b&c=d%00e", "/%00", "/people%00"])
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.asyncio
async def test_a_zero_byte_in_the_url_goes_no_further(method: str, path: str) -> None:
    transport = httpx.ASGITransport(an_application())
    async with httpx.AsyncClient(transport=transport, base_url="http://node.example") as client:
        assert_problem(await client.request(method, path), 400, "bad_request")


@pytest.mark.parametrize(
    ("content_type", "headers"),
    [
        (None, {}),
        ("text/plain", {}),
        ("application/x-www-form-urlencoded", {}),
        ("application/jsonp", {}),
        ("multipart/form-data; boundary=x", {}),
        ("application/json", {"content-encoding": "gzip"}),
    ],
)
@pytest.mark.asyncio
async def test_only_plain_json_is_read(content_type: str | None, headers: dict[str, str]) -> None:
    response = await send(b'{"name": "Tomasa"}', content_type=content_type, headers=headers)
    problem = assert_problem(response, 415, "unsupported_media_type")
    assert "application/json" in problem["expected"]


@pytest.mark.asyncio
async def test_a_charset_beside_the_type_is_fine() -> None:
    response = await send(b'{"name": "x"}', content_type="Application/JSON; charset=utf-8")
    assert response.status_code == 200


@pytest.mark.asyncio
async def test_a_body_over_the_limit_is_refused_by_its_declared_length() -> None:
    response = await send(b" " * 1_048_577)
    assert assert_problem(response, 413, "body_too_large")["limit"] == 1_048_576
    assert response.headers["connection"] == "close"


@pytest.mark.asyncio
async def test_a_body_over_the_limit_is_refused_while_it_streams() -> None:
    given = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal given
        for _ in range(1000):
            given += 100_000
            yield b" " * 100_000

    app = an_application()
    sent: list[dict[str, Any]] = []
    pieces = endless()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": await anext(pieces), "more_body": True}

    async def keep(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "POST", "path": "/people", "raw_path": b"/people",
        "query_string": b"", "root_path": "", "scheme": "http", "http_version": "1.1",
        "headers": [(b"content-type", b"application/json"), (b"transfer-encoding", b"chunked")],
        "server": ("node.example", 80), "client": ("198.51.100.1", 1),
    }  # fmt: skip
    await app(scope, receive, keep)
    assert sent[0]["status"] == 413
    assert given <= 1_200_000
    await pieces.aclose()


@pytest.mark.asyncio
async def test_a_body_that_stops_arriving_is_given_up() -> None:
    import asyncio

    async def stalled() -> AsyncIterator[bytes]:
        yield b'{"name": '
        await asyncio.sleep(10)

    pieces = stalled()
    app = LimitsMiddleware(an_application(), stall_seconds=0.05)
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": await anext(pieces), "more_body": True}

    async def keep(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/people", "headers": []}
    await app(scope, receive, keep)
    assert sent[0]["status"] == 408
    await pieces.aclose()


@pytest.mark.asyncio
async def test_nobody_is_answered_when_the_client_has_gone() -> None:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def keep(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/people", "headers": []}
    await LimitsMiddleware(an_application())(scope, receive, keep)
    assert sent == []


@pytest.mark.parametrize("length", ["-1", "abc", "1" * 5000, "1e3", "٣"])
@pytest.mark.asyncio
async def test_a_length_that_is_no_number_is_a_bad_request(length: str) -> None:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"{}"}

    async def keep(message: Any) -> None:
        sent.append(message)

    headers = [(b"content-length", length.encode("utf-8"))]
    scope = {"type": "http", "method": "POST", "path": "/people", "headers": headers}
    await LimitsMiddleware(an_application())(scope, receive, keep)
    assert sent[0]["status"] == 400


@pytest.mark.asyncio
async def test_limits_and_types_can_differ_by_path() -> None:
    options: dict[str, Any] = {
        "body_limits": {"/raw/": 10, "/raw/big": 2_000_000},
        "media_types": {"/raw/": ("application/octet-stream",)},
    }
    binary = "application/octet-stream"
    small = await send(b"\xff" * 11, path="/raw/a", content_type=binary, **options)
    assert_problem(small, 413, "body_too_large")
    big = await send(b"\xff" * 1_500_000, path="/raw/big", content_type=binary, **options)
    assert big.json() == {"name": "big", "length": 1_500_000}
    other = await send(b"{}", path="/raw/a", **options)
    assert_problem(other, 415, "unsupported_media_type")
