import json
from typing import Annotated, Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import BaseModel

from relevo.contracts.problem_types import PROBLEM_TYPES
from relevo.contracts.scopes import SCOPE_DESCRIPTIONS, Scope
from relevo.servicekit.access_token import Caller
from relevo.servicekit.application import new_application
from relevo.servicekit.openapi import openapi_document
from relevo.servicekit.problems import problem_responses
from relevo.servicekit.require_scope import require


class Note(BaseModel):
    text: str


def an_application() -> FastAPI:
    app = new_application(title="Node", version="1.2.3", summary="Trial.", checks={})

    @app.post(
        "/v1/referrals/{referral_id}/notes",
        status_code=201,
        responses=problem_responses("illegal_transition", "pathway_unknown"),
    )
    async def post_note(
        referral_id: str, note: Note, caller: Annotated[Caller, require(Scope.REFERRALS_RESPOND)]
    ) -> Note:
        return Note(text=f"{referral_id} {caller.party} {note.text}")

    @app.get("/v1/open")
    async def get_open() -> str:
        return ""

    return app


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return openapi_document(an_application())


def problems_of(operation: dict[str, Any]) -> dict[str, set[str]]:
    return {
        status: set(response["content"]["application/problem+json"]["examples"])
        for status, response in operation["responses"].items()
        if "application/problem+json" in response.get("content", {})
    }


def test_the_document_is_the_same_each_time(document: dict[str, Any]) -> None:
    assert json.dumps(openapi_document(an_application())) == json.dumps(document)
    assert document["openapi"] == "3.1.0"


def test_an_operation_lists_its_own_problems_and_those_of_the_shell(
    document: dict[str, Any],
) -> None:
    found = problems_of(document["paths"]["/v1/referrals/{referral_id}/notes"]["post"])
    assert found["401"] == {"invalid_token", "invalid_dpop_proof"}
    assert found["403"] == {"insufficient_scope"}
    assert found["404"] == {"not_found"}
    assert found["409"] == {"illegal_transition"}
    assert found["413"] == {"body_too_large"}
    assert found["422"] == {"invalid_input", "too_deep", "pathway_unknown"}
    assert found["500"] == {"internal_error"}


def test_an_open_operation_lists_only_what_can_happen_to_it(document: dict[str, Any]) -> None:
    found = problems_of(document["paths"]["/v1/open"]["get"])
    assert set(found) == {"400", "500", "503"}


def test_the_frameworks_own_error_form_is_gone(document: dict[str, Any]) -> None:
    assert "HTTPValidationError" not in json.dumps(document)
    assert {"Problem", "FieldError", "Translation"} <= set(document["components"]["schemas"])


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    waiting: list[Any] = [document]
    while waiting:
        item = waiting.pop()
        if isinstance(item, list):
            waiting.extend(item)
        elif isinstance(item, dict):
            waiting.extend(item.values())
            if "$ref" in item:
                kind, name = item["$ref"].removeprefix("#/components/").split("/")
                assert name in document["components"][kind]


def test_scopes_are_shown_with_the_token_endpoint(document: dict[str, Any]) -> None:
    operation = document["paths"]["/v1/referrals/{referral_id}/notes"]["post"]
    assert operation["security"] == [{"oauth2": ["referrals:respond"]}]
    scheme = document["components"]["securitySchemes"]["oauth2"]
    assert scheme["type"] == "oauth2"
    flow = scheme["flows"]["clientCredentials"]
    assert flow["tokenUrl"] == "/oauth/token"
    assert flow["scopes"] == {scope.value: text for scope, text in SCOPE_DESCRIPTIONS.items()}


def test_examples_are_of_documented_problems(document: dict[str, Any]) -> None:
    for path in document["paths"].values():
        for operation in path.values():
            for names in problems_of(operation).values():
                assert names <= set(PROBLEM_TYPES)


def test_operations_have_names_to_link_to(document: dict[str, Any]) -> None:
    names = {op["operationId"] for item in document["paths"].values() for op in item.values()}
    assert names == {"post_note", "get_open", "get_livez", "get_readyz"}
    app = an_application()
    app.add_api_route("/v1/other", app.router.routes[-1].endpoint)  # type: ignore[attr-defined]
    with (
        pytest.warns(UserWarning, match="Duplicate"),
        pytest.raises(ValueError, match="get_open"),
    ):
        openapi_document(app)


@pytest.mark.asyncio
async def test_the_service_serves_the_same_document(document: dict[str, Any]) -> None:
    transport = httpx.ASGITransport(an_application())
    async with httpx.AsyncClient(transport=transport, base_url="http://node.example") as client:
        assert (await client.get("/openapi.json")).json() == document
        assert (await client.get("/docs")).status_code == 404
