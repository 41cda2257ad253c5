import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from relevo.servicekit import migrations
from relevo.servicekit.database import Database
from tests.support.database import migrated

ENV = "from relevo.servicekit.migration_env import run\n\nrun()\n"
VERSION = """
import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = {down!r}


def upgrade() -> None:
    op.create_table("{table}", sa.Column("id", sa.Integer, primary_key=True))
    {more}
"""


class Service:
    """A package with migrations, written for one test."""

    def __init__(self, root: Path) -> None:
        self.package = f"service_{uuid.uuid4().hex}"
        self.versions = root / self.package / "migrations" / "versions"
        self.versions.mkdir(parents=True)
        (root / self.package / "__init__.py").touch()
        (self.versions.parent / "env.py").write_text(ENV)
        self.last: str | None = None

    def add(self, revision: str, table: str, more: str = "") -> None:
        text = VERSION.format(revision=revision, down=self.last, table=table, more=more)
        (self.versions / f"{revision}_{table}.py").write_text(text)
        self.last = revision


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Service:
    monkeypatch.syspath_prepend(tmp_path)
    made = Service(tmp_path)
    made.add("0001", "first")
    return made


def tables(database: Database) -> set[str]:
    return database.read_now(lambda c: set(inspect(c).get_table_names()))


def test_an_empty_database_gets_every_table(database: Database, service: Service) -> None:
    assert not migrations.is_current(database, service.package)
    assert migrated(database, service.package) is database
    assert tables(database) == {"first", f"alembic_version_{service.package}"}
    assert migrations.is_current(database, service.package)


def test_only_what_is_missing_is_run(database: Database, service: Service) -> None:
    migrations.upgrade(database, service.package)
    migrations.upgrade(database, service.package)
    service.add("0002", "second")
    assert not migrations.is_current(database, service.package)
    migrations.upgrade(database, service.package)
    assert {"first", "second"} <= tables(database)
    assert migrations.is_current(database, service.package)


def test_two_services_may_share_a_database(
    database: Database, service: Service, tmp_path: Path
) -> None:
    other = Service(tmp_path)
    other.add("0001", "elsewhere")
    migrations.upgrade(database, service.package)
    assert not migrations.is_current(database, other.package)
    migrations.upgrade(database, other.package)
    assert {"first", "elsewhere"} <= tables(database)


def test_a_migration_that_fails_changes_nothing(database: Database, service: Service) -> None:
    service.add("0002", "second", more="raise LookupError")
    with pytest.raises(LookupError):
        migrations.upgrade(database, service.package)
    assert tables(database) == set()


def test_several_may_migrate_at_once(
    database: Database, database_url: str, service: Service
) -> None:
    other = Database(database_url)
    with ThreadPoolExecutor(2) as threads:
        for upgrade in [
            threads.submit(migrations.upgrade, one, service.package) for one in (database, other)
        ]:
            upgrade.result()
    other.close()
    assert migrations.is_current(database, service.package)


def test_a_package_that_does_not_exist_is_named(database: Database) -> None:
    with pytest.raises(ValueError, match="no_such_service"):
        migrations.upgrade(database, "no_such_service")


@pytest.mark.parametrize("package", ["relevo.auth", "relevo.gateway", "relevo.node"])
def test_a_revision_has_the_number_of_its_file(package: str) -> None:
    scripts = ScriptDirectory(str(migrations._folder(package)))
    revisions = list(scripts.walk_revisions())
    for revision in revisions:
        assert Path(revision.path).name.startswith(f"{revision.revision}_")
    assert scripts.get_heads() == [migrations._newest(package)]
