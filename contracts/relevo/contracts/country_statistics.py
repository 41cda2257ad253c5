"""What a gateway may count aloud: the referrals of its countries, of whose files it reads nothing.

It knows of a referral where it was sent from and to, when it passed, its coarse state and how urgent it
is; never whom it is about. Readers are institutions of the network, and each knows its own referrals: a
figure is shown when it is not small to anybody who takes the own ones away. The tree is routes, then
states, then which clock had run out, then the highest rung that was told.
"""

import hashlib
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from typing import Final, Literal, get_args

from .envelope import CoarseState
from .model import ContractModel
from .pathways.loader import pathways
from .statistics import MEDIAN_OF, MINIMUM, NOT_SHOWN, SEALED_MINIMUM, groups_shown
from .triage.loader import (
    CLOCK_NAMES,
    RUNGS,
    ClockName,
    LevelRule,
    Rung,
    TriageScheme,
    triage_schemes,
)

VERSION: Final = 1
UNKNOWN_ROUTE: Final = "unknown"
"""A name that is neither an open route nor a routing class here; counted as a sealed one."""

Group = Literal["waiting", "in_care", "completed", "ended_without_service"]
Lateness = Literal["in_time", "acknowledge", "decide", "deliver"]
"""The clock that had run out, the earliest of them."""
Reached = Literal["no_rung", "supervisor", "coordination_table", "alternate_receiver"]
"""The highest rung whose turn had come; that of red comes before the deadline."""
Band = Literal[
    "within_1_hour", "within_4_hours", "within_1_day", "within_3_days", "within_1_week",
    "within_2_weeks", "within_30_days", "longer",
]  # fmt: skip

_LEVELS: Final[tuple[tuple[str, ...], ...]] = (
    get_args(Group),
    get_args(Lateness),
    get_args(Reached),
)
_BANDS: Final[tuple[tuple[float, Band], ...]] = (
    (1, "within_1_hour"), (4, "within_4_hours"), (24, "within_1_day"), (72, "within_3_days"),
    (168, "within_1_week"), (336, "within_2_weeks"), (720, "within_30_days"),
)  # fmt: skip
TIMED: Final[tuple[CoarseState, ...]] = (
    "received", "acknowledged", "accepted", "in_progress", "completed",
)  # fmt: skip
_IN_CARE: Final = frozenset({"accepted", "in_progress"})
_MET_BY: Final[Mapping[ClockName, frozenset[str]]] = {
    "acknowledge": frozenset({"acknowledged", "waiting", *_IN_CARE}),
    "decide": _IN_CARE,
}


class Part(ContractModel):
    """How many of a kind, and how they divide where that may be shown."""

    code: str
    count: int
    parts: "list[Part]" = []


class TimeBand(ContractModel):
    """In what stretch of time half of those whose state is shown had come so far."""

    state: str
    median: Band


class CountryRoute(ContractModel):
    """One route of one country. What its states do not add up to is in `not_shown`."""

    country: str
    pathway: str
    count: int
    states: list[Part] = []
    times: list[TimeBand] = []


class CountryPublication(ContractModel):
    """The figures of one period, which never change.

    Attributes:
        digest: SHA-256 of everything else, as it is written.
    """

    version: int = VERSION
    period: str
    routes: list[CountryRoute]
    digest: str = ""

    def sealed_by_digest(self) -> "CountryPublication":
        """With its digest."""
        bare = self.model_copy(update={"digest": ""})
        digest = hashlib.sha256(bare.model_dump_json().encode()).hexdigest()
        return self.model_copy(update={"digest": digest})


@dataclass(frozen=True)
class Passed:
    """One referral as a gateway counts it.

    Attributes:
        pathway: A route's name, or the routing class of sealed ones.
        parties: The institutions that know of it anyway.
        place: Its group; while it is open also its lateness and the rung that was reached.
        hours: From when it first passed to each state that passed after it.
    """

    country: str
    pathway: str
    parties: frozenset[str]
    place: tuple[str, ...]
    hours: Mapping[str, float] = field(default_factory=dict)


def counted_name(seen: str) -> tuple[str, bool]:
    """Under what a route is counted, by what envelopes say of it, and whether it is sealed."""
    route = pathways().get(seen)
    if route is not None and route.sensitivity == "open":
        return seen, False
    classes = {one.public_name for one in pathways().values() if one.sensitivity == "sealed"}
    return (seen if seen in classes else UNKNOWN_ROUTE), True


def place_of(
    pathway: str, triage: str | None, steps: Sequence[tuple[str, timedelta]], age: timedelta
) -> tuple[str, ...]:
    """Where a referral stood.

    Args:
        pathway: As envelopes say it.
        triage: Its level.
        steps: Coarse states in order, each with how long after the beginning it passed.
        age: How long after the beginning it is looked at.
    """
    states = [state for state, _ in steps]
    for end in ("completed", "ended_without_service"):
        if end in states:
            return (end,)
    last = states[-1] if states else "submitted"
    if last == "closed":
        # Redirected: whatever became of it is another referral's.
        return ("ended_without_service",)
    group = "in_care" if _IN_CARE & set(states) else "waiting"
    return (group, *_clocks(pathway, triage, steps, age))


def _clocks(
    pathway: str, triage: str | None, steps: Sequence[tuple[str, timedelta]], age: timedelta
) -> tuple[Lateness, Reached]:
    route = pathways().get(pathway)
    scheme = None if route is None else triage_schemes().get(route.triage_scheme or "")
    rule = (
        None if scheme is None else next((r for n, r in scheme.levels.items() if n == triage), None)
    )
    if route is None or scheme is None or rule is None or (steps and steps[-1][0] == "waiting"):
        return "in_time", "no_rung"
    ran = age - _waited(steps)
    passed = {state for state, _ in steps}
    running = [
        clock for clock in CLOCK_NAMES if clock in rule.hours and not _met(scheme, clock, passed)
    ]
    late = [clock for clock in running if ran >= timedelta(hours=rule.hours[clock])]
    ladder = scheme.ladder if route.ladder is None else route.ladder
    rungs = [rung for clock in running for rung in _rungs(rule, clock, ladder, ran)]
    earliest = min(late, key=rule.hours.__getitem__, default=None)
    return earliest or "in_time", max(rungs, key=RUNGS.index, default="no_rung")


def _met(scheme: TriageScheme, clock: ClockName, passed: set[str]) -> bool:
    if clock == "deliver":
        return "in_progress" in passed and "in_progress" in scheme.delivered_by
    return bool(_MET_BY[clock] & passed)


def _rungs(rule: LevelRule, clock: ClockName, ladder: Sequence[Rung], ran: timedelta) -> list[Rung]:
    whole = timedelta(hours=rule.hours[clock])
    return [
        rung
        for number, rung in enumerate(ladder)
        if whole * (rule.ladder_starts + number * rule.ladder_step) <= ran
    ]


def _waited(steps: Sequence[tuple[str, timedelta]]) -> timedelta:
    """How long the clocks stood still, as far as a gateway can see: questions and waiting lists."""
    pairs = pairwise(steps)
    return sum(
        (max(timedelta(), after - at) for (state, at), (_, after) in pairs if state == "waiting"),
        timedelta(),
    )


def publish_routes(
    period: str, counted: Iterable[Passed], *, minimum: int = MINIMUM
) -> CountryPublication:
    """The figures of open routes.

    Args:
        period: Its name.
        counted: Every referral that began in it.
        minimum: The smallest group that is shown; never below `MINIMUM`.
    """
    least = max(minimum, MINIMUM)
    by_country: dict[str, dict[str, list[Passed]]] = defaultdict(lambda: defaultdict(list))
    for one in counted:
        by_country[one.country][one.pathway].append(one)
    routes: list[CountryRoute] = []
    for country, of in sorted(by_country.items()):
        shown = {name: held for name, held in of.items() if is_large(held, least)}
        for name, held in sorted(shown.items()):
            states = _divided(held, 0, least)
            told = {part.code for part in states}
            routes.append(
                CountryRoute(
                    country=country,
                    pathway=name,
                    count=len(held),
                    states=states,
                    times=_times([one for one in held if one.place[0] in told]),
                )
            )
        rest = [one for name, held in of.items() if name not in shown for one in held]
        if is_large(rest, least):
            routes.append(CountryRoute(country=country, pathway=NOT_SHOWN, count=len(rest)))
    return CountryPublication(period=period, routes=routes).sealed_by_digest()


def publish_classes(
    period: str, counted: Iterable[Passed], *, minimum: int = SEALED_MINIMUM
) -> CountryPublication:
    """The figures of sealed routes: how many of each routing class, and nothing of the small ones."""
    least = max(minimum, SEALED_MINIMUM)
    held: dict[tuple[str, str], list[Passed]] = defaultdict(list)
    for one in counted:
        held[one.country, one.pathway].append(one)
    routes = [
        CountryRoute(country=country, pathway=name, count=len(of))
        for (country, name), of in sorted(held.items())
        if is_large(of, least)
    ]
    return CountryPublication(period=period, routes=routes).sealed_by_digest()


def is_large(held: Sequence[Passed], minimum: int) -> bool:
    """Whether these are enough, and so are those that are left for whoever knows the own ones."""
    own = Counter(party for one in held for party in one.parties)
    rests = [len(held) - count for count in own.values()]
    return len(held) >= minimum and all(rest == 0 or rest >= minimum for rest in rests)


def groups_shown_to_each(
    views: Sequence[Mapping[str, int]], codes: Sequence[str], *, minimum: int
) -> set[str]:
    """Which groups may be shown to readers of whom each sees other counts of the same groups."""
    hidden: set[str] = set()
    while True:
        more: set[str] = set()
        for view in views:
            shown = groups_shown(view, codes, minimum=minimum, hidden_anyway=hidden)
            more |= {code for code, count in view.items() if count} - hidden - set(shown)
        if not more:
            return {code for view in views for code, count in view.items() if count} - hidden
        hidden |= more


def _divided(held: Sequence[Passed], level: int, minimum: int) -> list[Part]:
    if level == len(_LEVELS) or any(len(one.place) <= level for one in held):
        return []
    counts = Counter(one.place[level] for one in held)
    shown = groups_shown_to_each(_views(held, level), _LEVELS[level], minimum=minimum)
    parts = [
        Part(
            code=code,
            count=counts[code],
            parts=_divided([one for one in held if one.place[level] == code], level + 1, minimum),
        )
        for code in _LEVELS[level]
        if code in shown
    ]
    rest = len(held) - sum(part.count for part in parts)
    return [*parts, Part(code=NOT_SHOWN, count=rest)] if parts and rest else parts


def _views(held: Sequence[Passed], level: int) -> list[Mapping[str, int]]:
    """The groups as they are, and as they are left for each institution that knows its own."""
    whole = Counter(one.place[level] for one in held)
    own: dict[str, Counter[str]] = defaultdict(Counter)
    for one in held:
        for party in one.parties:
            own[party][one.place[level]] += 1
    return [whole, *(rest for mine in own.values() if (rest := whole - mine))]


def _times(held: Sequence[Passed]) -> list[TimeBand]:
    times: list[TimeBand] = []
    for state in TIMED:
        reached = [one for one in held if state in one.hours]
        if is_large(reached, MEDIAN_OF):
            median = statistics.median(one.hours[state] for one in reached)
            times.append(TimeBand(state=state, median=band(median)))
    return times


def band(hours: float) -> Band:
    """The stretch of time in which so many hours lie."""
    return next((name for most, name in _BANDS if hours <= most), "longer")
