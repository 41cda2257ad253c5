"""How well and how fast records of one person are found among twenty thousand: `matching`."""

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from tests.support.likenesses import LookUp, a_country, quality

from .measure import OURS, Contestants, Plan, Row, Target

_PEOPLE: Final = 20_000
_QUICK: Final = 2
"""In a run of so few rounds every tenth is looked up, among all."""
_EVERY: Final = 10


@contextmanager
def _matching(plan: Plan) -> Iterator[Contestants]:
    country = a_country(_PEOPLE)
    began = time.perf_counter()
    found = quality(country, every=_EVERY if plan.rounds <= _QUICK else 1)
    whole = {
        "seconds": time.perf_counter() - began,
        "precision": 100 * found.precision,
        "likely": 100 * found.precision_likely,
        "recall": 100 * found.recall,
        "twins_as_one": found.twins_likely,
        "opened": found.opened,
    }
    look_up = LookUp(country.records)
    places = itertools.cycle(range(0, len(country.records), 7))
    yield {OURS: lambda: {**whole, "rate": _rate(look_up, places, plan.seconds)}}


def _rate(look_up: LookUp, places: Iterator[int], seconds: float) -> float:
    began = time.perf_counter()
    done = 0
    while time.perf_counter() - began < seconds:
        look_up.compared(next(places))
        done += 1
    return done / (time.perf_counter() - began)


ROWS = (
    Row(
        "matching",
        "one of 20,000 synthetic people looked up among the others, at most 200 opened",
        (
            Target(95, 98, figure="recall", unit=" %"),
            Target(75, 85, figure="precision", unit=" %"),
            Target(99, 100, figure="likely", unit=" %"),
            Target(0, 0, figure="twins_as_one", at_most=True, unit=""),
            Target(100, 500),
        ),
        _matching,
    ),
)
