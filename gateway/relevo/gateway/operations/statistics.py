"""Figures of a period that is over: counted once, kept, and answered from what is kept.

A country's tables and the page of a watched route are read from the same publications, and longer periods
are their sums: nothing that is asked twice, or for other stretches of time, can be subtracted. A referral
is counted where its reference code is at home, once in the whole federation.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, Literal

from sqlalchemy import Connection

from relevo.contracts.country_statistics import (
    TIMED,
    Passed,
    counted_name,
    place_of,
    publish_classes,
    publish_routes,
)
from relevo.contracts.country_tables import (
    Coordination,
    CountryTable,
    coordination_of,
    country_dimensions,
    country_rows,
)
from relevo.contracts.identifiers import country_of, institution_of
from relevo.contracts.pathways.loader import public_name
from relevo.contracts.problem import FieldError, ProblemError
from relevo.contracts.statistics import MINIMUM, SEALED_MINIMUM
from relevo.contracts.statistics_periods import Period, PeriodKind, is_shorter, parse_period
from relevo.gateway.storage import institutions, publications, referral_status, watches
from relevo.gateway.storage.publications import Published
from relevo.gateway.storage.referral_status import CountedRow
from relevo.servicekit.database import exclusive

from .accept import country_of_code
from .context import Gateway

Kind = Literal["open", "sealed"]
_HOUR: Final = timedelta(hours=1)


async def read_statistics(gateway: Gateway, institution: str, period: str, by: str) -> CountryTable:
    """The figures of an institution's country; for the gateway's own office, of all that it serves.

    Raises:
        ProblemError: `invalid_input`, or `period_not_published`; `not_found` for institutions that are
            at home elsewhere.
    """
    countries = set(gateway.settings.countries)
    if institution != gateway.name:
        countries &= {country_of(institution)}
    if not countries:
        raise ProblemError("not_found")
    asked, wanted = _period(period), country_dimensions(by)
    kept = await _read(gateway, asked, "open")
    # Sealed routes are shown by the quarter at most, and in no table that says more than how many.
    sealed: list[Published] = []
    if wanted == ["pathway"] and asked.parts(_shortest(gateway, "sealed")):
        sealed = await _read(gateway, asked, "sealed")
    rows = country_rows([one.publication for one in (*kept, *sealed)], wanted)
    return CountryTable(
        period=asked.name,
        by=wanted,
        counted_at=max(one.counted_at for one in kept),
        minimum=max(one.minimum for one in kept),
        sealed_minimum=SEALED_MINIMUM,
        rows=[row for row in rows if row.country in countries],
        digests=[one.publication.digest for one in (*kept, *sealed)],
    )


async def read_coordination(
    gateway: Gateway, institution: str, pathway: str, period: str
) -> Coordination:
    """What a route's coordination table sees of it; for the institution that was appointed to watch it.

    Raises:
        ProblemError: `not_found` for everybody else, whether there is such a route or not;
            `invalid_input`, or `period_not_published`.
    """
    if not await gateway.database.read(_watches, institution, pathway):
        raise ProblemError("not_found")
    asked = _period(period)
    name, sealed = counted_name(public_name(pathway))
    kept = await _read(gateway, asked, "sealed" if sealed else "open")
    country = country_of(institution)
    shown = coordination_of([one.publication for one in kept], country, name)
    return Coordination.model_validate(
        {
            "period": asked.name,
            "pathway": name,
            "country": country,
            "counted_at": max(one.counted_at for one in kept),
            "minimum": max(one.minimum for one in kept),
            "digests": [one.publication.digest for one in kept],
            **shown,
        }
    )


def _watches(connection: Connection, institution: str, pathway: str) -> bool:
    home = institutions.get(connection, institution)
    watched = watches.of_many(connection, [institution]).get(institution, [])
    return home is not None and home.state == "active" and pathway in watched


def _period(text: str) -> Period:
    try:
        return parse_period(text)
    except ValueError as error:
        fault = FieldError(pointer="/period", detail=str(error))
        raise ProblemError("invalid_input", errors=[fault]) from None


def _shortest(gateway: Gateway, kind: Kind) -> PeriodKind:
    shortest = gateway.settings.statistics_period
    return "quarter" if kind == "sealed" and is_shorter(shortest, "quarter") else shortest


async def _read(gateway: Gateway, asked: Period, kind: Kind) -> list[Published]:
    shortest = _shortest(gateway, kind)
    parts = asked.parts(shortest)
    settled = asked.end + timedelta(days=gateway.settings.statistics_settling_days)
    if not parts or gateway.business() < settled:
        raise ProblemError(
            "period_not_published", shortest=shortest, from_moment=settled.strftime("%Y-%m-%d")
        )
    kept = await gateway.database.read(_kept, parts, kind)
    if missing := [part for part in parts if part.name not in kept]:
        # Counted without a lock: no message waits for it, and the first to be stored stays.
        made = await gateway.database.read(_make, gateway, missing, kind)
        await gateway.database.write(_keep, kind, list(zip(missing, made, strict=True)))
        kept = await gateway.database.read(_kept, parts, kind)
    return [kept[part.name] for part in parts]


def _kept(connection: Connection, parts: list[Period], kind: Kind) -> dict[str, Published]:
    found = {part.name: publications.get(connection, part.name, kind) for part in parts}
    return {name: one for name, one in found.items() if one is not None}


def _keep(connection: Connection, kind: Kind, made: list[tuple[Period, Published]]) -> None:
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


def _make(
    connection: Connection, gateway: Gateway, parts: list[Period], kind: Kind
) -> list[Published]:
    return [_count(connection, gateway, part, kind) for part in parts]


def _count(connection: Connection, gateway: Gateway, part: Period, kind: Kind) -> Published:
    settings = gateway.settings
    until = part.end + timedelta(days=settings.statistics_settling_days)
    held = referral_status.begun_between(connection, part.start, part.end)
    counted = _counted(held, until, sealed=kind == "sealed")
    least = max(settings.statistics_minimum, MINIMUM)
    if kind == "sealed":
        least = max(least, SEALED_MINIMUM)
        return Published(publish_classes(part.name, counted, minimum=least), until, least)
    return Published(publish_routes(part.name, counted, minimum=least), until, least)


def _counted(held: Iterable[CountedRow], until: datetime, *, sealed: bool) -> Iterable[Passed]:
    for row in held:
        name, is_sealed = counted_name(row.pathway)
        if is_sealed != sealed:
            continue
        age = until - row.begun_at
        steps = [step for step in row.steps if step[1] <= age]
        hours: dict[str, float] = {}
        for state, after in steps:
            if state in TIMED:
                hours.setdefault(state, after / _HOUR)
        yield Passed(
            country=country_of_code(row.reference_code),
            pathway=name,
            parties=frozenset({institution_of(row.sender), institution_of(row.receiver)}),
            place=place_of(row.pathway, row.triage, steps, age),
            hours=hours,
        )
