"""Tables as they are asked for, read from publications: no table knows more than they say."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final, get_args

from .model import ContractModel, Moment
from .problem import FieldError, ProblemError
from .statistics import NOT_SHOWN, Dimension, Direction, Publication, RouteFigures, TimeTo

COLUMNS: Final = (
    "direction", "pathway", "outcome", "case_profile", "count", "without_feedback_percent",
    "overdue_percent",
)  # fmt: skip


class Row(ContractModel):
    """One figure. Shares are there where what they are made of is shown.

    Attributes:
        pathway: A route, the routing class of sealed ones, or `not_shown`.
    """

    direction: Direction
    pathway: str | None = None
    outcome: str | None = None
    case_profile: str | None = None
    count: int
    without_feedback_percent: int | None = None
    overdue_percent: int | None = None
    times: list[TimeTo] = []


class StatisticsTable(ContractModel):
    """Figures of referrals that began in a period, as they stood when they were counted.

    Attributes:
        counted_at: The moment as of which they were counted.
        digests: Of the publications that it was read from, in order.
    """

    period: str
    by: list[Dimension]
    counted_at: Moment
    minimum: int
    sealed_minimum: int
    rows: list[Row]
    digests: list[str]


def dimensions(text: str) -> list[Dimension]:
    """What `by` names, in its one order.

    Raises:
        ProblemError: `invalid_input`: not a dimension, or two that are kept apart.
    """
    named = [name for name in text.split(",") if name]
    known: list[Dimension] = [name for name in get_args(Dimension) if name in named]
    if len(known) != len(named):
        raise _wrong("any of pathway, outcome, case_profile, each once")
    if {"outcome", "case_profile"} <= set(known):
        raise _wrong("outcome and case_profile are counted apart, so that nobody is followed")
    return known


def rows(publications: Sequence[Publication], by: Sequence[Dimension]) -> list[Row]:
    """The rows of a table, in order."""
    counts: dict[tuple[str, str, str, str], int] = defaultdict(int)
    routes = [route for one in publications for route in one.routes]
    for route in routes:
        for outcome, profile, count in _groups(route, by):
            pathway = route.pathway if "pathway" in by else ""
            counts[route.direction, pathway, outcome, profile] += count
    whole: dict[tuple[str, str], RouteFigures] = {}
    if len(publications) == 1 and list(by) == ["pathway"]:
        whole = {(route.direction, route.pathway): route for route in routes}
    found: list[Row] = []
    for (direction, pathway, outcome, profile), count in sorted(counts.items()):
        about = whole.get((direction, pathway))
        found.append(
            Row.model_validate(
                {
                    "direction": direction,
                    "pathway": pathway or None,
                    "outcome": outcome or None,
                    "case_profile": profile or None,
                    "count": count,
                    "without_feedback_percent": _share(about, ("open_in_time", "open_overdue")),
                    "overdue_percent": _share(about, ("open_overdue",)),
                    "times": [] if about is None else about.times,
                }
            )
        )
    return found


def csv(table: StatisticsTable) -> str:
    """The same as lines of text, for spreadsheets. Codes alone, so nothing needs quotes."""
    lines = [",".join(COLUMNS)]
    for row in table.rows:
        cells = (getattr(row, name) for name in COLUMNS)
        lines.append(",".join("" if cell is None else str(cell) for cell in cells))
    return "\r\n".join(lines) + "\r\n"


def _groups(route: RouteFigures, by: Sequence[Dimension]) -> Iterable[tuple[str, str, int]]:
    if "outcome" in by:
        shown = route.outcomes
        return [(f.code, "", f.count) for f in shown] or [(NOT_SHOWN, "", route.count)]
    if "case_profile" in by:
        shown = route.case_profiles
        return [("", f.code, f.count) for f in shown] or [("", NOT_SHOWN, route.count)]
    return [("", "", route.count)]


def _share(route: RouteFigures | None, codes: tuple[str, ...]) -> int | None:
    """A percentage, when every group that it is made of is shown."""
    shown = {} if route is None else {figure.code: figure.count for figure in route.outcomes}
    if route is None or not all(code in shown for code in codes):
        return None
    return round(100 * sum(shown[code] for code in codes) / route.count)


def _wrong(detail: str) -> ProblemError:
    return ProblemError("invalid_input", errors=[FieldError(pointer="/by", detail=detail)])
