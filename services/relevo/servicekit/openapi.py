"""The OpenAPI 3.1 document of a service: stable to the byte, and complete about failures."""

import re
from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from relevo.contracts.problem import MEDIA_TYPE, Problem

from .problems import problem_responses
from .require_scope import TOKEN_PATH

_METHODS: Final = frozenset({"get", "put", "post", "delete", "patch", "head", "options", "trace"})
_DEFAULTS: Final = ("HTTPValidationError", "ValidationError")
# What the service's shell can answer to any request, whatever the operation.
_ALWAYS: Final = ("bad_request", "internal_error", "unavailable")
_WITH_INPUT: Final = ("invalid_input",)
_WITH_BODY: Final = (
    "malformed_json",
    "body_too_large",
    "request_timeout",
    "too_deep",
    "unsupported_media_type",
    "invalid_input",
)
_WITH_TOKEN: Final = ("invalid_token", "invalid_dpop_proof", "insufficient_scope")
_PATH_PARAMETER: Final = re.compile(r"\{[^}]+\}")


def answer(
    status: int, text: str, example: Any = None, links: Mapping[str, Any] | None = None
) -> dict[int | str, dict[str, Any]]:
    """The `responses=` entry of what an operation answers when all is well."""
    entry: dict[str, Any] = {"description": text}
    if example is not None:
        entry["content"] = {"application/json": {"example": example}}
    if links:
        entry["links"] = dict(links)
    return {status: entry}


def link(
    operation: str, text: str, *, body: Any = None, **parameters: str
) -> dict[str, dict[str, Any]]:
    """What can be done next with an answer: another operation, by its handler's name.

    Parameters and the body may hold runtime expressions, such as `$response.body#/id`.
    """
    entry: dict[str, Any] = {"operationId": operation, "description": text}
    if parameters:
        entry["parameters"] = parameters
    if body is not None:
        entry["requestBody"] = body
    return {operation: entry}


def request_example(example: Any) -> dict[str, Any]:
    """The `openapi_extra=` of an operation that takes JSON."""
    return {"requestBody": {"content": {"application/json": {"example": example}}}}


def operation_id(route: APIRoute) -> str:
    """For `FastAPI(generate_unique_id_function=…)`: the handler's name, which links can refer to."""
    return route.name


def install_openapi(app: FastAPI) -> None:
    """Serve the same document at `/openapi.json` that is committed."""
    made: list[dict[str, Any]] = []

    def document() -> dict[str, Any]:
        if not made:
            made.append(openapi_document(app))
        return made[0]

    app.openapi = document  # type: ignore[method-assign]


def openapi_document(app: FastAPI) -> dict[str, Any]:
    """OpenAPI 3.1 of an application, with every problem that its operations can answer.

    Raises:
        ValueError: Two operations have one `operationId`.
    """
    document = get_openapi(
        title=app.title,
        version=app.version,
        openapi_version="3.1.0",
        summary=app.summary,
        description=app.description or None,
        routes=app.routes,
        tags=app.openapi_tags,
        servers=app.servers or None,
        license_info=app.license_info,
    )
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    seen: set[str] = set()
    for path, item in document.get("paths", {}).items():
        for method, operation in item.items():
            if method not in _METHODS:
                continue
            _complete(path, operation)
            name = operation["operationId"]
            if name in seen:
                raise ValueError(f"two operations are called {name}")
            seen.add(name)
    for default in _DEFAULTS:
        schemas.pop(default, None)
    schemas.update(_schemas(Problem))
    components["examples"] = _shared_examples(document)
    schemes = components.get("securitySchemes", {})
    if "oauth2" in schemes:
        schemes["oauth2"]["flows"]["clientCredentials"]["tokenUrl"] = TOKEN_PATH
    ordered: dict[str, Any] = _sorted(document)
    return ordered


def _complete(path: str, operation: dict[str, Any]) -> None:
    responses = operation.setdefault("responses", {})
    own = responses.get("422", {}).get("content", {}).get("application/json", {})
    if own.get("schema", {}).get("$ref", "").endswith("/HTTPValidationError"):
        del responses["422"]
    for response in responses.values():
        # A list is titled after its route; nobody is helped by that.
        response.get("content", {}).get("application/json", {}).get("schema", {}).pop("title", None)
    names = list(_ALWAYS)
    if operation.get("parameters"):
        names += _WITH_INPUT
    if "requestBody" in operation:
        names += _WITH_BODY
    if operation.get("security"):
        names += _WITH_TOKEN
    if _PATH_PARAMETER.search(path):
        names.append("not_found")
    for status, ours in problem_responses(*names).items():
        _merge(responses.setdefault(str(status), {"description": ""}), ours)


def _merge(into: dict[str, Any], ours: dict[str, Any]) -> None:
    content = into.setdefault("content", {})
    theirs = content.get(MEDIA_TYPE)
    if theirs is None:
        content[MEDIA_TYPE] = ours["content"][MEDIA_TYPE]
        into["description"] = into["description"] or ours["description"]
        return
    examples = theirs.setdefault("examples", {})
    for name, example in ours["content"][MEDIA_TYPE]["examples"].items():
        examples.setdefault(name, example)
    into["description"] = "Problem: " + ", ".join(f"`{name}`" for name in examples) + "."


def _shared_examples(document: dict[str, Any]) -> dict[str, Any]:
    """Moves each problem's example, which many operations show, to where it stands once."""
    shared: dict[str, Any] = {}
    for item in document.get("paths", {}).values():
        for operation in item.values():
            for response in operation["responses"].values():
                examples = response.get("content", {}).get(MEDIA_TYPE, {}).get("examples", {})
                for name, example in examples.items():
                    shared[name] = example
                    examples[name] = {"$ref": f"#/components/examples/{name}"}
    return shared


def _schemas(model: type[BaseModel]) -> dict[str, Any]:
    _, definitions = models_json_schema(
        [(model, "serialization")], ref_template="#/components/schemas/{model}"
    )
    found: dict[str, Any] = definitions["$defs"]
    return found


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [_sorted(item) for item in value]
    return value
