"""The committed documents are those of the code, and tell a reader what she needs."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from relevo.assembly.documents import documents
from relevo.contracts.problem import MEDIA_TYPE
from relevo.contracts.problem_types import PROBLEM_TYPES
from relevo.contracts.scopes import Scope
from tests.openapi.targets import FOLDER, committed

SERVICES = ("auth", "gateway", "node")


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    return documents()


def each_operation(service: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in committed(service)["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", operation


def each_content(operation: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from operation.get("requestBody", {}).get("content", {}).values()
    for response in operation["responses"].values():
        yield from response.get("content", {}).values()


@pytest.mark.parametrize("service", SERVICES)
def test_the_committed_document_is_what_the_code_makes(made: dict[str, str], service: str) -> None:
    assert (FOLDER / f"{service}.json").read_text("utf-8") == made[service], "run: make openapi"


@pytest.mark.parametrize("service", SERVICES)
def test_every_operation_is_explained(service: str) -> None:
    for name, operation in each_operation(service):
        assert operation["summary"], name
        assert operation["description"], name
        assert operation["tags"], name
        for response in operation["responses"].values():
            assert response["description"], name


@pytest.mark.parametrize("service", SERVICES)
def test_every_body_has_an_example(service: str) -> None:
    for name, operation in each_operation(service):
        bodies = [operation["requestBody"]] if "requestBody" in operation else []
        bodies += [r for status, r in operation["responses"].items() if status.startswith("2")]
        for body in bodies:
            # Bytes have no example.
            forms = [
                form
                for form in body.get("content", {}).values()
                if form.get("schema", {}).get("format") != "binary"
            ]
            shown = [form for form in forms if form.keys() & {"example", "examples"}]
            assert shown or not forms, name


@pytest.mark.parametrize("service", SERVICES)
def test_every_example_fits_its_schema(service: str) -> None:
    document = committed(service)
    components = document["components"]
    validators: dict[str, Any] = {}
    for name, operation in each_operation(service):
        for content in each_content(operation):
            key = json.dumps(content["schema"])
            if key not in validators:
                whole = {**content["schema"], "components": {"schemas": components["schemas"]}}
                validators[key] = jsonschema_rs.validator_for(whole)
            fits = validators[key]
            shown = [content["example"]] if "example" in content else []
            for example in content.get("examples", {}).values():
                where = example.get("$ref", "").removeprefix("#/components/examples/")
                shown.append(components["examples"][where]["value"] if where else example["value"])
            for value in shown:
                faults = [
                    f"{name}: {e.instance_path}: {e.message}" for e in fits.iter_errors(value)
                ]
                assert not faults


ANY_TOKEN = {"GET /v1/pathways", "GET /v1/pathways/{pathway_id}"}
"""What every system of an institution needs, whatever else it may do."""


@pytest.mark.parametrize("service", SERVICES)
def test_whoever_needs_a_token_is_told_the_scope(service: str) -> None:
    scopes = {scope.value for scope in Scope}
    for name, operation in each_operation(service):
        refused = operation["responses"].keys() & {"401", "403"}
        if "security" not in operation:
            assert not refused, name
            continue
        assert refused == {"401", "403"}, name
        [requirement] = operation["security"]
        assert bool(requirement["oauth2"]) != (name in ANY_TOKEN), name
        assert scopes.issuperset(requirement["oauth2"]), name


@pytest.mark.parametrize("service", SERVICES)
def test_problems_have_their_own_status(service: str) -> None:
    for name, operation in each_operation(service):
        for status, response in operation["responses"].items():
            for problem in response.get("content", {}).get(MEDIA_TYPE, {}).get("examples", {}):
                assert PROBLEM_TYPES[problem].status == int(status), name


@pytest.mark.parametrize("service", SERVICES)
def test_links_lead_to_operations_with_such_parameters(service: str) -> None:
    known = {operation["operationId"]: operation for _, operation in each_operation(service)}
    for name, operation in each_operation(service):
        for response in operation["responses"].values():
            for link in response.get("links", {}).values():
                there = known[link["operationId"]]
                names = {parameter["name"] for parameter in there.get("parameters", [])}
                assert link.get("parameters", {}).keys() <= names, name
                assert "requestBody" not in link or "requestBody" in there, name
