from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, select
from sqlalchemy.exc import StatementError

from relevo.servicekit.columns import JsonText, UtcDateTime, naming_convention
from relevo.servicekit.database import Database

metadata = MetaData(naming_convention=naming_convention)
note = Table(
    "note",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", UtcDateTime),
    Column("body", JsonText),
)


def test_moments_and_json_come_back_as_they_were_kept(database: Database) -> None:
    at = datetime(1931, 5, 6, 7, 8, 9, 123456, tzinfo=timezone(timedelta(hours=-6)))
    body = {"name": "Tomás", "list": [1, None, True], "empty": {}}
    database.write_now(metadata.create_all)
    database.write_now(lambda c: c.execute(note.insert(), [{"id": 1, "at": at, "body": body}]))
    row = database.read_now(lambda c: c.execute(select(note.c.at, note.c.body)).one())
    assert row.at == at
    assert row.at.tzinfo is UTC
    assert row.body == body


def test_nothing_comes_back_as_nothing(database: Database) -> None:
    database.write_now(metadata.create_all)
    database.write_now(lambda c: c.execute(note.insert(), [{"id": 1, "at": None, "body": None}]))
    row = database.read_now(lambda c: c.execute(select(note.c.at, note.c.body)).one())
    assert row == (None, None)


def test_moments_sort_by_time_whatever_their_zone(database: Database) -> None:
    moments = [
        datetime(2026, 1, 1, 3, tzinfo=UTC),
        datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=-6))),
        datetime(1969, 1, 1, tzinfo=UTC),
    ]
    database.write_now(metadata.create_all)
    database.write_now(
        lambda c: c.execute(note.insert(), [{"id": i, "at": at} for i, at in enumerate(moments)])
    )
    kept = database.read_now(lambda c: c.scalars(select(note.c.id).order_by(note.c.at)).all())
    assert kept == [2, 0, 1]


def test_a_moment_without_time_zone_is_refused(database: Database) -> None:
    database.write_now(metadata.create_all)
    naive = datetime(2026, 1, 1)  # noqa: DTZ001
    with pytest.raises(StatementError, match="time zone"):
        database.write_now(lambda c: c.execute(note.insert(), [{"id": 1, "at": naive}]))
