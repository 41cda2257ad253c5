"""The hand-written migration makes exactly the tables that the code declares, and undoes them."""

from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData, inspect, text

from relevo.gateway.main import PACKAGE
from relevo.gateway.storage.tables import METADATA
from relevo.servicekit import migrations
from relevo.servicekit.database import Database

_INDEXES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL",
    "postgresql": "SELECT indexname FROM pg_indexes WHERE schemaname = 'public' "
    "AND indexname LIKE 'ix_%'",
}


def test_the_migration_makes_the_declared_tables(database: Database) -> None:
    migrations.upgrade(database, PACKAGE)
    assert migrations.is_current(database, PACKAGE)
    # Alembic cannot compare indexes over expressions, so these are compared by name.
    without_indexes = MetaData(naming_convention=METADATA.naming_convention)
    for table in METADATA.tables.values():
        table.to_metadata(without_indexes).indexes.clear()

    def differences(connection: Connection) -> list[Any]:
        context = MigrationContext.configure(connection, opts={"include_name": _compared})
        return list(compare_metadata(context, without_indexes))

    assert database.read_now(differences) == []
    found = database.read_now(
        lambda connection: set(connection.scalars(text(_INDEXES[database.dialect])))
    )
    assert found == {index.name for table in METADATA.tables.values() for index in table.indexes}


def test_the_migration_can_be_undone(database: Database) -> None:
    migrations.upgrade(database, PACKAGE)

    def downgrade(connection: Connection) -> None:
        config = migrations._config(PACKAGE)
        config.attributes["connection"] = connection
        command.downgrade(config, "base")

    database.write_now(downgrade)
    left = database.read_now(lambda connection: inspect(connection).get_table_names())
    assert set(left) == {"alembic_version_gateway"}


def _compared(name: str | None, kind: str, _parents: Any) -> bool:
    return kind != "index" and name != "alembic_version_gateway"
