"""Transactions in threads: `await database.write(function, …)` on SQLite and PostgreSQL alike.

A transaction is a plain function that takes a `Connection`. It can be run again after a conflict,
so it must change nothing but the database.
"""

import asyncio
import hashlib
import os
import random
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Concatenate, Literal, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine, Table, create_engine, event, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from relevo.contracts.problem import ProblemError

from .group_commit import GroupCommit

P = ParamSpec("P")
T = TypeVar("T")

_RETRIES = 3
_BUSY_MILLISECONDS = 5000
# serialization_failure and deadlock_detected (PostgreSQL, appendix A)
_CONFLICTS = {"40001", "40P01"}


class Database:
    """One service's database.

    Args:
        url: `sqlite:////path/file.db` or `postgresql://…`.
        pool_size: How many threads, each with a connection, work at once. More than a few take the
            interpreter from each other.

    Raises:
        ValueError: Another kind of database, or SQLite without a file.
    """

    def __init__(self, url: str, *, pool_size: int = 4) -> None:
        target = make_url(url)
        kind = target.get_backend_name()
        self.dialect: Literal["sqlite", "postgresql"]
        self._group_commit: GroupCommit | None = None
        if kind == "sqlite":
            if not target.database or target.database == ":memory:":
                raise ValueError("SQLite needs a file")
            _create_private(Path(target.database))
            self.dialect = "sqlite"
            self.engine = _sqlite_engine(url, pool_size, read_only=False)
            self._readers = _sqlite_engine(url, pool_size, read_only=True)
            self._group_commit = GroupCommit(self.engine)
        elif kind == "postgresql":
            self.dialect = "postgresql"
            self.engine = create_engine(
                target.set(drivername="postgresql+psycopg"),
                pool_size=pool_size,
                max_overflow=pool_size,
                pool_timeout=10,
                pool_use_lifo=True,
            )
            # A snapshot, as SQLite gives: what one function reads belongs together.
            self._readers = self.engine.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        else:
            raise ValueError(f"{kind} is neither sqlite nor postgresql")
        self._threads = ThreadPoolExecutor(pool_size, thread_name_prefix=f"database-{kind}")

    async def write(
        self, fn: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Runs one transaction; what it returns is given out once it is durable.

        A caller that is cancelled leaves a whole transaction or none, never half of one.

        Raises:
            ProblemError: `unavailable`, the database cannot be reached or stays locked.
        """
        call = _bound(fn, args, kwargs)
        if self._group_commit is not None:
            return await self._group_commit.run(call)
        return await self._in_thread(self._write_postgresql, call)

    async def read(
        self, fn: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Runs a function on one snapshot of the database; it cannot write."""
        return await self._in_thread(self._read, _bound(fn, args, kwargs))

    def write_now(
        self, fn: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """`write` for callers without an event loop: the command line, migrations, tests."""
        call = _bound(fn, args, kwargs)
        if self._group_commit is not None:
            return self._group_commit.run_now(call)
        return self._write_postgresql(call)

    def read_now(
        self, fn: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """`read` for callers without an event loop."""
        return self._read(_bound(fn, args, kwargs))

    async def aclose(self) -> None:
        await asyncio.to_thread(self.close)

    def close(self) -> None:
        """Ends what runs, then lets every connection go. May be called twice."""
        if self._group_commit is not None:
            self._group_commit.close()
        self._threads.shutdown()
        self._readers.dispose()
        self.engine.dispose()

    async def _in_thread(
        self, run: Callable[[Callable[[Connection], T]], T], call: Callable[[Connection], T]
    ) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, run, call)

    def _read(self, call: Callable[[Connection], T]) -> T:
        return _run(self._readers, call, commit=False)

    def _write_postgresql(self, call: Callable[[Connection], T]) -> T:
        return _run(self.engine, call, commit=True)


def _run(engine: Engine, call: Callable[[Connection], T], *, commit: bool) -> T:
    attempt = 0
    while True:
        with _connect(engine) as connection:
            committing = False
            try:
                result = call(connection)
                if commit:
                    committing = True
                    connection.commit()
            except DBAPIError as error:
                attempt += 1
                # A connection lost before COMMIT was sent has stored nothing.
                again = _is_conflict(error) or (error.connection_invalidated and not committing)
                if attempt > _RETRIES or not again:
                    raise
            else:
                return result
        time.sleep(random.uniform(0, 0.01 * 2**attempt))  # noqa: S311 - only spreads retries


def insert_or_ignore(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> int:
    """Inserts the rows that break no uniqueness and says how many those were."""
    if not rows:
        return 0
    if connection.dialect.name == "sqlite":
        return connection.execute(sqlite.insert(table).on_conflict_do_nothing(), rows).rowcount
    # Without RETURNING, psycopg under SQLAlchemy does not say how many rows were new.
    insert = postgresql.insert(table).on_conflict_do_nothing().returning(next(iter(table.c)))
    return len(connection.execute(insert, rows).all())


def exclusive(connection: Connection, name: str) -> None:
    """Waits until no other transaction holds this name, and holds it to the end of this one.

    For what must be done one after the other: giving out feed positions, appending to the ledger.
    SQLite has one writer, so there it is so already.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(lock_key(name))))


def lock_key(name: str) -> int:
    """The 64-bit number by which PostgreSQL knows an advisory lock."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)


def _bound(
    fn: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Callable[[Connection], T]:
    if not args and not kwargs:
        return fn
    return lambda connection: fn(connection, *args, **kwargs)


@contextmanager
def _connect(engine: Engine) -> Iterator[Connection]:
    try:
        connection = engine.connect()
    except (OperationalError, PoolTimeoutError) as error:
        raise ProblemError("unavailable") from error
    with connection:
        yield connection


def _is_conflict(error: DBAPIError) -> bool:
    return getattr(error.orig, "sqlstate", None) in _CONFLICTS


def _create_private(path: Path) -> None:
    # SQLite gives its -wal and -shm files the mode of the database file.
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def _sqlite_engine(url: str, pool_size: int, *, read_only: bool) -> Engine:
    engine = create_engine(url, pool_size=pool_size, max_overflow=pool_size)
    begin = "BEGIN" if read_only else "BEGIN IMMEDIATE"

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        # sqlite3 would begin late and commit before DDL; SQLAlchemy's event below begins instead.
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout={_BUSY_MILLISECONDS}")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        if read_only:
            connection.execute("PRAGMA query_only=ON")

    @event.listens_for(engine, "begin")
    def start(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine
