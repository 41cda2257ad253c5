"""Brings a service's tables to the version its code needs; the same on both databases.

A service keeps `migrations/versions/NNNN_what.py` and a `migrations/env.py` that is

    from relevo.servicekit.migration_env import run

    run()
"""

import importlib.util
import threading
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from .database import Database, exclusive

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
        database.write_now(_upgrade, _config(package))


def is_current(database: Database, package: str) -> bool:
    """Whether the tables are at the version that this code needs."""
    config = _config(package)
    heads = set(ScriptDirectory.from_config(config).get_heads())
    return database.read_now(_current, config) == heads


def _upgrade(connection: Connection, config: Config) -> None:
    exclusive(connection, config.attributes["version_table"])
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _current(connection: Connection, config: Config) -> set[str]:
    options = {"version_table": config.attributes["version_table"]}
    return set(MigrationContext.configure(connection, opts=options).get_current_heads())


def _config(package: str) -> Config:
    package = package.removesuffix(".migrations")
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ValueError(f"no package {package}")
    location = Path(spec.submodule_search_locations[0]) / "migrations"
    config = Config()
    config.set_main_option("script_location", str(location).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["version_table"] = f"alembic_version_{package.rpartition('.')[2]}"
    return config
