"""What databases hold at a moment, to go back to."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing

from relevo.servicekit.database import Database


class Snapshot:
    """A copy in memory of SQLite databases that are in use."""

    def __init__(self, databases: Iterable[Database]) -> None:
        self._kept: list[tuple[str, sqlite3.Connection]] = []
        for database in databases:
            path = str(database.engine.url.database)
            kept = sqlite3.connect(":memory:")
            with closing(sqlite3.connect(path)) as live:
                live.backup(kept)
            self._kept.append((path, kept))

    def restore(self) -> None:
        """The databases as they were, for every connection to them."""
        for path, kept in self._kept:
            with closing(sqlite3.connect(path)) as live:
                kept.backup(live)

    def close(self) -> None:
        for _, kept in self._kept:
            kept.close()
