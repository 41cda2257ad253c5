"""Figures of a period that is over: counted once, kept, and answered from what is kept.

A period is counted when its settling days are over and somebody asks. Longer ones are sums of those that
were published, so that no two of them can be subtracted to find what neither shows.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from relevo.contracts.clocks import alarms_on, reading
from relevo.contracts.pathways.loader import pathways
from relevo.contracts.problem import FieldError, ProblemError
from relevo.contracts.statistics import (
    MINIMUM,
    SEALED_MINIMUM,
    Counted,
    Direction,
    Publication,
    publish,
    publish_sealed,
    referral_counted,
)
from relevo.contracts.statistics_periods import Period, PeriodKind, is_shorter, parse_period
from relevo.contracts.statistics_table import StatisticsTable, dimensions, rows
from relevo.node.storage import publications, tallies
from relevo.node.storage.publications import CoarseRow, Published
from relevo.servicekit.access_token import Caller
from relevo.servicekit.database import exclusive

from .context import Node
from .visibility import party_of

_DIRECTION: Final[dict[str, Direction]] = {"sender": "sent", "receiver": "received"}
_HOUR: Final = timedelta(hours=1)


async def read_statistics(node: Node, caller: Caller, period: str, by: str) -> StatisticsTable:
    """The institution's figures, for any of its units that may read them.

    Raises:
        ProblemError: `invalid_input`, or `period_not_published`.
    """
    party_of(node, caller)
    try:
        asked = parse_period(period)
    except ValueError as error:
        fault = FieldError(pointer="/period", detail=str(error))
        raise ProblemError("invalid_input", errors=[fault]) from None
    wanted = dimensions(by)
    kind = node.settings.statistics_period
    parts = asked.parts(kind)
    settled = asked.end + timedelta(days=node.settings.statistics_settling_days)
    if not parts or node.clock.business() < settled:
        raise ProblemError(
            "period_not_published", shortest=kind, from_moment=settled.strftime("%Y-%m-%d")
        )
    kept = await _published(node, parts, "open")
    # Sealed routes are shown by the quarter at most, and in no table that says more than how many.
    sealed_kind: PeriodKind = "quarter" if is_shorter(kind, "quarter") else kind
    sealed = []
    if wanted == ["pathway"] and (sealed_parts := asked.parts(sealed_kind)):
        sealed = await _published(node, sealed_parts, "sealed")
    return StatisticsTable(
        period=asked.name,
        by=wanted,
        counted_at=max(one.counted_at for one in kept),
        minimum=max(one.minimum for one in kept),
        sealed_minimum=SEALED_MINIMUM,
        rows=rows([one.publication for one in (*kept, *sealed)], wanted),
        digests=[one.publication.digest for one in (*kept, *sealed)],
    )


async def _published(node: Node, parts: list[Period], kind: str) -> list[Published]:
    kept = await node.database.read(_kept, parts, kind)
    if missing := [part for part in parts if part.name not in kept]:
        # Counted without a lock: no submission waits for it, and the first to be stored stays.
        made = await node.database.read(_make, node, missing, kind)
        await node.database.write(_keep, kind, list(zip(missing, made, strict=True)))
        kept = await node.database.read(_kept, parts, kind)
    return [kept[part.name] for part in parts]


def _kept(connection: Connection, parts: list[Period], kind: str) -> dict[str, Published]:
    found = {part.name: publications.get(connection, part.name, kind) for part in parts}
    return {name: one for name, one in found.items() if one is not None}


def _make(connection: Connection, node: Node, parts: list[Period], kind: str) -> list[Published]:
    return [_count(connection, node, part, kind) for part in parts]


def _keep(connection: Connection, kind: str, made: list[tuple[Period, Published]]) -> None:
    exclusive(connection, f"statistics/{kind}")
    for part, new in made:
        if publications.get(connection, part.name, kind) is not None:
            continue
        if publications.overlaps(connection, kind, part.start, part.end):
            # Published under another division of the year, which cannot be subtracted from this one.
            raise ProblemError(
                "period_not_published", shortest=part.kind, from_moment="counted otherwise"
            )
        publications.add(connection, kind, part.start, part.end, new)


def _count(connection: Connection, node: Node, part: Period, kind: str) -> Published:
    settings = node.settings
    until = part.end + timedelta(days=settings.statistics_settling_days)
    held = publications.begun_between(connection, part.start, part.end, until=until)
    counted = list(_counted(held, until, sealed=kind == "sealed"))
    least = max(settings.statistics_minimum, MINIMUM)
    if kind == "sealed":
        least = max(least, SEALED_MINIMUM)
        return Published(publish_sealed(part.name, counted, minimum=least), until, least)
    return Published(_open(connection, part, counted, least), until, least)


def _open(connection: Connection, part: Period, counted: list[Counted], least: int) -> Publication:
    months = [month.name for month in part.parts("month")]
    profiles = {
        (_DIRECTION[role], pathway): about
        for (role, pathway), about in tallies.of_months(connection, months).items()
    }
    return publish(part.name, counted, profiles, minimum=least)


def _counted(held: Iterable[CoarseRow], until: datetime, *, sealed: bool) -> Iterable[Counted]:
    for row in held:
        route = pathways().get(row.pathway)
        # A route that is not known here may be a sealed one.
        hidden = route is None or route.sensitivity == "sealed"
        if hidden != sealed:
            continue
        name = "unknown" if route is None else route.public_name
        moments = alarms_on(
            row.pathway,
            row.triage,
            row.events,
            reviewed_at=row.reviewed_at if row.reviewed_at and row.reviewed_at <= until else None,
        )
        counted = referral_counted(
            _DIRECTION[row.role],
            None if row.coarse else name,
            [(event, at.timestamp() / _HOUR.total_seconds()) for event, at in row.events.items()],
            overdue=reading(moments, until).overdue,
        )
        if counted is not None:
            yield counted
