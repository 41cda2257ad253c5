import asyncio
import json
import logging
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from relevo.servicekit.logging import AccessLogMiddleware, configure_logging, get_logger
from relevo.servicekit.problems import install_problem_handlers

SECRET = "Tomasa"


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    out, err = capsys.readouterr()
    assert out == ""
    assert SECRET not in err
    return [json.loads(line) for line in err.splitlines()]


def test_a_line_keeps_only_allowed_keys(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("node")
    get_logger().info("message_received", message_id="m-1", name=SECRET, body={"name": SECRET})
    (line,) = lines(capsys)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "message_received",
        "message_id": "m-1",
        "level": "info",
        "service": "node",
    }


def test_objects_under_allowed_keys_become_their_type(capsys: pytest.CaptureFixture[str]) -> None:
    class Person:
        def __str__(self) -> str:
            return SECRET

    configure_logging("node")
    get_logger().info("x", state=Person(), reason="y" * 5000, count=3)
    (line,) = lines(capsys)
    assert (line["state"], len(line["reason"]), line["count"]) == ("Person", 200, 3)


def fail(name: str) -> None:
    try:
        {}[name]
    except KeyError as cause:
        raise ValueError(f"no {name}") from cause


def test_of_an_exception_types_and_places_are_kept_and_no_text(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging("node")
    try:
        fail(SECRET)
    except ValueError as error:
        get_logger().exception("went_wrong")
        get_logger().error("went_wrong", exc_info=error)
        logging.getLogger("library").exception("failed for %s", SECRET)
    for line in lines(capsys):
        first, second = line["exceptions"]
        assert (first["type"], second["type"]) == ("builtins.ValueError", "builtins.KeyError")
        assert first["at"][-1].endswith(" fail")


def test_groups_and_loops_of_causes_end(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("node")
    first, second = ValueError(SECRET), TypeError(SECRET)
    first.__cause__, second.__cause__ = second, first
    get_logger().error("x", exc_info=ExceptionGroup(SECRET, [first, second]))
    (line,) = lines(capsys)
    assert [item["type"].rpartition(".")[2] for item in line["exceptions"]] == [
        "ExceptionGroup",
        "ValueError",
        "TypeError",
    ]


def test_a_librarys_arguments_are_not_logged(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("node")
    logging.getLogger("library").warning("GET %s said %r", f"/people/{SECRET}", SECRET)
    logging.getLogger("library").warning("Task exception\nfuture: %s", SECRET)
    logging.getLogger("httpx").info("HTTP Request: %s", SECRET)
    first, second = lines(capsys)
    assert first["event"] == "GET %s said %r"
    assert second["event"] == "Task exception"


def test_levels_below_the_one_asked_for_are_silent(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("node", "WARNING")
    get_logger().info("x")
    logging.getLogger("library").info("x")
    assert lines(capsys) == []


def test_a_request_is_one_line_with_its_template_and_never_its_path(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging("node")
    app = FastAPI()
    install_problem_handlers(app)
    app.add_middleware(AccessLogMiddleware)

    @app.get("/people/{name}")
    async def get_person(name: str) -> str:
        if name == "crash":
            raise RuntimeError(SECRET)
        return "x"

    @app.get("/livez")
    async def get_livez() -> str:
        return "x"

    async def ask() -> None:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            for path in (f"/people/{SECRET}?q={SECRET}", f"/{SECRET}", "/livez", "/people/crash"):
                await client.get(path, headers={"x-name": SECRET})

    asyncio.run(ask())
    found, absent, crash, crashed = lines(capsys)
    assert (found["route"], found["status"], found["method"]) == ("/people/{name}", 200, "GET")
    assert (absent["route"], absent["problem"]) == ("-", "not_found")
    assert crash["event"] == "unhandled_exception"
    assert crashed["error_id"] == crash["error_id"]
