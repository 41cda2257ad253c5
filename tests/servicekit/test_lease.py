"""Work that takes longer than its lease keeps it; work that nobody does any more is free soon."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, MetaData, Table, insert

from relevo.servicekit import work_queue
from relevo.servicekit.database import Database
from relevo.servicekit.lease import kept

LEASE = 0.6

metadata = MetaData()
errand = Table("errand", metadata, *work_queue.queue_columns(), work_queue.queue_index("errand"))


def now() -> datetime:
    return datetime.now(UTC)


def take(database: Database, lease_id: str) -> bool:
    return bool(
        database.write_now(
            work_queue.claim,
            errand,
            now=now(),
            limit=1,
            lease_seconds=LEASE,
            lease_id=lease_id,
        )
    )


def extend(connection: Connection, lease_id: str, until: datetime) -> None:
    work_queue.extend(connection, errand, lease_id, until=until)


@pytest.mark.asyncio
async def test_a_lease_lasts_as_long_as_the_work_and_not_longer(database: Database) -> None:
    database.write_now(metadata.create_all)
    row = {"id": "1", "due_at": now() - timedelta(seconds=1)}
    database.write_now(lambda c: c.execute(insert(errand), row))
    assert take(database, "first")
    async with kept(database, extend, "first", now, seconds=LEASE):
        await asyncio.sleep(2 * LEASE)
        assert not take(database, "second")
    await asyncio.sleep(1.1 * LEASE)
    assert take(database, "second")
