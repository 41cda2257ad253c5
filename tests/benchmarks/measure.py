"""Rounds in which everybody takes a turn, so that what disturbs one disturbs all."""

import statistics
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Final

Figures = Mapping[str, float]
"""What one turn gave: `rate` (a second), `cpu_us` (of the server's, an operation), `p50_ms` …"""

Contestants = Mapping[str, Callable[[], Figures]]
"""Ours and its yardsticks by name; each call is one turn."""

OURS: Final = "ours"


@dataclass(frozen=True)
class Plan:
    """How long to measure.

    Attributes:
        rounds: Turns of each contestant.
        seconds: Length of one turn, where a turn has one.
        million: Whether growth goes on to 10⁶.
    """

    rounds: int
    seconds: float
    million: bool = False


@dataclass(frozen=True)
class Target:
    """One line of the table of targets.

    Attributes:
        figure: Which figure of ours it speaks of.
        against: The contestant whose same figure ours is divided by; None for the figure itself.
        at_most: Less is better.
    """

    reach: float
    aim: float
    figure: str = "rate"
    against: str | None = None
    at_most: bool = False
    unit: str = "/s"


@dataclass(frozen=True)
class Row:
    """One kind of work. `contest` makes it ready and clears it away."""

    name: str
    work: str
    targets: tuple[Target, ...]
    contest: Callable[[Plan], AbstractContextManager[Contestants]]


@dataclass(frozen=True)
class Spread:
    """Median, least and greatest of the rounds."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: list[float]) -> "Spread":
        return cls(statistics.median(values), min(values), max(values))


@dataclass
class Outcome:
    """Every figure of every contestant, in rounds."""

    row: Row
    turns: dict[str, list[Figures]] = field(default_factory=dict)

    def spread(self, contestant: str, figure: str) -> Spread | None:
        values = [turn[figure] for turn in self.turns.get(contestant, []) if figure in turn]
        return Spread.of(values) if values else None

    def ratio(self, target: Target) -> Spread | None:
        """Ours over the yardstick, round by round: what was slow in a round was slow for both."""
        if target.against is None:
            return None
        pairs = zip(self.turns[OURS], self.turns[target.against], strict=True)
        return Spread.of([ours[target.figure] / theirs[target.figure] for ours, theirs in pairs])

    def judged(self, target: Target) -> float:
        """The number that is compared with reach and aim."""
        spread = self.ratio(target) or self.spread(OURS, target.figure)
        if spread is None:
            raise LookupError(f"{self.row.name} measured no {target.figure}")
        return spread.median

    def met(self, target: Target) -> str:
        value = self.judged(target)
        for name in ("aim", "reach"):
            wanted = getattr(target, name)
            if value <= wanted if target.at_most else value >= wanted:
                return name
        return "no"


def run(row: Row, plan: Plan) -> Outcome:
    """Measures one row. A first short turn of each warms up and is thrown away."""
    outcome = Outcome(row)
    with row.contest(plan) as contestants:
        for turn in contestants.values():
            turn()
        for name in _turns(contestants, plan.rounds):
            outcome.turns.setdefault(name, []).append(contestants[name]())
    return outcome


def _turns(contestants: Contestants, rounds: int) -> Iterator[str]:
    names = list(contestants)
    for number in range(rounds):
        # Back and forth: nobody is always first after a pause.
        yield from names if number % 2 == 0 else reversed(names)
