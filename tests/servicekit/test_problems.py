import json
from collections.abc import AsyncIterator
from datetime import date
from typing import Annotated, Any, Literal

import httpx
import pytest
from fastapi import FastAPI, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, field_validator
from sqlalchemy.exc import OperationalError

from relevo.contracts.problem import Problem, ProblemError
from relevo.contracts.problem_types import PROBLEM_TYPES
from relevo.servicekit.problems import (
    install_problem_handlers,
    pointer_to,
    preferred_language,
    problem_responses,
)

SECRET = "Tomasa"


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Cat(Strict):
    kind: Literal["cat"]
    lives: int


class Dog(Strict):
    kind: Literal["dog"]
    born: date


class Body(Strict):
    shape: Literal["round", "square"] | None = None
    pets: list[Annotated[Cat | Dog, Field(discriminator="kind")]] = []
    tagged: Annotated[
        Annotated[int, Tag("number")] | Annotated[Cat, Tag("cat")],
        Discriminator(lambda value: "cat" if isinstance(value, dict) else "number"),
    ] = 0
    notes: dict[str, int] = {}
    town: str = ""

    @field_validator("town")
    @classmethod
    def _known(cls, value: str) -> str:
        if value == "quoting":
            raise ValueError(f"{value} is no town")
        if value:
            raise ValueError("no such town in the list")
        return value


def an_application() -> FastAPI:
    app = FastAPI()
    install_problem_handlers(app)

    @app.post("/bodies")
    async def post_body(body: Body) -> Body:
        return body

    @app.get("/items")
    async def get_items(limit: Annotated[int, Query(le=100)]) -> int:
        return limit

    @app.get("/fail/{how}")
    async def get_failure(how: str) -> Any:
        match how:
            case "crash":
                raise RuntimeError(SECRET)
            case "database":
                raise OperationalError(SECRET, {"name": SECRET}, Exception(SECRET))
            case "late":

                async def broken() -> AsyncIterator[bytes]:
                    yield b"begin"
                    raise RuntimeError(SECRET)

                return StreamingResponse(broken())
            case _:
                members = {name: SECRET[:0] + name for name in PROBLEM_TYPES[how].members}
                raise ProblemError(how, **members)

    return app


async def ask(method: str, path: str, **options: Any) -> httpx.Response:
    transport = httpx.ASGITransport(an_application())
    async with httpx.AsyncClient(transport=transport, base_url="http://node.example") as client:
        return await client.request(method, path, **options)


def name_of(response: httpx.Response) -> str:
    assert response.headers["content-type"] == "application/problem+json"
    problem = Problem.model_validate(response.json())
    assert problem.status == response.status_code
    return problem.type.rpartition("/")[2]


@pytest.mark.parametrize("name", sorted(PROBLEM_TYPES))
@pytest.mark.asyncio
async def test_every_problem_of_the_contract_can_be_answered(name: str) -> None:
    response = await ask("GET", f"/fail/{name}", headers={"accept-language": "es"})
    assert name_of(response) == name
    assert response.status_code == PROBLEM_TYPES[name].status
    assert response.headers["content-language"] == "es"
    assert response.json()["title"] == PROBLEM_TYPES[name].title["es"]
    assert set(response.json()["translations"]) == {"en", "es"}


@pytest.mark.parametrize(
    ("body", "pointer", "detail"),
    [
        ({"shape": SECRET}, "/shape", "Expected 'round' or 'square'."),
        ({"pets": [{"kind": "cat", "lives": SECRET}]}, "/pets/0/lives", "whole number"),
        ({"pets": [{"kind": SECRET}]}, "/pets/0", "Expected one of 'cat', 'dog'."),
        ({"pets": [{}]}, "/pets/0", "which kind"),
        ({"pets": [{"kind": "dog", "born": SECRET}]}, "/pets/0/born", "date"),
        ({"pets": SECRET}, "/pets", "list"),
        ({"tagged": {"kind": "cat"}}, "/tagged/lives", "required"),
        ({"tagged": SECRET}, "/tagged", "whole number"),
        ({"surname": SECRET}, "/surname", "no such field"),
        ({"notes": {f"{SECRET} Pérez": "x"}}, "/notes", "whole number"),
        ({f"{SECRET} Pérez": 1}, "", "no such field"),
        ({"town": SECRET}, "/town", "no such town in the list"),
        ({"town": "quoting"}, "/town", "not allowed"),
        ([SECRET], "", "object"),
    ],
)
@pytest.mark.asyncio
async def test_a_place_is_named_and_its_value_is_not(body: Any, pointer: str, detail: str) -> None:
    response = await ask("POST", "/bodies", json=body)
    assert name_of(response) == "invalid_input"
    assert SECRET not in response.text
    assert "quoting" not in response.text
    (error,) = response.json()["errors"]
    assert error["pointer"] == pointer
    assert detail in error["detail"]


@pytest.mark.asyncio
async def test_details_come_in_the_language_asked_for() -> None:
    response = await ask(
        "POST", "/bodies", json={"shape": "x"}, headers={"accept-language": "es-GT"}
    )
    assert response.json()["errors"][0]["detail"] == "Se espera 'round' o 'square'."


@pytest.mark.asyncio
async def test_a_wrong_query_parameter_is_named() -> None:
    response = await ask("GET", "/items?limit=5000")
    assert name_of(response) == "invalid_input"
    assert response.json()["errors"][0]["detail"] == "query limit: This must be at most 100."


@pytest.mark.asyncio
async def test_no_more_errors_are_listed_than_somebody_reads() -> None:
    response = await ask("POST", "/bodies", json={f"k{n}": 1 for n in range(500)})
    assert len(response.json()["errors"]) == 50


@pytest.mark.asyncio
async def test_the_frameworks_own_errors_are_problems() -> None:
    assert name_of(await ask("GET", "/absent")) == "not_found"
    refused = await ask("DELETE", "/bodies")
    assert name_of(refused) == "method_not_allowed"


@pytest.mark.asyncio
async def test_allow_names_every_method_of_a_path_and_no_other() -> None:
    app = an_application()

    @app.get("/bodies")
    def list_bodies() -> None: ...

    @app.delete("/{name}")
    def delete_any(name: str) -> None: ...

    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://node.example") as client:
        refused = await client.put("/bodies")
    assert refused.headers["allow"] == "GET, POST"


@pytest.mark.asyncio
async def test_what_nobody_foresaw_tells_a_log_entry_and_no_more(
    capfd: pytest.CaptureFixture[str],
) -> None:
    response = await ask("GET", "/fail/crash")
    assert name_of(response) == "internal_error"
    assert SECRET not in response.text
    assert "Traceback" not in response.text
    out, err = capfd.readouterr()
    assert response.json()["error_id"] in out + err


@pytest.mark.asyncio
async def test_a_database_that_is_away_makes_the_service_unavailable() -> None:
    response = await ask("GET", "/fail/database")
    assert name_of(response) == "unavailable"
    assert response.headers["retry-after"] == "5"
    assert SECRET not in response.text


@pytest.mark.asyncio
async def test_an_answer_that_has_begun_is_broken_off() -> None:
    with pytest.raises(RuntimeError):
        await ask("GET", "/fail/late")


@pytest.mark.parametrize(
    ("name", "authorization", "challenge"),
    [
        ("invalid_token", None, 'Bearer realm="relevo"'),
        ("invalid_token", "Bearer x", 'Bearer error="invalid_token"'),
        ("invalid_token", "DPoP x", 'DPoP error="invalid_token", algs="Ed25519"'),
        ("invalid_dpop_proof", "DPoP x", 'DPoP error="invalid_dpop_proof", algs="Ed25519"'),
        ("insufficient_scope", "Bearer x", 'Bearer error="insufficient_scope", scope="scope"'),
    ],
)
@pytest.mark.asyncio
async def test_who_must_authenticate_is_told_how(
    name: str, authorization: str | None, challenge: str
) -> None:
    headers = {"authorization": authorization} if authorization else {}
    response = await ask("GET", f"/fail/{name}", headers=headers)
    assert response.headers["www-authenticate"] == challenge


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("es", "es"),
        ("es-MX,es;q=0.9,en;q=0.8", "es"),
        ("en;q=0.5, es;q=0.6", "es"),
        ("es;q=0.1, en", "en"),
        ("es;q=0", "en"),
        ("fr, quc", "en"),
        ("es;q=x", "en"),
        ("es;q=nan", "en"),
        (";;;,,,=", "en"),
        ("x" * 100_000, "en"),
    ],
)
def test_the_language_is_negotiated(header: str | None, language: str) -> None:
    assert preferred_language(header) == language


def test_pointers_escape_nothing_because_odd_keys_end_them() -> None:
    assert pointer_to(("a", "b/c"), {"a": {"b/c": 1}}) == "/a"
    assert pointer_to(("a", 5), {"a": [1]}) == "/a/5"


def test_described_problems_carry_an_example_each() -> None:
    described = problem_responses("not_found", "invalid_input", "too_deep")
    assert list(described) == [404, 422]
    content = described[422]["content"]["application/problem+json"]
    assert list(content["examples"]) == ["invalid_input", "too_deep"]
    for example in content["examples"].values():
        Problem.model_validate_json(json.dumps(example["value"]))
    with pytest.raises(KeyError):
        problem_responses("no_such_problem")


def test_every_problem_can_be_described() -> None:
    assert problem_responses(*PROBLEM_TYPES)
