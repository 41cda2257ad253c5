"""Each operation of each service keeps the word of its document, whatever it is sent."""

from collections.abc import Callable

import httpx
import pytest

from tests.openapi import trial
from tests.openapi.documented import Documented
from tests.openapi.targets import SERVICES, Target, operations

Targets = Callable[[str], Target]
EACH = [
    pytest.param(service, path, method, id=f"{service}: {method.upper()} {path}")
    for service in SERVICES
    for path, method in operations(service)
]

REFUSED_RIGHTLY = {
    "post_close": 409,  # what one sent a moment ago has no outcome yet
    "post_acknowledgement": 422,  # each message of a lease wants an answer of its own
}


@pytest.mark.parametrize(("service", "path", "method"), EACH)
def test_the_example_works_and_its_links_lead_somewhere(
    target: Targets, service: str, path: str, method: str
) -> None:
    with httpx.Client() as http:
        documented = Documented(target(service), http)
        answer = documented.call(path, method)
        assert answer.is_success, answer.text
        described = documented.operation(path, method)["responses"]
        assert str(answer.status_code) in described, answer.status_code
        statuses = dict(documented.follow(path, method, answer))
    wrong = {n: s for n, s in statuses.items() if s >= 300 and REFUSED_RIGHTLY.get(n) != s}
    assert not wrong


@pytest.mark.parametrize(("service", "path", "method"), EACH)
def test_an_operation_does_what_its_document_says(
    target: Targets, service: str, path: str, method: str
) -> None:
    faults = trial.every_request(target(service), path, method)
    assert not faults, "\n\n".join(faults[:5])


@pytest.mark.parametrize("service", SERVICES)
def test_a_chain_of_operations_does_what_the_document_says(target: Targets, service: str) -> None:
    faults = trial.every_chain(target(service))
    assert not faults, "\n\n".join(faults[:5])
