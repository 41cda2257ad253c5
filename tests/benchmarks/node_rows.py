"""Work that one node does alone."""

import itertools
import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from relevo.node.operations.post_manifest import READ_AT_ONCE
from relevo.sandbox.places import sqlite_in
from tests.support.manifests import CSV, a_list, ordinary_rows

from .databases import a_folder, a_postgresql
from .http_load import WrongAnswerError, drive, request
from .lone_node import LoneNode, a_lone_node
from .measure import OURS, Contestants, Figures, Plan, Row, Target
from .processor_time import with_processor_time
from .yardsticks import Pgbench, RawSqlite

_RAW_SQLITE = "raw SQLite, 3 inserts"
_PGBENCH = "pgbench, 3 inserts, 32 clients"


@contextmanager
def _submit_on_sqlite(plan: Plan) -> Iterator[Contestants]:
    with a_folder() as folder, a_lone_node(folder, sqlite_in(folder)) as node:
        raw = RawSqlite(folder)
        try:
            yield {
                OURS: lambda: node.measured(lambda: node.submit_one_by_one(plan.seconds)),
                _RAW_SQLITE: lambda: raw.turn(plan.seconds),
            }
        finally:
            raw.close()


@contextmanager
def _bulk_on_sqlite(plan: Plan) -> Iterator[Contestants]:
    with a_folder() as folder, a_lone_node(folder, sqlite_in(folder)) as node:
        raw = RawSqlite(folder)
        try:
            yield {
                OURS: lambda: node.measured(lambda: node.submit_in_bulk(plan.seconds), each=100),
                _RAW_SQLITE: lambda: raw.turn(plan.seconds),
            }
        finally:
            raw.close()


@contextmanager
def _submit_on_postgresql(plan: Plan) -> Iterator[Contestants]:
    with (
        a_postgresql() as (url, databases),
        a_folder() as folder,
        a_lone_node(folder, databases) as node,
    ):
        pgbench = Pgbench(url, folder)
        yield {
            OURS: lambda: node.measured(lambda: node.submit_one_by_one(plan.seconds)),
            _PGBENCH: lambda: pgbench.turn(plan.seconds),
        }


@contextmanager
def _bulk_on_postgresql(plan: Plan) -> Iterator[Contestants]:
    with (
        a_postgresql() as (url, databases),
        a_folder() as folder,
        a_lone_node(folder, databases) as node,
    ):
        pgbench = Pgbench(url, folder)
        yield {
            OURS: lambda: node.measured(lambda: node.submit_in_bulk(plan.seconds), each=100),
            _PGBENCH: lambda: pgbench.turn(plan.seconds),
        }


@contextmanager
def _tokens(plan: Plan) -> Iterator[Contestants]:
    with a_folder() as folder, a_lone_node(folder, sqlite_in(folder)) as node:
        many = int(3000 * plan.seconds)
        yield {OURS: lambda: node.measured(lambda: node.ask_for_tokens(plan.seconds, at_most=many))}


def _manifest(rows: int) -> Callable[[Plan], AbstractContextManager[Contestants]]:
    @contextmanager
    def contest(_: Plan) -> Iterator[Contestants]:
        with a_folder() as folder, a_lone_node(folder, sqlite_in(folder), work=True) as node:
            numbers = itertools.count(1)
            yield {OURS: lambda: _read_list(node, rows, next(numbers))}

    return contest


def _read_list(node: LoneNode, rows: int, number: int) -> Figures:
    body = a_list(CSV, *ordinary_rows(rows - 1, seed=number))
    path = f"/v1/manifests?reference=LIST-{number}&destination=GT"
    head = {"authorization": f"Bearer {node.system.token()}"}
    ready = [request("POST", path, body, head, content_type=CSV)]

    def turn() -> Figures:
        began = time.perf_counter()
        status = 200 if rows <= READ_AT_ONCE else 202
        [answer] = drive(node.place.port, ready, connections=1, seconds=60, status=status).bodies
        manifest = json.loads(answer)
        while manifest["state"] != "done":
            time.sleep(0.1)
            manifest = node.system.get(f"/v1/manifests/{manifest['id']}")
        taken = time.perf_counter() - began
        if manifest["rows_read"] != rows or manifest["kept"] != rows:
            raise WrongAnswerError(f"of {rows} rows {manifest['kept']} were kept")
        return {"rate": rows / taken, "seconds": taken}

    return with_processor_time([node.process_id], turn)


ROWS = (
    Row(
        "submit-sqlite",
        "submit at a node one by one, 32 connections, SQLite FULL",
        (Target(0.1, 0.4, against=_RAW_SQLITE),),
        _submit_on_sqlite,
    ),
    Row(
        "bulk-sqlite",
        "submit at a node in bulk of 100, 2 connections, SQLite FULL",
        (Target(0.5, 1.0, against=_RAW_SQLITE),),
        _bulk_on_sqlite,
    ),
    Row(
        "submit-postgresql",
        "submit at a node one by one, 32 connections, durable PostgreSQL",
        (Target(0.2, 0.5, against=_PGBENCH),),
        _submit_on_postgresql,
    ),
    Row(
        "bulk-postgresql",
        "submit at a node in bulk of 100, 2 connections, durable PostgreSQL",
        (Target(0.5, 1.0, against=_PGBENCH),),
        _bulk_on_postgresql,
    ),
    Row(
        "token",
        "token with its jti stored, 32 connections, SQLite FULL",
        (Target(600, 2000),),
        _tokens,
    ),
    Row(
        "manifest-140",
        "a list of 140 returnees, answered at once, SQLite FULL",
        (Target(1.0, 0.3, figure="seconds", at_most=True, unit=" s"),),
        _manifest(140),
    ),
    Row(
        "manifest-10000",
        "a list of 10,000 returnees, read with progress, SQLite FULL",
        (Target(20, 5, figure="seconds", at_most=True, unit=" s"),),
        _manifest(10_000),
    ),
)
