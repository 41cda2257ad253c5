"""Databases that wait for the disk, as in production."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Identifier
from sqlalchemy.engine import make_url

from relevo.sandbox.places import DatabaseUrls
from tests.support.database import durable_postgresql


@contextmanager
def a_folder() -> Iterator[Path]:
    """On a real disk where there is one: /tmp may be memory, which no COMMIT waits for."""
    with tempfile.TemporaryDirectory(prefix="relevo-bench-") as name:
        yield Path(name)


@contextmanager
def a_postgresql() -> Iterator[tuple[str, DatabaseUrls]]:
    """A server's own database, and a way to new ones on it by name."""
    with durable_postgresql(max_connections=300) as url:
        made: dict[str, str] = {}

        def database(name: str) -> str:
            if name not in made:
                with psycopg.connect(_plain(url), autocommit=True) as connection:
                    connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
                made[name] = make_url(url).set(database=name).render_as_string(False)  # noqa: FBT003
            return made[name]

        yield _plain(url), database


def _plain(url: str) -> str:
    return url.replace("postgresql+psycopg:", "postgresql:")
