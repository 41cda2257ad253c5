from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.openapi.auth_target import an_issuer
from tests.openapi.gateway_target import the_gateway
from tests.openapi.node_target import a_node
from tests.openapi.targets import Target

_MAKE = {"auth": an_issuer, "gateway": the_gateway, "node": a_node}


@pytest.fixture(scope="package")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Target]]:
    """Starts each service at most once in each process of the test run."""
    with ExitStack() as stack:
        running: dict[str, Target] = {}

        def get(service: str) -> Target:
            if service not in running:
                folder = tmp_path_factory.mktemp(service)
                running[service] = stack.enter_context(_MAKE[service](folder))
                running[service].furnish()
            return running[service]

        yield get
