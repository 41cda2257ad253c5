"""Work that one gateway does alone."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

from relevo.sandbox.places import DatabaseUrls, sqlite_in

from .bare_app import a_bare_application
from .databases import a_folder, a_postgresql
from .http_load import drive, request
from .lone_gateway import LoneGateway, a_lone_gateway
from .measure import OURS, Contestants, Figures, Plan, Row, Target
from .processor_time import with_processor_time

_BARE: Final = "bare FastAPI, token checked"
_ONE_MESSAGE: Final = 6200
_ONE_QUERY: Final = 700

Databases = Callable[[Path], AbstractContextManager[DatabaseUrls]]


@contextmanager
def _sqlite(folder: Path) -> Iterator[DatabaseUrls]:
    yield sqlite_in(folder)


@contextmanager
def _postgresql(_: Path) -> Iterator[DatabaseUrls]:
    with a_postgresql() as (_url, databases):
        yield databases


def _bare_turn(bare: tuple[int, int, str], body: bytes, seconds: float) -> Figures:
    port, process_id, token = bare
    one = request("POST", "/", body, {"authorization": f"Bearer {token}"})
    many = (one for _ in range(10**9))
    return with_processor_time(
        [process_id], lambda: drive(port, many, connections=32, seconds=seconds).figures()
    )


def _accept(databases: Databases) -> Callable[[Plan], AbstractContextManager[Contestants]]:
    @contextmanager
    def contest(plan: Plan) -> Iterator[Contestants]:
        many = int(3000 * plan.seconds)
        with (
            a_folder() as folder,
            databases(folder) as urls,
            a_lone_gateway(folder, urls) as gateway,
            a_bare_application(folder) as bare,
        ):
            yield {
                OURS: lambda: gateway.measured(
                    lambda: gateway.accept(plan.seconds, at_most=many), each=100
                ),
                _BARE: lambda: _bare_turn(bare, b"x" * _ONE_MESSAGE, plan.seconds),
            }

    return contest


def _status(databases: Databases) -> Callable[[Plan], AbstractContextManager[Contestants]]:
    @contextmanager
    def contest(plan: Plan) -> Iterator[Contestants]:
        many = int(4000 * plan.seconds)
        with (
            a_folder() as folder,
            databases(folder) as urls,
            a_lone_gateway(folder, urls) as gateway,
            a_bare_application(folder) as bare,
        ):
            gateway.accept(30, at_most=5000)
            yield {
                OURS: lambda: _asked(gateway, plan.seconds, many),
                _BARE: lambda: _bare_turn(bare, b"x" * _ONE_QUERY, plan.seconds),
            }

    return contest


def _asked(gateway: LoneGateway, seconds: float, many: int) -> Figures:
    return gateway.measured(lambda: gateway.ask(seconds, at_most=many))


ROWS = (
    Row(
        "accept-sqlite",
        "gateway accepts batches of 100, durable, SQLite FULL",
        (Target(1700, 2844), Target(0.4, 0.67, against=_BARE)),
        _accept(_sqlite),
    ),
    Row(
        "accept-postgresql",
        "gateway accepts batches of 100, durable, PostgreSQL",
        (Target(1700, 2844), Target(0.4, 0.67, against=_BARE)),
        _accept(_postgresql),
    ),
    Row(
        "status-sqlite",
        "status query at the gateway, signed and with DPoP, 32 connections, SQLite",
        (Target(900, 3000),),
        _status(_sqlite),
    ),
    Row(
        "status-postgresql",
        "status query at the gateway, signed and with DPoP, 32 connections, PostgreSQL",
        (Target(1200, 3000),),
        _status(_postgresql),
    ),
)
