import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, settings

from relevo.servicekit.database import Database
from tests.support import database as support
from tests.support import economy
from tests.support.scheduling import NetworksTogether

pytest_plugins = ["tests.support.documented", "tests.support.shell"]

# How quickly a shared machine draws an example says nothing about the code.
settings.register_profile("relevo", suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("relevo")

_owned = pytest.StashKey[bool]()


def pytest_configure(config: pytest.Config) -> None:
    economy.look_for_garbage_rarely()
    economy.compile_statements_once()
    economy.remember_across_threads()
    economy.read_trusted_roots_once()
    config.stash[_owned] = support.announce_server()


def pytest_unconfigure(config: pytest.Config) -> None:
    if config.stash.get(_owned, False):
        support.stop_server()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> NetworksTogether:
    return NetworksTogether(config, log)


@pytest.fixture(autouse=True)
def _logging() -> Iterator[None]:
    """Errors only, without structlog's pictures of every local variable; whoever changes it does so for one test."""
    structlog.configure(
        processors=[structlog.processors.format_exc_info, structlog.processors.LogfmtRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        logger_factory=structlog.PrintLoggerFactory(),
    )
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'database.db'}"
        return
    url = support.fresh_postgresql_url()
    yield url
    support.drop(url)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.close()
