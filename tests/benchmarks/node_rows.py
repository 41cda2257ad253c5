"""Work that one node does alone."""

from collections.abc import Iterator
from contextlib import contextmanager

from relevo.sandbox.places import sqlite_in

from .databases import a_folder, a_postgresql
from .lone_node import a_lone_node
from .measure import OURS, Contestants, Plan, Row, Target
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
)
