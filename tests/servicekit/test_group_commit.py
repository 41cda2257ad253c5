import asyncio
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Connection, ForeignKey, Integer, MetaData, Table, event, select
from sqlalchemy.exc import IntegrityError

from relevo.servicekit.database import Database

metadata = MetaData()
parent = Table("parent", metadata, Column("id", Integer, primary_key=True))
child = Table(
    "child",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("parent", ForeignKey("parent.id", deferrable=True, initially="DEFERRED")),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "group.db"


@pytest.fixture
def grouped(path: Path) -> Iterator[Database]:
    opened = Database(f"sqlite:///{path}")
    opened.write_now(metadata.create_all)
    yield opened
    opened.close()


class Gate:
    """Keeps the writer busy until it is opened, so that later writes form one group."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.opened = threading.Event()

    def __call__(self, _connection: Connection) -> None:
        self.reached.set()
        assert self.opened.wait(10)


def put(connection: Connection, number: int) -> int:
    connection.execute(parent.insert(), {"id": number})
    return number


def put_and_fail(connection: Connection, number: int) -> None:
    put(connection, number)
    raise LookupError(str(number))


def put_orphan(connection: Connection, number: int) -> int:
    connection.execute(child.insert(), {"id": number, "parent": 9999})
    return number


def put_and_roll_back(connection: Connection, number: int) -> None:
    put(connection, number)
    connection.rollback()


def stored_numbers(database: Database) -> list[int]:
    return database.read_now(lambda c: list(c.scalars(select(parent.c.id).order_by(parent.c.id))))


async def behind_a_gate(database: Database, *writes: Coroutine[Any, Any, object]) -> list[object]:
    """Runs the writes in one group."""
    gate = Gate()
    first = asyncio.create_task(database.write(gate))
    await asyncio.to_thread(gate.reached.wait, 10)
    tasks = [asyncio.create_task(write) for write in writes]
    await asyncio.sleep(0)
    gate.opened.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    await first
    return results


@pytest.mark.asyncio
async def test_waiting_writes_share_one_commit(grouped: Database) -> None:
    commits = []
    event.listen(grouped.engine, "commit", commits.append)
    results = await behind_a_gate(grouped, *(grouped.write(put, i) for i in range(50)))
    assert results == list(range(50))
    assert len(commits) == 1


@pytest.mark.asyncio
async def test_no_result_is_given_out_before_its_commit(grouped: Database, path: Path) -> None:
    outside = sqlite3.connect(path)

    async def check(number: int) -> None:
        await grouped.write(put, number)
        assert outside.execute("SELECT 1 FROM parent WHERE id = ?", (number,)).fetchone()

    await asyncio.gather(*(check(number) for number in range(100)))
    outside.close()


@pytest.mark.asyncio
async def test_a_commit_that_has_not_happened_gives_nothing_out(grouped: Database) -> None:
    committing, go_on = threading.Event(), threading.Event()

    @event.listens_for(grouped.engine, "commit")
    def wait(_connection: Connection) -> None:
        committing.set()
        assert go_on.wait(10)

    task = asyncio.create_task(grouped.write(put, 1))
    await asyncio.to_thread(committing.wait, 10)
    await asyncio.sleep(0.02)
    assert not task.done()
    go_on.set()
    assert await task == 1


@pytest.mark.asyncio
async def test_one_failing_write_does_not_poison_its_group(grouped: Database) -> None:
    results = await behind_a_gate(
        grouped,
        grouped.write(put, 1),
        grouped.write(put_and_fail, 2),
        grouped.write(put, 1),
        grouped.write(put, 3),
    )
    assert results[0] == 1
    assert isinstance(results[1], LookupError)
    assert isinstance(results[2], IntegrityError)
    assert results[3] == 3
    assert stored_numbers(grouped) == [1, 3]


@pytest.mark.asyncio
async def test_a_write_that_fails_at_the_commit_does_not_poison_its_group(
    grouped: Database,
) -> None:
    results = await behind_a_gate(
        grouped,
        grouped.write(put, 1),
        grouped.write(put_orphan, 2),
        grouped.write(put_and_fail, 3),
        grouped.write(put, 4),
    )
    assert results[0] == 1
    assert isinstance(results[1], IntegrityError)
    assert isinstance(results[2], LookupError)
    assert results[3] == 4
    assert stored_numbers(grouped) == [1, 4]


@pytest.mark.asyncio
async def test_a_write_that_ends_the_transaction_harms_itself_alone(grouped: Database) -> None:
    results = await behind_a_gate(
        grouped,
        grouped.write(put, 1),
        grouped.write(put_and_roll_back, 2),
        grouped.write(put, 3),
    )
    assert (results[0], results[2]) == (1, 3)
    assert stored_numbers(grouped) == [1, 3]


@pytest.mark.asyncio
async def test_a_write_cancelled_while_it_waits_never_runs(grouped: Database) -> None:
    gate = Gate()
    first = asyncio.create_task(grouped.write(gate))
    await asyncio.to_thread(gate.reached.wait, 10)
    cancelled = asyncio.create_task(grouped.write(put, 1))
    kept = asyncio.create_task(grouped.write(put, 2))
    await asyncio.sleep(0)
    cancelled.cancel()
    await asyncio.sleep(0)
    gate.opened.set()
    await asyncio.gather(first, kept)
    assert cancelled.cancelled()
    assert stored_numbers(grouped) == [2]


@pytest.mark.asyncio
async def test_a_savepoint_inside_a_write_undoes_its_part_alone(grouped: Database) -> None:
    def partly(connection: Connection) -> None:
        put(connection, 1)
        with pytest.raises(LookupError), connection.begin_nested():
            put_and_fail(connection, 2)
        put(connection, 3)

    await grouped.write(partly)
    assert stored_numbers(grouped) == [1, 3]


def test_a_loop_that_ended_meanwhile_disturbs_nobody(grouped: Database) -> None:
    gate = Gate()

    async def leave() -> None:
        task = asyncio.create_task(grouped.write(gate))
        await asyncio.to_thread(gate.reached.wait, 10)
        task.cancel()

    asyncio.run(leave())
    gate.opened.set()
    assert grouped.write_now(put, 1) == 1


def test_a_write_inside_a_write_is_refused(grouped: Database) -> None:
    def nested(_connection: Connection) -> None:
        grouped.write_now(put, 1)

    with pytest.raises(RuntimeError, match="wait for itself"):
        grouped.write_now(nested)


@pytest.mark.asyncio
async def test_an_exception_that_no_future_carries_still_answers(grouped: Database) -> None:
    def stop(_connection: Connection) -> None:
        raise StopIteration

    with pytest.raises(RuntimeError, match="StopIteration"):
        await grouped.write(stop)


_WRITE_FOR_EVER = """
import asyncio, itertools, sys
from relevo.servicekit.database import Database

numbers = itertools.count(1)

def put(connection, number):
    connection.exec_driver_sql("INSERT INTO parent VALUES (?)", (number,))

async def client(database):
    for number in numbers:
        await database.write(put, number)
        print(number, flush=True)

async def main():
    database = Database(sys.argv[1])
    await asyncio.gather(*(client(database) for _ in range(16)))

asyncio.run(main())
"""


def test_what_was_answered_survives_the_killing_of_the_process(
    grouped: Database, path: Path
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", _WRITE_FOR_EVER, f"sqlite:///{path}"], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    answered = [int(process.stdout.readline()) for _ in range(300)]
    process.kill()
    rest, _ = process.communicate()
    answered += [int(line) for line in rest.split(b"\n")[:-1]]
    assert process.returncode == -signal.SIGKILL
    assert set(answered) <= set(stored_numbers(grouped))
