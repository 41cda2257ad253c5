"""The Alembic environment of every service: runs inside a connection that `migrations` gives."""

from alembic import context


def run() -> None:
    attributes = context.config.attributes
    context.configure(
        connection=attributes["connection"], version_table=attributes["version_table"]
    )
    with context.begin_transaction():
        context.run_migrations()
