import asyncio
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Column, Connection, Integer, MetaData, String, Table, func, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from relevo.contracts.problem import ProblemError
from relevo.servicekit import database as module
from relevo.servicekit.database import Database, exclusive, insert_or_ignore
from tests.support.database import fresh_postgresql_url

metadata = MetaData()
left = Table("left_side", metadata, Column("id", Integer, primary_key=True))
right = Table("right_side", metadata, Column("id", Integer, primary_key=True))
feed = Table(
    "feed",
    metadata,
    Column("position", Integer, primary_key=True),
    Column("name", String(20), nullable=False),
)


@pytest.fixture
def stored(database: Database) -> Database:
    database.write_now(metadata.create_all)
    return database


def put(connection: Connection, number: int) -> int:
    connection.execute(left.insert(), {"id": number})
    connection.execute(right.insert(), {"id": number})
    return number


def put_and_fail(connection: Connection, number: int) -> None:
    put(connection, number)
    raise LookupError("changed my mind")


def count(connection: Connection, table: Table) -> int:
    return connection.execute(select(func.count()).select_from(table)).scalar_one()


def append(connection: Connection, name: str) -> int:
    exclusive(connection, "feed")
    last = connection.execute(select(func.max(feed.c.position))).scalar() or 0
    connection.execute(feed.insert(), {"position": last + 1, "name": name})
    return last + 1


def positions(connection: Connection) -> list[int]:
    return list(connection.scalars(select(feed.c.position).order_by(feed.c.position)))


@pytest.mark.asyncio
async def test_a_write_gives_back_what_its_function_returns(stored: Database) -> None:
    assert await stored.write(put, number=7) == 7
    assert await stored.read(count, left) == 1
    assert stored.read_now(count, right) == 1


@pytest.mark.asyncio
async def test_a_failing_write_stores_nothing_and_tells_its_caller(stored: Database) -> None:
    with pytest.raises(LookupError, match="changed my mind"):
        await stored.write(put_and_fail, 1)
    with pytest.raises(LookupError):
        stored.write_now(put_and_fail, 1)
    assert await stored.read(count, left) == 0


@pytest.mark.asyncio
async def test_a_read_cannot_write(stored: Database) -> None:
    with pytest.raises(DBAPIError):
        await stored.read(put, 1)
    assert await stored.read(count, left) == 0


def test_all_that_one_read_sees_belongs_together(stored: Database) -> None:
    def count_twice(connection: Connection) -> tuple[int, int]:
        before = count(connection, left)
        with ThreadPoolExecutor(1) as other:
            other.submit(stored.write_now, put, 1).result()
        return before, count(connection, left)

    assert stored.read_now(count_twice) == (0, 0)
    assert stored.read_now(count, left) == 1


@pytest.mark.asyncio
async def test_a_cancelled_write_is_whole_or_absent(stored: Database) -> None:
    tasks = [asyncio.create_task(stored.write(put, number)) for number in range(100)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    await stored.write(put, 1000)
    finished = [result for result in results if isinstance(result, int)]
    lefts = set(stored.read_now(lambda c: c.scalars(select(left.c.id)).all()))
    rights = set(stored.read_now(lambda c: c.scalars(select(right.c.id)).all()))
    assert lefts == rights
    assert lefts >= {*finished, *range(1, 100, 2), 1000}


def test_several_event_loops_may_share_a_database(stored: Database) -> None:
    async def many(start: int) -> list[int]:
        return await asyncio.gather(*(stored.write(put, start + i) for i in range(50)))

    with ThreadPoolExecutor(3) as threads:
        loops = [threads.submit(asyncio.run, many(start)) for start in (0, 100, 200)]
        for start, loop in zip((0, 100, 200), loops, strict=True):
            assert loop.result() == list(range(start, start + 50))
    assert stored.read_now(count, right) == 150


def test_rows_that_are_there_already_are_left_and_not_counted(stored: Database) -> None:
    rows = [{"id": number} for number in (1, 2, 3)]
    assert stored.write_now(insert_or_ignore, left, rows) == 3
    assert stored.write_now(insert_or_ignore, left, [*rows, {"id": 4}, {"id": 4}]) == 1
    assert stored.write_now(insert_or_ignore, left, rows[:1]) == 0
    assert stored.write_now(insert_or_ignore, left, []) == 0
    assert stored.read_now(count, left) == 4


def test_a_feed_position_cannot_appear_behind_a_reader(stored: Database) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def append_slowly(connection: Connection) -> int:
        position = append(connection, "slow")
        inside.set()
        assert go_on.wait(10)
        return position

    with ThreadPoolExecutor(2) as threads:
        slow = threads.submit(stored.write_now, append_slowly)
        assert inside.wait(10)
        fast = threads.submit(stored.write_now, append, "fast")
        # The transaction is held open: the later one must not be seen before it.
        for _ in range(20):
            assert stored.read_now(positions) == []
        assert not fast.done()
        go_on.set()
        assert (slow.result(), fast.result()) == (1, 2)
    assert stored.read_now(positions) == [1, 2]


def test_a_reader_of_a_busy_feed_never_finds_a_gap(stored: Database) -> None:
    with ThreadPoolExecutor(4) as threads:
        writers = [threads.submit(stored.write_now, append, str(i)) for i in range(60)]
        while not all(writer.done() for writer in writers):
            seen = stored.read_now(positions)
            assert seen == list(range(1, len(seen) + 1))
    assert sorted(writer.result() for writer in writers) == list(range(1, 61))


@pytest.mark.asyncio
async def test_a_closed_database_takes_nothing_more(stored: Database) -> None:
    waiting = [asyncio.create_task(stored.write(put, number)) for number in range(5)]
    await asyncio.sleep(0)
    await stored.aclose()
    assert await asyncio.gather(*waiting) == [0, 1, 2, 3, 4]
    with pytest.raises(RuntimeError):
        await stored.write(put, 9)
    stored.close()


def test_a_lost_connection_is_replaced() -> None:
    url = fresh_postgresql_url()
    stored, other = Database(url, pool_size=2), Database(url, pool_size=1)
    stored.write_now(metadata.create_all)
    end_others = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    try:
        for number, run in enumerate((stored.write_now, stored.read_now)):
            other.write_now(lambda c: c.execute(end_others))
            run(count, left)
            stored.write_now(put, number)
        assert stored.read_now(count, left) == 2
    finally:
        stored.close()
        other.close()


def test_a_deadlock_is_tried_again() -> None:
    stored = Database(fresh_postgresql_url())
    stored.write_now(metadata.create_all)
    stored.write_now(put, 1)
    stored.write_now(put, 2)
    both = threading.Barrier(2)
    attempts = []

    def lock_both(connection: Connection, first: int, second: int) -> int:
        attempts.append(first)
        for number in (first, second):
            connection.execute(select(left).where(left.c.id == number).with_for_update())
            if len(attempts) <= 2 and number == first:
                both.wait(10)
        return first

    try:
        with ThreadPoolExecutor(2) as threads:
            one = threads.submit(stored.write_now, lock_both, 1, 2)
            two = threads.submit(stored.write_now, lock_both, 2, 1)
            assert (one.result(), two.result()) == (1, 2)
        assert len(attempts) >= 3
    finally:
        stored.close()


def test_a_conflict_that_stays_reaches_the_caller() -> None:
    stored = Database(fresh_postgresql_url())
    attempts = []

    def conflict(connection: Connection) -> None:
        attempts.append(1)
        connection.execute(text("DO $$ BEGIN RAISE SQLSTATE '40001'; END $$"))

    try:
        with pytest.raises(DBAPIError):
            stored.write_now(conflict)
        assert len(attempts) == 4
    finally:
        stored.close()


def test_an_unreachable_database_is_unavailable() -> None:
    stored = Database("postgresql://nobody@127.0.0.1:1/none")
    try:
        with pytest.raises(ProblemError, match="unavailable"):
            stored.write_now(put, 1)
        with pytest.raises(ProblemError, match="unavailable"):
            stored.read_now(count, left)
    finally:
        stored.close()


@pytest.mark.asyncio
async def test_a_file_that_another_process_keeps_locked_is_unavailable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_BUSY_MILLISECONDS", 50)
    stored = Database(f"sqlite:///{tmp_path / 'locked.db'}")
    stored.write_now(metadata.create_all)
    other = sqlite3.connect(tmp_path / "locked.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    results = await asyncio.gather(
        *(stored.write(put, number) for number in range(5)), return_exceptions=True
    )
    assert {type(result) for result in results} == {ProblemError}
    other.execute("ROLLBACK")
    other.close()
    assert await stored.write(put, 1) == 1
    await stored.aclose()


def test_the_files_of_sqlite_are_for_their_owner_alone(tmp_path: Path) -> None:
    stored = Database(f"sqlite:///{tmp_path / 'new' / 'private.db'}")
    stored.write_now(metadata.create_all)
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "new").iterdir()}
    stored.close()
    assert set(modes) == {"private.db", "private.db-wal", "private.db-shm"}
    assert set(modes.values()) == {0o600}


def test_sqlite_waits_for_the_disk_and_keeps_foreign_keys(tmp_path: Path) -> None:
    stored = Database(f"sqlite:///{tmp_path / 'pragmas.db'}")

    def pragmas(connection: Connection) -> list[object]:
        names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        return [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names]

    assert stored.write_now(pragmas) == ["wal", 2, 1, 5000]
    stored.close()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://root@localhost/x"])
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(ValueError):
        Database(url)


def test_a_broken_rule_of_a_table_reaches_its_caller(stored: Database) -> None:
    stored.write_now(put, 1)
    with pytest.raises(IntegrityError):
        stored.write_now(put, 1)
