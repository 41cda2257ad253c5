import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Column, Connection, Integer, MetaData, Table, func, select
from sqlalchemy.exc import IntegrityError

from relevo.contracts.problem import ProblemError
from relevo.servicekit import idempotency
from relevo.servicekit.database import Database
from relevo.servicekit.idempotency import Answered, Replay, idempotency_key

NOW = datetime(2026, 3, 1, tzinfo=UTC)

metadata = MetaData()
effect = Table("effect", metadata, Column("id", Integer, primary_key=True, autoincrement=True))


@pytest.fixture
def stored(database: Database) -> Database:
    database.write_now(metadata.create_all)
    database.write_now(idempotency_key.metadata.create_all)
    return database


def act(
    connection: Connection,
    *,
    key: str = "k1",
    digest: str = "d1",
    client: str = "c1",
    operation: str = "submit",
    now: datetime = NOW,
) -> Replay:
    replay = idempotency.begin(connection, client, operation, key, digest, now)
    if replay is not None:
        return replay
    connection.execute(effect.insert(), {})
    answer = Replay(status=201, body=f'{{"answer":"{client} {operation} {key}"}}'.encode())
    idempotency.complete(connection, client, operation, key, status=answer.status, body=answer.body)
    return answer


def effects(database: Database) -> int:
    return database.read_now(
        lambda c: c.execute(select(func.count()).select_from(effect)).scalar_one()
    )


def test_the_same_key_and_digest_get_the_same_answer_and_one_effect(stored: Database) -> None:
    first = stored.write_now(act)
    assert first == Replay(201, b'{"answer":"c1 submit k1"}')
    assert stored.write_now(act) == first
    assert effects(stored) == 1


def test_the_same_key_with_another_digest_is_refused(stored: Database) -> None:
    stored.write_now(act)
    with pytest.raises(ProblemError, match="idempotency_key_reused"):
        stored.write_now(act, digest="d2")
    assert effects(stored) == 1


def test_a_key_means_nothing_to_another_client_or_operation(stored: Database) -> None:
    stored.write_now(act)
    stored.write_now(act, client="c2", digest="d2")
    stored.write_now(act, operation="cancel", digest="d3")
    assert effects(stored) == 3


def test_an_effect_that_fails_leaves_its_key_free(stored: Database) -> None:
    def fail(connection: Connection) -> None:
        act(connection)
        raise LookupError

    with pytest.raises(LookupError):
        stored.write_now(fail)
    assert effects(stored) == 0
    stored.write_now(act, digest="d2")
    assert effects(stored) == 1


def test_a_key_kept_without_its_answer_is_in_flight(stored: Database) -> None:
    stored.write_now(idempotency.begin, "c1", "submit", "k1", "d1", NOW)
    with pytest.raises(ProblemError, match="in_flight"):
        stored.write_now(act)


def test_requests_at_the_same_time_have_one_effect(stored: Database) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def act_slowly(connection: Connection) -> Replay:
        answer = act(connection)
        inside.set()
        assert go_on.wait(10)
        return answer

    with ThreadPoolExecutor(2) as threads:
        slow = threads.submit(stored.write_now, act_slowly)
        assert inside.wait(10)
        second = threads.submit(stored.write_now, act)
        if stored.dialect == "postgresql":
            # SQLite has one writer: there the second waits for the first and gets its answer.
            with pytest.raises(ProblemError, match="in_flight"):
                second.result(10)
        go_on.set()
        answer = slow.result(10)
    assert stored.write_now(act) == answer
    assert effects(stored) == 1


def test_keys_are_forgotten_after_seven_days(stored: Database) -> None:
    stored.write_now(act, key="old", now=NOW - timedelta(days=7, seconds=1))
    stored.write_now(act, key="young", now=NOW - timedelta(days=6))
    assert stored.write_now(idempotency.purge, NOW) == 1
    stored.write_now(act, key="old", digest="d2")
    with pytest.raises(ProblemError, match="reused"):
        stored.write_now(act, key="young", digest="d2")


def answered(key: str, digest: str = "d1") -> Answered:
    return Answered("c1", "submit", key, digest, NOW, 201, f"answer to {key}".encode())


def test_keys_of_many_requests_are_kept_and_found_together(stored: Database) -> None:
    stored.write_now(idempotency.keep, [answered("k1"), answered("k2", "d2")])
    found = stored.read_now(idempotency.kept, "c1", "submit", ["k1", "k2", "k3"])
    assert found == {
        "k1": ("d1", Replay(201, b"answer to k1")),
        "k2": ("d2", Replay(201, b"answer to k2")),
    }
    assert stored.read_now(idempotency.kept, "c2", "submit", ["k1"]) == {}


def test_a_key_taken_meanwhile_fails_the_whole_transaction(stored: Database) -> None:
    stored.write_now(idempotency.keep, [answered("k1")])
    with pytest.raises(IntegrityError):
        stored.write_now(idempotency.keep, [answered("k0"), answered("k1")])
    assert list(stored.read_now(idempotency.kept, "c1", "submit", ["k0", "k1"])) == ["k1"]
