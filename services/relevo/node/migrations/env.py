"""Alembic's environment; run by servicekit."""

from relevo.servicekit.migration_env import run

run()
