"""Counters of whom referrals are about, written with a referral and unlinked from it."""

import secrets
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects import postgresql, sqlite

from relevo.servicekit.database import insert_or_ignore

from .statistics_tables import counted_coarsely, profile_tally

_SHARDS: Final = 16


@dataclass(frozen=True)
class Tally:
    """What a new referral adds; `case_profile` is None where only coarse totals count it."""

    referral_id: str
    role: str
    pathway: str
    case_profile: str | None
    coarse: bool
    created_at: datetime

    @property
    def month(self) -> str:
        return self.created_at.astimezone(UTC).strftime("%Y-%m")


def add(connection: Connection, new: Sequence[Tally]) -> None:
    """Counts new referrals."""
    marks = [{"referral_id": one.referral_id} for one in new if one.coarse]
    if marks:
        insert_or_ignore(connection, counted_coarsely, marks)
    _count(connection, [one for one in new if not one.coarse], 1)


def count_coarsely(connection: Connection, counted: Tally) -> None:
    """Takes a referral that was counted out of everything but the coarse totals."""
    if insert_or_ignore(connection, counted_coarsely, [{"referral_id": counted.referral_id}]):
        _count(connection, [counted], -1)


def of_months(
    connection: Connection, months: Sequence[str]
) -> dict[tuple[str, str], dict[str, int]]:
    """How many by profile, by role and pathway."""
    columns = profile_tally.c
    query = (
        select(columns.role, columns.pathway, columns.case_profile, func.sum(columns.count))
        .where(columns.month.in_(list(months)))
        .group_by(columns.role, columns.pathway, columns.case_profile)
    )
    found: dict[tuple[str, str], dict[str, int]] = {}
    for role, pathway, profile, count in connection.execute(query):
        found.setdefault((role, pathway), {})[profile] = int(count)
    return found


def _count(connection: Connection, tallies: Iterable[Tally], step: int) -> None:
    counts = Counter(
        (one.month, one.role, one.pathway, one.case_profile)
        for one in tallies
        if one.case_profile is not None
    )
    if not counts:
        return
    shard = secrets.randbelow(_SHARDS)
    names = ("month", "role", "pathway", "case_profile")
    # In one order, so that no two transactions wait for each other.
    rows: list[dict[str, Any]] = [
        {**dict(zip(names, key, strict=True)), "shard": shard, "count": step * count}
        for key, count in sorted(counts.items(), key=str)
    ]
    new = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    insert = new(profile_tally)
    connection.execute(
        insert.on_conflict_do_update(
            index_elements=[*names, "shard"],
            set_={"count": profile_tally.c.count + insert.excluded.count},
        ),
        rows,
    )
