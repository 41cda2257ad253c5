"""What somebody reads who holds everything that the services of a federation have stored.

Rows that were looked at before are not opened again: their words were invented for other scenarios.
"""

import sqlite3
from collections import defaultdict
from contextlib import closing
from pathlib import Path

from sqlalchemy.engine import make_url

from relevo.sandbox.readable import readable_parts


class Stores:
    """Reads databases and the log, whatever of it is new."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._seen: defaultdict[str, set[int]] = defaultdict(set)
        self._said: defaultdict[str, list[bytes]] = defaultdict(list)
        self._log_from = 0

    def begin(self) -> None:
        """A scenario begins: what is there already is not its doing."""
        self._said.clear()
        self._log_from = self._log.stat().st_size if self._log.exists() else 0

    def database(self, url: str) -> bytes:
        """What can be read in a database that was written since this scenario began."""
        seen, said = self._seen[url], self._said[url]
        path = Path(make_url(url).database or "")
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            for table in _tables(connection):
                # The names are the schema's own.
                for row in connection.execute(f'SELECT * FROM "{table}"'):  # noqa: S608
                    mark = hash((table, row))
                    if mark not in seen:
                        seen.add(mark)
                        said += (part for value in row for part in readable_parts(_bytes(value)))
        return b"\n".join(said)

    def log(self) -> bytes:
        """What the services have logged since this scenario began."""
        if not self._log.exists():
            return b""
        with self._log.open("rb") as log:
            log.seek(self._log_from)
            return log.read()


def _tables(connection: sqlite3.Connection) -> list[str]:
    rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    return [str(name) for (name,) in rows]


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()
