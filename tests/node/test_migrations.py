"""The migrations make exactly the tables that the code declares, on both databases, and undo them."""

import importlib
import pkgutil
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData, inspect, text

from relevo.node import storage
from relevo.node.main import PACKAGE
from relevo.node.storage.tables import METADATA
from relevo.servicekit import migrations
from relevo.servicekit.database import Database
from relevo.servicekit.idempotency import idempotency_key

_VERSION = "alembic_version_node"
_INDEXES = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL",
    "postgresql": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' "
    "AND indexname LIKE 'ix_%'",
}


def test_the_migrations_make_the_declared_tables_and_undo_them(database: Database) -> None:
    declared = _declared()
    migrations.upgrade(database, PACKAGE)
    assert migrations.is_current(database, PACKAGE)
    assert database.read_now(_differences, declared) == []
    migrated = database.read_now(_indexes)

    database.write_now(_downgrade)
    assert database.read_now(lambda connection: inspect(connection).get_table_names()) == [_VERSION]

    # Alembic cannot compare indexes over expressions, so the databases' own words are compared.
    database.write_now(declared.create_all)
    assert migrated == database.read_now(_indexes)


def _declared() -> MetaData:
    for module in pkgutil.iter_modules(storage.__path__, f"{storage.__name__}."):
        if module.name.endswith("tables"):
            importlib.import_module(module.name)
    declared = MetaData(naming_convention=METADATA.naming_convention)
    for table in (*METADATA.tables.values(), idempotency_key):
        table.to_metadata(declared)
    return declared


def _differences(connection: Connection, declared: MetaData) -> list[Any]:
    without_indexes = MetaData(naming_convention=declared.naming_convention)
    for table in declared.tables.values():
        table.to_metadata(without_indexes).indexes.clear()
    context = MigrationContext.configure(
        connection, opts={"include_name": _compared, "compare_server_default": True}
    )
    return list(compare_metadata(context, without_indexes))


def _compared(name: str | None, kind: str, _parents: Any) -> bool:
    return kind != "index" and name != _VERSION


def _indexes(connection: Connection) -> dict[str, str]:
    rows = connection.execute(text(_INDEXES[connection.dialect.name]))
    return {name: " ".join(definition.split()) for name, definition in rows}


def _downgrade(connection: Connection) -> None:
    config = migrations._config(PACKAGE)
    config.attributes["connection"] = connection
    command.downgrade(config, "base")
