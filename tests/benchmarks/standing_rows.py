"""What a node costs when nothing happens, and what its past costs it."""

import sqlite3
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy.engine import make_url

from relevo.sandbox.places import sqlite_in
from relevo.servicekit.ids import new_id, new_reference_code

from .databases import a_folder
from .lone_node import LoneNode, a_lone_node
from .measure import OURS, Contestants, Figures, Plan, Row, Target
from .processor_time import processor_seconds, resident_megabytes

_SMALL: Final = 10**3
_LARGE: Final = 10**5
_MILLION: Final = 10**6
_SMALL_NAME: Final = "10^3 stored"
_MILLION_NAME: Final = "10^6 stored"
_CHUNK: Final = 5000


# -- at rest --------------------------------------------------------------------------------------


@contextmanager
def _at_rest(plan: Plan) -> Iterator[Contestants]:
    with a_folder() as folder, a_lone_node(folder, sqlite_in(folder), work=True) as node:
        yield {OURS: lambda: _rest(node, max(5.0, 2 * plan.seconds))}


def _rest(node: LoneNode, seconds: float) -> Figures:
    node.processes.stop()
    began = time.perf_counter()
    node.processes.start()
    node.processes.wait_ready()
    started = time.perf_counter() - began
    starting = processor_seconds(node.process_id)
    time.sleep(2)
    before = processor_seconds(node.process_id)
    time.sleep(seconds)
    return {
        "start_s": started,
        "start_cpu_s": starting,
        "memory_mb": resident_megabytes(node.process_id),
        "cpu_percent": 100 * (processor_seconds(node.process_id) - before) / seconds,
    }


# -- growth ---------------------------------------------------------------------------------------


@contextmanager
def _growth(plan: Plan) -> Iterator[Contestants]:
    sizes = {OURS: _LARGE, _SMALL_NAME: _SMALL}
    if plan.million:
        sizes[_MILLION_NAME] = _MILLION
    with ExitStack() as stack:
        yield {name: _filled(stack, size, plan) for name, size in sizes.items()}


def _filled(stack: ExitStack, size: int, plan: Plan) -> Callable[[], Figures]:
    folder = stack.enter_context(a_folder())
    node = stack.enter_context(a_lone_node(folder, sqlite_in(folder)))
    node.submit_one_by_one(0.2, connections=1)
    fill(Path(str(make_url(node.place.settings.database_url).database)), size)
    return lambda: _cost(node, plan.seconds)


def _cost(node: LoneNode, seconds: float) -> Figures:
    figures = node.measured(lambda: node.submit_one_by_one(seconds))
    return {**figures, "ms_each": 1000 / figures["rate"]}


def fill(file: Path, many: int) -> None:
    """Copies one referral with all its rows, under new ids, as if each had been delivered long ago."""
    with closing(sqlite3.connect(file, isolation_level=None, timeout=30)) as connection:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA synchronous=OFF")
        pattern = _one_referral(connection)
        last = connection.execute("SELECT max(position) FROM event_feed").fetchone()[0]
        for start in range(0, many, _CHUNK):
            copies = [
                _copy(pattern, last + start + n + 1) for n in range(min(_CHUNK, many - start))
            ]
            connection.execute("BEGIN IMMEDIATE")
            for table in pattern:
                rows = [row for copy in copies for row in copy[table]]
                _insert(connection, table, rows)
            connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("ANALYZE")


Rows = dict[str, list[dict[str, Any]]]


def _one_referral(connection: sqlite3.Connection) -> Rows:
    referral = connection.execute("SELECT id FROM referral LIMIT 1").fetchone()["id"]
    by_column = {
        "referral": "id",
        "referral_person": "referral_id",
        "referral_event": "referral_id",
        "grant_slice": "referral_id",
        "outbox": "referral_id",
        "event_feed": "subject",
    }
    rows: Rows = {
        table: [
            dict(row)
            for row in connection.execute(
                f"SELECT * FROM {table} WHERE {column} = ?",  # noqa: S608 - names of ours
                [referral],
            )
        ]
        for table, column in by_column.items()
    }
    found = connection.execute(
        "SELECT * FROM idempotency_key WHERE operation = 'submit_referral' LIMIT 1"
    )
    rows["idempotency_key"] = [dict(found.fetchone())]
    rows["event_feed"] = rows["event_feed"][:1]
    return rows


def _copy(pattern: Rows, position: int) -> Rows:
    referral = new_id()
    changed: dict[str, Callable[[], dict[str, Any]]] = {
        "referral": lambda: {"id": referral, "reference_code": new_reference_code("MX")},
        "referral_person": lambda: {"referral_id": referral},
        "referral_event": lambda: {"referral_id": referral},
        "grant_slice": lambda: {"referral_id": referral, "id": str(uuid.uuid4())},
        "outbox": lambda: {
            "referral_id": referral,
            "id": new_id(),
            "state": "delivered",
            "sealed": None,
        },
        "event_feed": lambda: {"subject": referral, "id": new_id(), "position": position},
        "idempotency_key": lambda: {"key": str(uuid.uuid4())},
    }
    return {table: [row | changed[table]() for row in rows] for table, rows in pattern.items()}


def _insert(connection: sqlite3.Connection, table: str, rows: list[dict[str, Any]]) -> None:
    columns = list(rows[0])
    names = ", ".join(f'"{column}"' for column in columns)
    marks = ", ".join("?" for _ in columns)
    connection.executemany(
        f"INSERT INTO {table} ({names}) VALUES ({marks})",  # noqa: S608 - names of ours
        [tuple(row[column] for column in columns) for row in rows],
    )


ROWS = (
    Row(
        "at-rest",
        "a node at rest: API, workers and issuer in one process, SQLite, its link down",
        (
            Target(150, 110, figure="memory_mb", at_most=True, unit=" MB"),
            Target(1.0, 0.5, figure="cpu_percent", at_most=True, unit=" %"),
            Target(2.0, 1.0, figure="start_s", at_most=True, unit=" s"),
        ),
        _at_rest,
    ),
    Row(
        "growth",
        "submit at a node with 10^5 referrals stored, against 10^3",
        (
            Target(1.3, 1.05, figure="ms_each", against=_SMALL_NAME, at_most=True, unit=" ms"),
            Target(1.3, 1.05, figure="cpu_us", against=_SMALL_NAME, at_most=True, unit=" us"),
        ),
        _growth,
    ),
)
