"""The rules that protect people, one file each, named after the rule."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from relevo.servicekit import issuer_statements
from tests.node.conftest import alone, members, network, reception
from tests.support.nodes import Network

__all__ = ["alone", "members", "network", "networked", "reception"]


@pytest.fixture(params=["sqlite", "postgresql"])
def networked(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Network]]:
    """Makes a network of the institutions that a test names."""
    monkeypatch.setattr(issuer_statements, "RETRY_SECONDS", 0)
    with ExitStack() as stack:
        yield lambda *institutions: stack.enter_context(
            members(request.param, tmp_path, *institutions)
        )
