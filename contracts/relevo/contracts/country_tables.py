"""What is read from the publications of a gateway: a country's tables, and a route's page for its *mesa*."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Final, Literal, get_args

from pydantic import Field

from .country_statistics import TIMED, CountryPublication, CountryRoute, Part, TimeBand
from .identifiers import PathwayId
from .model import ContractModel, Moment, ShortText
from .problem import FieldError, ProblemError
from .statistics import NOT_SHOWN, Figure
from .triage.loader import CLOCK_NAMES, ClockName

CountryDimension = Literal["pathway", "state", "clock"]
COUNTRY_COLUMNS: Final = (
    "country", "pathway", "state", "clock", "count", "without_outcome_percent",
    *(f"time_to_{state}" for state in TIMED),
)  # fmt: skip
_OPEN: Final = ("waiting", "in_care")


class Watches(ContractModel):
    """Which routes an institution watches for their *mesa*. The gateway's office says so, and who decided.

    Attributes:
        pathways: All of them; those that are left out it watches no longer.
    """

    pathways: Annotated[list[PathwayId], Field(max_length=100)]
    approved_by: ShortText


class CountryRow(ContractModel):
    """One figure.

    Attributes:
        pathway: A route, the routing class of sealed ones, or `not_shown`.
        clock: The one that had run out, or `in_time`; of open referrals alone.
        without_outcome_percent: The share that nobody had answered with an end, where that is shown.
        times: In what stretch of time half of them had come so far.
    """

    country: str
    pathway: str | None = None
    state: str | None = None
    clock: str | None = None
    count: int
    without_outcome_percent: int | None = None
    times: list[TimeBand] = []


class CountryTable(ContractModel):
    """Figures of referrals that began in a period, as they stood at the gateway when they were counted.

    Attributes:
        counted_at: The moment as of which they were counted.
        digests: Of the publications that it was read from, in order.
    """

    period: str
    by: list[CountryDimension]
    counted_at: Moment
    minimum: int
    sealed_minimum: int
    rows: list[CountryRow]
    digests: list[str]


class Overdue(ContractModel):
    """Open referrals of which a clock had run out.

    Attributes:
        rung: The highest rung whose turn had come; absent where the clock's are counted together.
    """

    clock: ClockName
    rung: str | None = None
    count: int


class Coordination(ContractModel):
    """What a *mesa* sees of a route that it watches: figures, and nobody in them.

    Attributes:
        pathway: The route's name, or its routing class when it is sealed: all of that class together.
        count: Absent where there are fewer than the minimum, or none.
        states: What they do not add up to is in `not_shown`.
    """

    period: str
    pathway: str
    country: str
    counted_at: Moment
    minimum: int
    count: int | None = None
    states: list[Figure] = []
    overdue: list[Overdue] = []
    without_outcome_percent: int | None = None
    times: list[TimeBand] = []
    digests: list[str]


def country_dimensions(text: str) -> list[CountryDimension]:
    """What `by` names, in its one order.

    Raises:
        ProblemError: `invalid_input`.
    """
    named = [name for name in text.split(",") if name]
    known: list[CountryDimension] = [name for name in get_args(CountryDimension) if name in named]
    if len(known) != len(named) or ("clock" in known and "state" not in known):
        detail = "pathway, state, clock, each once; clock with state"
        raise ProblemError("invalid_input", errors=[FieldError(pointer="/by", detail=detail)])
    return known


def country_rows(
    publications: Sequence[CountryPublication], by: Sequence[CountryDimension]
) -> list[CountryRow]:
    """The rows of a table, in order."""
    counts: dict[tuple[str, str, str, str], int] = defaultdict(int)
    routes = [route for one in publications for route in one.routes]
    for route in routes:
        pathway = route.pathway if "pathway" in by else ""
        for state, clock, count in _groups(route, by):
            counts[route.country, pathway, state, clock] += count
    whole: Mapping[tuple[str, str], CountryRoute] = {}
    if len({one.period for one in publications}) == 1 and list(by) == ["pathway"]:
        whole = {(route.country, route.pathway): route for route in routes}
    rows: list[CountryRow] = []
    for (country, pathway, state, clock), count in sorted(counts.items()):
        about = whole.get((country, pathway))
        rows.append(
            CountryRow(
                country=country,
                pathway=pathway or None,
                state=state or None,
                clock=clock or None,
                count=count,
                without_outcome_percent=_without_outcome(about),
                times=[] if about is None else about.times,
            )
        )
    return rows


def country_csv(table: CountryTable) -> str:
    """The same as lines of text, for spreadsheets. Codes alone, so nothing needs quotes."""
    lines = [",".join(COUNTRY_COLUMNS)]
    lines += [",".join(country_cells(row)) for row in table.rows]
    return "\r\n".join(lines) + "\r\n"


def country_cells(row: CountryRow) -> list[str]:
    """A row by its columns."""
    times = {f"time_to_{one.state}": one.median for one in row.times}
    cells = (times.get(name) or getattr(row, name, None) for name in COUNTRY_COLUMNS)
    return ["" if cell is None else str(cell) for cell in cells]


def coordination_of(
    publications: Sequence[CountryPublication], country: str, pathway: str
) -> Mapping[str, object]:
    """What is shown of one route, for `Coordination`."""
    routes = [
        route
        for one in publications
        for route in one.routes
        if (route.country, route.pathway) == (country, pathway)
    ]
    if not routes:
        return {}
    states: dict[str, int] = defaultdict(int)
    overdue: dict[tuple[str, str], int] = defaultdict(int)
    for route in routes:
        for state, _, count in _groups(route, ("state",)):
            states[state] += count
        for part in route.states:
            for clock in part.parts:
                if clock.code in CLOCK_NAMES:
                    for rung in clock.parts or [Part(code="", count=clock.count)]:
                        overdue[clock.code, rung.code] += rung.count
    one = routes[0] if len(routes) == len(publications) == 1 else None
    return {
        "count": sum(route.count for route in routes),
        "states": [
            {"code": code, "count": count}
            for code, count in sorted(states.items())
            if set(states) != {NOT_SHOWN}
        ],
        "overdue": [
            {"clock": clock, "rung": rung or None, "count": count}
            for (clock, rung), count in sorted(overdue.items())
        ],
        "without_outcome_percent": _without_outcome(one),
        "times": [] if one is None else one.times,
    }


def _groups(route: CountryRoute, by: Sequence[CountryDimension]) -> Iterable[tuple[str, str, int]]:
    if "state" not in by:
        return [("", "", route.count)]
    if not route.states:
        return [(NOT_SHOWN, "", route.count)]
    found: list[tuple[str, str, int]] = []
    for part in route.states:
        divided = part.parts if "clock" in by else []
        found += [(part.code, clock.code, clock.count) for clock in divided]
        if not divided:
            found.append((part.code, "", part.count))
    return found


def _without_outcome(route: CountryRoute | None) -> int | None:
    """A percentage, when every group that it is made of is shown."""
    shown = {} if route is None else {part.code: part.count for part in route.states}
    if route is None or not all(group in shown for group in _OPEN):
        return None
    return round(100 * sum(shown[group] for group in _OPEN) / route.count)
