"""Calls operations as their document shows, and follows the links of what is answered."""

import uuid
from collections.abc import Iterator
from typing import Any

import httpx

from tests.openapi.targets import Target


class Documented:
    """One document and the service that it describes."""

    def __init__(self, target: Target, http: httpx.Client) -> None:
        self.document = target.document()
        self._target = target
        self._http = http
        self._operations = {
            operation["operationId"]: (path, method)
            for path, item in self.document["paths"].items()
            for method, operation in item.items()
        }

    def operation(self, path: str, method: str) -> dict[str, Any]:
        found: dict[str, Any] = self.document["paths"][path][method]
        return found

    def call(
        self, path: str, method: str, given: dict[str, Any] | None = None, body: Any = None
    ) -> httpx.Response:
        """Calls an operation with its own examples, unless something else is given."""
        operation, given, url = self.operation(path, method), given or {}, path
        headers: dict[str, str] = {}
        query: dict[str, Any] = {}
        for parameter in operation.get("parameters", []):
            name, place = parameter["name"], parameter["in"]
            value = given.get(name, _example(parameter))
            if place == "path":
                url = url.replace(f"{{{name}}}", str(value))
            elif name == "Idempotency-Key":
                headers[name] = str(uuid.uuid4())
            elif name in given or parameter.get("required"):
                (headers if place == "header" else query)[name] = value
        if "security" in operation:
            headers |= self._target.credentials(path, method, url)
        return self._http.request(
            method,
            self._target.url + url,
            params=query,
            **self._content(operation, headers, body),
        )

    def _content(self, operation: dict[str, Any], headers: Any, body: Any) -> dict[str, Any]:
        """The first form of body that has an example, or the one given in that form."""
        for media_type, described in operation.get("requestBody", {}).get("content", {}).items():
            if "example" not in described:
                continue
            sent = self._target.renewed(described["example"] if body is None else body)
            if media_type == "application/json":
                return {"json": sent, "headers": headers}
            if media_type == "application/x-www-form-urlencoded":
                return {"data": sent, "headers": headers}
            return {"content": sent.encode(), "headers": {**headers, "Content-Type": media_type}}
        return {"headers": headers}

    def follow(self, path: str, method: str, answer: httpx.Response) -> Iterator[tuple[str, int]]:
        """Each link of an answer, and the status of where it leads."""
        described = self.operation(path, method)["responses"][str(answer.status_code)]
        for name, link in described.get("links", {}).items():
            found = answer.json()
            given = {
                key: _at(found, value)
                for key, value in link.get("parameters", {}).items()
                # What the request named stands in the examples, which are used anyway.
                if not value.startswith("$request.")
            }
            if any(value is None for value in given.values()):
                continue  # the last page has no next one
            body = _filled(found, link.get("requestBody"))
            there = self.call(*self._operations[link["operationId"]], given, body)
            yield name, there.status_code


def _example(parameter: dict[str, Any]) -> Any:
    examples = parameter.get("schema", {}).get("examples", [])
    return parameter.get("example", examples[0] if examples else None)


def _filled(found: Any, body: Any) -> Any:
    if isinstance(body, dict):
        return {name: _filled(found, value) for name, value in body.items()}
    if isinstance(body, list):
        return [_filled(found, value) for value in body]
    return _at(found, body) if isinstance(body, str) else body


def _at(found: Any, expression: str) -> Any:
    """The value of a runtime expression; all of ours point into the response's body."""
    if not expression.startswith("$"):
        return expression
    here = found
    for part in expression.removeprefix("$response.body#/").split("/"):
        if isinstance(here, list):
            here = here[int(part)] if int(part) < len(here) else None
        else:
            here = (here or {}).get(part)
    return here
