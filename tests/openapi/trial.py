"""Runs schemathesis on a target, and says in words what it found.

`RELEVO_FUZZ_EXAMPLES=200 make test ARGS=tests/openapi` looks deeper than `make test` does.
"""

import os
from collections.abc import Iterator
from typing import Any, Final

import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, events, from_schema
from schemathesis.openapi import from_dict

from relevo.contracts.problem import MEDIA_TYPE, Problem
from relevo.contracts.problem_types import PROBLEM_BASE
from tests.openapi.targets import Target

EXAMPLES: Final = int(os.environ.get("RELEVO_FUZZ_EXAMPLES", "8"))
_SEED: Final = 20260302
_PHASES: Final = ("examples", "coverage", "fuzzing", "stateful")
_REFUSALS: Final = ("400", "401", "403", "404", "405", "409", "413", "415", "422", "429")
# A schema cannot say every rule of the contract: a 422 that points to the place is a right answer
# to a body that fits it. The documents' own examples are held to more, see `test_services.py`.
_RIGHT: Final = ("2xx", "401", "403", "404", "409", "413", "422", "429")

# A file is bytes, and of these kinds schemathesis knows none.
schemathesis.serializer.alias(["application/pdf"], "application/octet-stream")

_Example = tuple[str | int, ...]
_REFERRAL: Final[_Example] = ("/v1/referrals", "post")
_SERVICE: Final[_Example] = ("/v1/services/{institution}/{service}", "put", "service")
_TRIED_ELSEWHERE: Final[dict[tuple[str, str, str], dict[str, _Example | dict[str, Any]]]] = {
    ("node", "/v1/referrals/bulk", "post"): {"ReferralSubmission": _REFERRAL},
    ("node", "/v1/referrals/{referral_id}/split", "post"): {"ReferralSubmission": _REFERRAL},
    ("node", "/v1/referrals/{referral_id}/information", "post"): {
        "Person": (*_REFERRAL, "persons", 0)
    },
    # The node hands it on as it came; the gateway's document is tried with every part of it.
    ("node", "/v1/services/{institution}/{service}", "put"): {"Service-Input": _SERVICE},
    # Terms hang on every object of HSDS, and what an organisation has a service has too.
    ("gateway", "/v1/services/{institution}/{service}", "put"): {
        "Attribute": {"id": "1"},
        "Organization": {"id": "1", "name": "Casa", "description": "Refugio"},
    },
}
"""Parts of a body whose edges another operation, or another place of this one, has tried. Here each is
one value, written out or standing in an example, and all that is around it is tried."""


@schemathesis.deserializer("application/json")
def _json_or_jws(_: Any, response: Any) -> Any:
    # It takes `application/jwt` for JSON; a compact JWS is text.
    return response.text if "application/jwt" in _media_type(response) else response.json()


@schemathesis.check
def only_documented_refusals(_: Any, response: Any, case: Any) -> None:
    """A refusal is a problem, whole, and one that the operation's document names."""
    if response.status_code == 405 or response.status_code < 400:
        return
    media_type = _media_type(response)
    described = case.operation.definition.raw["responses"].get(str(response.status_code), {})
    examples = described.get("content", {}).get(media_type, {}).get("examples", {})
    if media_type == MEDIA_TYPE:
        problem = Problem.model_validate(response.json())
        assert problem.status == response.status_code
        assert set(problem.translations) == {"en", "es"}
        name = problem.type.removeprefix(PROBLEM_BASE)
    else:
        name = response.json()["error"]  # RFC 6749 §5.2
    assert name in examples, f"`{name}` is answered and not documented"


def _media_type(response: Any) -> str:
    sent: str = (response.headers.get("content-type") or [""])[0]
    return sent.partition(";")[0]


def every_request(target: Target, path: str, method: str) -> list[str]:
    """Tries one operation with its examples, at the edges of its schema, and at random."""
    phases = ["examples", "coverage", "fuzzing"]
    return _faults(target, phases, (path, method))


def every_chain(target: Target) -> list[str]:
    """Follows links between operations, those in the document and those it can guess."""
    return _faults(target, ["stateful"])


def _config(target: Target, phases: list[str]) -> SchemathesisConfig:
    generation = {"deterministic": True, "database": "none", "no-shrink": True}
    stateful = {"mode": "positive", "max-examples": 2 * EXAMPLES}
    # RFC 6749 §5.2 has 400 for whatever a client may not have.
    right = [*_RIGHT, "400"] if target.service == "auth" else [*_RIGHT]
    return SchemathesisConfig.from_dict(
        {
            "seed": _SEED,
            "base-url": target.url,
            "continue-on-failure": True,
            "request-timeout": 30,
            "checks": {
                "positive_data_acceptance": {"expected-statuses": right},
                "negative_data_rejection": {"expected-statuses": [*_REFUSALS]},
            },
            "generation": {**generation, "max-examples": EXAMPLES},
            "phases": {name: {"enabled": name in phases} for name in _PHASES}
            | {"stateful": {"enabled": "stateful" in phases, "generation": stateful}},
        }
    )


def _make_as_schemathesis_needs_it(document: dict[str, Any]) -> None:
    # It tries what a request without a token, or with a wrong one, brings: for bearer tokens, not for
    # what it calls OAuth 2.0. On the wire they are the same.
    schemes = document.get("components", {}).get("securitySchemes", {})
    for name in schemes:
        schemes[name] = {"type": "http", "scheme": "bearer"}
    for item in document["paths"].values():
        for operation in item.values():
            # JSON lines are any text whatever; what is wrong with a line is the row's own answer.
            operation.get("requestBody", {}).get("content", {}).pop("application/x-ndjson", None)
            for requirement in operation.get("security", []):
                requirement.update({name: [] for name in requirement})
            for response in operation["responses"].values():
                for link in response.get("links", {}).values():
                    # A link's body is whole; random members beside it would only spoil it.
                    link["x-schemathesis"] = {"merge_body": False}


def _known_parts(operation: tuple[str, str, str], document: dict[str, Any]) -> None:
    """Leaves one value of what was tried elsewhere."""
    for name, known in _TRIED_ELSEWHERE.get(operation, {}).items():
        value = known if isinstance(known, dict) else _example(document, known)
        document["components"]["schemas"][name] = {"const": value}


def _example(document: dict[str, Any], place: _Example) -> Any:
    path, method, *steps = place
    body = document["paths"][path][method]["requestBody"]
    found = body["content"]["application/json"]["example"]
    for step in steps:
        found = found[step]
    return found


def _faults(
    target: Target, phases: list[str], operation: tuple[str, str] | None = None
) -> list[str]:
    document = target.document()
    _make_as_schemathesis_needs_it(document)
    schema = _schema(target, document, phases, operation)

    @schema.auth(refresh_interval=None)
    class _Credentials:
        def get(self, case: Any, _: Any) -> dict[str, str]:
            return target.credentials(case.operation.path, case.method, case.formatted_path)

        def set(self, case: Any, data: dict[str, str], _: Any) -> None:
            described = case.operation.definition.raw
            if "security" in described:
                case.headers.update(data)
            if "stateful" in phases:
                case.body = _usable(case.body, described)
            case.body = target.renewed(case.body)

    found: list[str] = []
    tried = 0
    for event in from_schema(schema).execute():
        if isinstance(event, events.NonFatalError):
            found.append(f"{event.label}: {event.info.title}: {event.info.message}")
        elif isinstance(event, events.FatalError):
            raise event.exception
        elif isinstance(event, events.ScenarioFinished):
            tried += len(event.recorder.interactions)
            found += _failures(event.recorder)
    assert tried, "nothing was tried"
    return list(dict.fromkeys(found))


def _schema(
    target: Target, document: dict[str, Any], phases: list[str], operation: tuple[str, str] | None
) -> Any:
    if operation is None:
        return from_dict(document, config=_config(target, phases))
    path, method = operation
    _known_parts((target.service, path, method), document)
    # To read the others takes longer than to try this one. All methods of the path stay: it asks for
    # those that there are not.
    document["paths"] = {path: document["paths"][path]}
    item = from_dict(document, config=_config(target, phases))
    return item.include(path=path, method=method.upper())


def _usable(body: Any, described: dict[str, Any]) -> Any:
    """Random bodies mostly break a rule, and a chain whose first step is refused leads nowhere."""
    example = described.get("requestBody", {}).get("content", {}).get("application/json", {})
    shown = example.get("example")
    if not isinstance(shown, dict) or not isinstance(body, dict):
        return body
    return body if body.keys() <= shown.keys() else shown


def _failures(recorder: Any) -> Iterator[str]:
    for case_id, checks in recorder.checks.items():
        for check in checks:
            if check.status is Status.SUCCESS or check.failure_info is None:
                continue
            info = check.failure_info
            answer = recorder.interactions[case_id].response
            body = "" if answer is None else f"\n  {answer.status_code} {answer.content[:600]!r}"
            yield (
                f"{recorder.cases[case_id].value.operation.label}: {check.name}: "
                f"{info.failure.title}: {info.failure.message}\n  {info.code_sample}{body}"
            )
