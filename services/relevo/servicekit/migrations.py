"""Brings a service's tables to the version its code needs; the same on both databases.

A service keeps `migrations/versions/NNNN_what.py`, each with the revision `NNNN` and following the one
before, and a `migrations/env.py` that is

    from relevo.servicekit.migration_env import run

    run()
"""

import importlib.util
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, column, inspect, select, table

from .database import Database, exclusive

if TYPE_CHECKING:
    from alembic.config import Config

# Alembic's `op` and `context` are globals of the process.
_alembic = threading.Lock()


def upgrade(database: Database, package: str) -> None:
    """Runs every migration that is missing, in one transaction.

    Several processes may do so at once: the later ones find nothing to do.

    Args:
        database: The service's own database.
        package: The service's package, for example `relevo.node`.
    """
    with _alembic:
        database.write_now(_upgrade, package)


def is_current(database: Database, package: str) -> bool:
    """Whether the tables are at the version that this code needs."""
    return database.read_now(_current, package) == _newest(package)


def _upgrade(connection: Connection, package: str) -> None:
    # Here, because a service that only runs needs nothing of it, and it is 12 MB.
    from alembic import command  # noqa: PLC0415

    exclusive(connection, _version_table(package))
    config = _config(package)
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _config(package: str) -> "Config":
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_folder(package)).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["version_table"] = _version_table(package)
    return config


def _current(connection: Connection, package: str) -> str | None:
    name = _version_table(package)
    if not inspect(connection).has_table(name):
        return None
    return connection.scalar(select(column("version_num")).select_from(table(name)))


def _newest(package: str) -> str:
    files = (_folder(package) / "versions").glob("[0-9]*.py")
    return max(file.name for file in files).partition("_")[0]


def _version_table(package: str) -> str:
    return f"alembic_version_{package.removesuffix('.migrations').rpartition('.')[2]}"


def _folder(package: str) -> Path:
    spec = importlib.util.find_spec(package.removesuffix(".migrations"))
    if spec is None or not spec.submodule_search_locations:
        raise ValueError(f"no package {package}")
    return Path(spec.submodule_search_locations[0]) / "migrations"
