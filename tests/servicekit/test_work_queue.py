from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Column, Connection, MetaData, String, Table, delete, insert, select, text

from relevo.servicekit import work_queue
from relevo.servicekit.database import Database
from relevo.servicekit.work_queue import claim, extend, finish, queue_columns, queue_index, release
from tests.support.database import drop, fresh_postgresql_url

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LEASE = 30.0

metadata = MetaData()
delivery = Table(
    "delivery",
    metadata,
    *queue_columns(),
    Column("receiver", String(64), nullable=False, default="gt.igm"),
    queue_index("delivery"),
)


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@pytest.fixture
def stored(database: Database) -> Database:
    database.write_now(metadata.create_all)
    return database


def add(database: Database, name: str, *, due: float = 0, **values: Any) -> None:
    row = {"id": name, "due_at": later(due), **values}
    database.write_now(lambda c: c.execute(insert(delivery), row))


def names(rows: list[dict[str, Any]]) -> list[str]:
    return [row["id"] for row in rows]


def take(database: Database, at: float = 0, limit: int = 10, **rest: Any) -> list[dict[str, Any]]:
    return database.write_now(
        claim, delivery, now=later(at), limit=limit, lease_seconds=LEASE, **rest
    )


def row_of(database: Database, name: str) -> dict[str, Any]:
    query = select(delivery).where(delivery.c.id == name)
    return database.read_now(lambda c: dict(c.execute(query).mappings().one()))


def test_due_rows_come_by_priority_and_then_the_oldest_first(stored: Database) -> None:
    add(stored, "young", due=-1)
    add(stored, "old", due=-50)
    add(stored, "red", due=0, priority=5)
    add(stored, "not yet", due=1)
    assert names(take(stored, limit=2)) == ["red", "old"]
    assert names(take(stored)) == ["young"]
    assert names(take(stored, at=1)) == ["not yet"]


def test_a_claim_says_what_it_took_and_until_when(stored: Database) -> None:
    add(stored, "one", receiver="gt.pgn")
    (row,) = take(stored)
    assert row == row_of(stored, "one")
    assert (row["state"], row["attempts"], row["receiver"]) == ("leased", 1, "gt.pgn")
    assert row["leased_until"] == later(LEASE)
    assert row["lease_id"]


def test_a_claim_may_ask_for_some_rows_only(stored: Database) -> None:
    add(stored, "one", receiver="gt.igm")
    add(stored, "two", receiver="gt.pgn")
    assert names(take(stored, where=[delivery.c.receiver == "gt.pgn"])) == ["two"]


def test_a_lost_lease_comes_back(stored: Database) -> None:
    add(stored, "one")
    (first,) = take(stored)
    assert take(stored, at=LEASE - 1) == []
    (second,) = take(stored, at=LEASE)
    assert second["attempts"] == 2
    assert second["lease_id"] != first["lease_id"]


def test_who_lost_a_lease_changes_nothing(stored: Database) -> None:
    add(stored, "one")
    (lost,) = take(stored)
    (held,) = take(stored, at=LEASE)
    lease = lost["lease_id"]
    changed = [
        stored.write_now(
            release,
            delivery,
            ["one"],
            now=later(LEASE),
            due_at=later(LEASE),
            error="late",
            lease_id=lease,
        ),
        stored.write_now(finish, delivery, ["one"], state="delivered", lease_id=lease),
        stored.write_now(extend, delivery, lease, until=later(999)),
    ]
    assert changed == [0, 0, 0]
    assert row_of(stored, "one") == held


def test_a_released_row_waits_until_it_is_due_again(stored: Database) -> None:
    add(stored, "one")
    (row,) = take(stored)
    released = stored.write_now(
        release, delivery, ["one"], now=NOW, due_at=later(5), error="peer was down"
    )
    assert released == 1
    kept = row_of(stored, "one")
    assert (kept["state"], kept["lease_id"], kept["leased_until"]) == ("queued", None, None)
    assert (kept["last_error"], kept["attempts"]) == ("peer was down", row["attempts"])
    assert take(stored, at=4) == []
    assert names(take(stored, at=5)) == ["one"]


def test_a_finished_row_never_comes_back(stored: Database) -> None:
    add(stored, "one")
    (row,) = take(stored)
    assert stored.write_now(
        finish, delivery, ["one"], state="delivered", lease_id=row["lease_id"]
    ) == 1  # fmt: skip
    assert take(stored, at=10**6) == []
    kept = row_of(stored, "one")
    assert (kept["state"], kept["lease_id"], kept["leased_until"]) == ("delivered", None, None)


def test_an_extended_lease_is_kept_for_longer(stored: Database) -> None:
    add(stored, "one")
    (row,) = take(stored)
    assert stored.write_now(extend, delivery, row["lease_id"], until=later(100)) == 1
    assert take(stored, at=LEASE) == []
    assert names(take(stored, at=100)) == ["one"]


def test_workers_at_the_same_time_never_get_the_same_row(stored: Database) -> None:
    rows = [{"id": str(number), "due_at": later(-number)} for number in range(300)]
    stored.write_now(lambda c: c.execute(insert(delivery), rows))

    def work() -> list[str]:
        taken: list[str] = []
        while found := take(stored, limit=7):
            taken += names(found)
        return taken

    with ThreadPoolExecutor(4) as threads:
        workers = [threads.submit(work) for _ in range(4)]
        counted = Counter(name for worker in workers for name in worker.result())
    assert counted == {row["id"]: 1 for row in rows}


def test_a_claim_does_not_wait_for_another_claim_on_postgresql() -> None:
    url = fresh_postgresql_url()
    stored = Database(url)
    stored.write_now(metadata.create_all)
    add(stored, "one", due=-2)
    add(stored, "two", due=-1)

    def claim_twice(connection: Connection) -> tuple[list[str], list[str]]:
        mine = claim(connection, delivery, now=NOW, limit=1, lease_seconds=LEASE)
        with ThreadPoolExecutor(1) as other:
            theirs = other.submit(take, stored).result(10)
        return names(mine), names(theirs)

    try:
        assert stored.write_now(claim_twice) == (["one"], ["two"])
    finally:
        stored.close()
        drop(url)


def test_finished_rows_do_not_slow_a_claim(stored: Database) -> None:
    rows = [
        {"id": f"{state} {number}", "due_at": NOW, "state": state}
        for number in range(300)
        for state in ("queued", "delivered", "dead", "expired", "refused")
    ]
    stored.write_now(lambda c: c.execute(insert(delivery), rows))

    def plan(connection: Connection) -> str:
        explain = "EXPLAIN " if stored.dialect == "postgresql" else "EXPLAIN QUERY PLAN "
        if stored.dialect == "postgresql":
            connection.execute(text("ANALYZE delivery"))
        query = work_queue._due(delivery, NOW, 10, ()).compile(
            connection, compile_kwargs={"literal_binds": True}
        )
        return "\n".join(map(str, connection.exec_driver_sql(explain + str(query))))

    found = stored.write_now(plan)
    assert "ix_delivery_due" in found
    assert "SORT" not in found.upper().replace("SORT KEY", "")


class Queue(RuleBasedStateMachine):
    """Whatever workers do, a row is under one living lease at most, and none is lost."""

    database: Database

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.count = 0
        self.open: dict[str, datetime] = {}
        self.leases: dict[str, tuple[datetime, set[str]]] = {}

    @initialize()
    def empty(self) -> None:
        self.database.write_now(lambda c: c.execute(delete(delivery)))

    @rule(wait=st.integers(-5, 60), priority=st.integers(0, 2))
    def put(self, wait: int, priority: int) -> None:
        self.count += 1
        name, due = str(self.count), self.now + timedelta(seconds=wait)
        row = {"id": name, "due_at": due, "priority": priority}
        self.database.write_now(lambda c: c.execute(insert(delivery), row))
        self.open[name] = due

    @rule(seconds=st.integers(1, 40))
    def wait(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(limit=st.integers(1, 5), seconds=st.integers(1, 60))
    def claim(self, limit: int, seconds: int) -> None:
        taken = self.database.write_now(
            claim, delivery, now=self.now, limit=limit, lease_seconds=seconds
        )
        living = self.leased()
        expected = {n for n, due in self.open.items() if due <= self.now} - living
        assert set(names(taken)) <= expected
        assert len(taken) == min(limit, len(expected))
        for row in taken:
            until = self.now + timedelta(seconds=seconds)
            self.leases.setdefault(row["lease_id"], (until, set()))[1].add(row["id"])

    @precondition(lambda self: self.leases)
    @rule(data=st.data(), wait=st.integers(0, 30))
    def release(self, data: st.DataObject, wait: int) -> None:
        lease = data.draw(st.sampled_from(list(self.leases)))
        due = self.now + timedelta(seconds=wait)
        mine = self.mine(lease)
        changed = self.database.write_now(
            release,
            delivery,
            sorted(self.leases.pop(lease)[1]),
            now=self.now,
            due_at=due,
            error="down",
            lease_id=lease,
        )
        assert changed == len(mine)
        self.open.update(dict.fromkeys(mine, due))

    @precondition(lambda self: self.leases)
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        lease = data.draw(st.sampled_from(list(self.leases)))
        mine = self.mine(lease)
        changed = self.database.write_now(
            finish,
            delivery,
            sorted(self.leases.pop(lease)[1]),
            state="delivered",
            lease_id=lease,
        )
        assert changed == len(mine)
        for name in mine:
            del self.open[name]

    @invariant()
    def nothing_is_lost(self) -> None:
        rows = self.database.read_now(
            lambda c: c.execute(select(delivery.c.id, delivery.c.state)).all()
        )
        assert {row.id for row in rows if row.state in {"queued", "leased"}} == set(self.open)
        assert len(rows) == self.count

    def leased(self) -> set[str]:
        held = [ids for until, ids in self.leases.values() if until > self.now]
        living = set().union(*held)
        # Fewer together than apart: a row would be under two leases.
        assert len(living) == sum(map(len, held))
        return living

    def mine(self, lease: str) -> set[str]:
        """Rows that nobody has claimed since: a lease that ran out unnoticed is still held."""
        query = select(delivery.c.id).where(delivery.c.lease_id == lease)
        return set(self.database.read_now(lambda c: c.scalars(query).all()))


@pytest.fixture
def machine(stored: Database) -> type[Queue]:
    class QueueOfThisDatabase(Queue):
        database = stored

    return QueueOfThisDatabase


def test_any_order_of_claims_and_losses_keeps_every_row_once(
    machine: type[Queue],
) -> None:
    run_state_machine_as_test(
        machine, settings=settings(max_examples=25, stateful_step_count=25, deadline=None)
    )
