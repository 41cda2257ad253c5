"""What spares a test run half of its work and changes nothing that a test looks at."""

import gc
from functools import cache
from types import SimpleNamespace
from typing import Any, Final

from httpx._transports import default
from hypothesis.internal import lambda_sources
from hypothesis.internal.conjecture import data, providers
from sqlalchemy.engine import Engine
from sqlalchemy.engine.default import DefaultDialect

_COMPILED: Final[dict[Any, Any]] = {}


def look_for_garbage_rarely() -> None:
    """Tests keep much and leave few cycles; to look through all of it takes a sixth of the time."""
    gc.set_threshold(100_000, 50, 1000)


def compile_statements_once() -> None:
    """SQLAlchemy compiles a statement once for each engine, and a test run makes thousands of engines.

    One service has one engine or two, and gains nothing by this.
    """
    made = Engine.__init__

    def make(self: Engine, *args: Any, **kwargs: Any) -> None:
        made(self, *args, **kwargs)
        self._compiled_cache = _COMPILED

    Engine.__init__ = make  # type: ignore[method-assign]
    # The dialect is a part of the key. All of one class are alike here: one PostgreSQL, one SQLite.
    DefaultDialect.__hash__ = lambda self: hash(type(self))  # type: ignore[method-assign]
    DefaultDialect.__eq__ = lambda self, other: type(self) is type(other)  # type: ignore[method-assign]


def read_trusted_roots_once() -> None:
    """Httpx reads all that the world trusts for each client, and tests make thousands of clients."""
    default.create_ssl_context = cache(default.create_ssl_context)  # type: ignore[attr-defined]


def remember_across_threads() -> None:
    """Hypothesis keeps what it made for each thread, and schemathesis begins one for each operation."""
    for kept in (
        lambda_sources.AST_LAMBDAS_CACHE,
        lambda_sources.LAMBDA_DIGEST_DESCRIPTION_CACHE,
        data.POOLED_CONSTRAINTS_CACHE,
        providers.CONSTANTS_CACHE,
    ):
        kept._threadlocal = SimpleNamespace()  # type: ignore[assignment]
