"""What may be counted aloud: figures from which no small group can be worked out.

A publication is made once for each period, and every table is read from it, so that no two tables say
more than one. Its shape is a tree: routes, and within a route what became of its referrals, and whom
they were about. Routes below the minimum join `not_shown`, which is left out when it is small itself;
totals are sums of what is shown. Within a route, whose size is known, a further group is hidden with those
that are together small, and all are where the rule itself would tell how large a small one is.
"""

import hashlib
import statistics
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, cast, get_args

from .lifecycles.referral import OUTCOMES, Event, State, replay
from .model import ContractModel
from .vocabularies.loader import code_list

MINIMUM: Final = 5
SEALED_MINIMUM: Final = 10
MEDIAN_OF: Final = 10
P90_OF: Final = 20
"""Fewer moments than these have no median, and no ninth decile: it would be one person's own."""
VERSION: Final = 1

Direction = Literal["sent", "received"]
Dimension = Literal["pathway", "outcome", "case_profile"]
Outcome = Literal[
    "completed", "failed", "rejected", "redirected", "cancelled", "expired", "consent_withdrawn",
    "entered_in_error", "open_in_time", "open_overdue",
]  # fmt: skip
"""What had become of a referral. Overdue and without an answer are parts of this one partition."""
NOT_SHOWN: Final = "not_shown"
NOT_STATED: Final = "not_stated"
SEVERAL: Final = "several"
"""Persons of different profiles in one referral."""

_TIMED: Final[tuple[State, ...]] = (
    "received", "acknowledged", "accepted", "scheduled", "in_progress", "completed",
)  # fmt: skip


class Figure(ContractModel):
    """How many of a kind."""

    code: str
    count: int


class TimeTo(ContractModel):
    """Hours from submission to a state, over referrals whose outcome is shown."""

    state: str
    median_hours: int
    p90_hours: int | None = None


class RouteFigures(ContractModel):
    """One route. What its groups do not add up to is in the group `not_shown`."""

    direction: Direction
    pathway: str
    count: int
    outcomes: list[Figure] = []
    case_profiles: list[Figure] = []
    times: list[TimeTo] = []


class Publication(ContractModel):
    """The figures of one period, which never change.

    Attributes:
        digest: SHA-256 of everything else, as it is written.
    """

    version: int = VERSION
    period: str
    routes: list[RouteFigures]
    digest: str = ""

    def sealed_by_digest(self) -> "Publication":
        """With its digest."""
        bare = self.model_copy(update={"digest": ""})
        digest = hashlib.sha256(bare.model_dump_json().encode()).hexdigest()
        return self.model_copy(update={"digest": digest})


@dataclass(frozen=True)
class Counted:
    """One referral as it is counted, without anything that names it.

    Attributes:
        pathway: None for what is counted in coarse totals alone: a split, an anonymous complaint.
        hours: From submission to each state that it reached.
    """

    direction: Direction
    pathway: str | None
    outcome: Outcome
    hours: Mapping[State, float] = field(default_factory=dict)


Profiles = Mapping[tuple[Direction, str], Mapping[str, int]]


def publish(
    period: str, counted: Iterable[Counted], profiles: Profiles, *, minimum: int = MINIMUM
) -> Publication:
    """The figures of open routes.

    Args:
        period: Its name.
        counted: Every referral that began in it.
        profiles: How many of a route's referrals were about whom.
        minimum: The smallest group that is shown; never below `MINIMUM`.
    """
    least = max(minimum, MINIMUM)
    by_route: dict[tuple[Direction, str | None], list[Counted]] = defaultdict(list)
    for one in counted:
        by_route[one.direction, one.pathway].append(one)
    routes: list[RouteFigures] = []
    for direction in get_args(Direction):
        of = {name: held for (way, name), held in by_route.items() if way == direction}
        shown = {n: held for n, held in of.items() if n is not None and len(held) >= least}
        for name, held in sorted(shown.items()):
            routes.append(_route(direction, name, held, profiles.get((direction, name), {}), least))
        rest = sum(len(held) for name, held in of.items() if name not in shown)
        if rest >= least:
            routes.append(RouteFigures(direction=direction, pathway=NOT_SHOWN, count=rest))
    return Publication(period=period, routes=routes).sealed_by_digest()


def publish_sealed(
    period: str, counted: Iterable[Counted], *, minimum: int = SEALED_MINIMUM
) -> Publication:
    """The figures of sealed routes: how many of each routing class, and nothing of the small ones."""
    least = max(minimum, SEALED_MINIMUM)
    counts: dict[tuple[Direction, str], int] = defaultdict(int)
    for one in counted:
        if one.pathway is not None:
            counts[one.direction, one.pathway] += 1
    routes = [
        RouteFigures(direction=direction, pathway=name, count=count)
        for (direction, name), count in sorted(counts.items())
        if count >= least
    ]
    return Publication(period=period, routes=routes).sealed_by_digest()


def groups_shown(
    counts: Mapping[str, int],
    codes: Iterable[str],
    *,
    minimum: int,
    hidden_anyway: Collection[str] = (),
) -> dict[str, int]:
    """Which groups of a total that is known may be shown.

    Args:
        counts: How many in each group.
        codes: Every group that there could be.
        minimum: The smallest that is shown.
        hidden_anyway: Groups that are not shown, whatever their size.
    """
    present = {code: count for code, count in counts.items() if count}
    shown = {
        code: count
        for code, count in present.items()
        if count >= minimum and code not in hidden_anyway
    }
    possible = set(codes) | set(present)
    hidden = sum(present.values()) - sum(shown.values())
    if not hidden:
        # When all are of one kind, the figure says it of each of them.
        return shown if len(shown) > 1 else {}
    others = len(possible) - len(shown) - 1
    if hidden < minimum and shown:
        # Too few to be hidden alone: the smallest of the others hides them.
        shown.pop(min(shown, key=lambda code: (shown[code], code)))
        return shown if others else {}
    # As long as those that are hidden have room beside each other, each may be any small number.
    return shown if hidden <= others * (minimum - 1) else {}


def referral_counted(
    direction: Direction,
    pathway: str | None,
    steps: Sequence[tuple[Event, float]],
    *,
    overdue: bool,
) -> Counted | None:
    """A referral by its events up to the day of counting; None when it had not begun.

    Args:
        direction: Whether it was sent or received here.
        pathway: The name under which it is counted.
        steps: Its events, and the hour of each.
        overdue: Whether a clock had run out.
    """
    at = dict(steps)
    read = replay(at)
    if not read.path:
        return None
    begun = at[read.path[0]]
    hours: dict[State, float] = {}
    for event in read.path[1:]:
        hours.setdefault(event.state, max(0.0, at[event] - begun))
    reached: Outcome = "open_overdue" if overdue else "open_in_time"
    for event in read.path:
        if event.state in OUTCOMES or event.state == "entered_in_error":
            reached = cast("Outcome", event.state)
    return Counted(direction, pathway, reached, hours)


def profile_of(profiles: Iterable[str | None]) -> str:
    """Under what a referral about these persons is counted."""
    stated = {profile or NOT_STATED for profile in profiles}
    return stated.pop() if len(stated) == 1 else SEVERAL


def _route(
    direction: Direction,
    name: str,
    held: Sequence[Counted],
    profiles: Mapping[str, int],
    minimum: int,
) -> RouteFigures:
    outcomes: dict[str, int] = defaultdict(int)
    for one in held:
        outcomes[one.outcome] += 1
    shown = groups_shown(outcomes, get_args(Outcome), minimum=minimum)
    about = dict(profiles)
    about[NOT_STATED] = about.get(NOT_STATED, 0) + len(held) - sum(profiles.values())
    known = min(about.values()) >= 0
    codes = [*(code.code for code in code_list("case_profile").codes), NOT_STATED, SEVERAL]
    shown_profiles = groups_shown(about, codes, minimum=minimum) if known else {}
    return RouteFigures(
        direction=direction,
        pathway=name,
        count=len(held),
        outcomes=_figures(shown, len(held)),
        case_profiles=_figures(shown_profiles, len(held)),
        times=_times([one for one in held if one.outcome in shown]),
    )


def _figures(shown: Mapping[str, int], total: int) -> list[Figure]:
    figures = [Figure(code=code, count=count) for code, count in sorted(shown.items())]
    rest = total - sum(shown.values())
    return [*figures, Figure(code=NOT_SHOWN, count=rest)] if rest else figures


def _times(held: Sequence[Counted]) -> list[TimeTo]:
    times: list[TimeTo] = []
    for state in _TIMED:
        hours = sorted(one.hours[state] for one in held if state in one.hours)
        if len(hours) < MEDIAN_OF:
            continue
        late = statistics.quantiles(hours, n=10)[8] if len(hours) >= P90_OF else None
        times.append(
            TimeTo(
                state=state,
                median_hours=round(statistics.median(hours)),
                p90_hours=None if late is None else round(late),
            )
        )
    return times
