"""How often somebody may ask: a bucket per asker that fills up again over time."""

from collections import OrderedDict
from datetime import datetime
from typing import Final

MAX_ASKERS: Final = 10_000


class Allowance:
    """So many questions a minute for each asker; reference codes cannot be guessed by asking.

    Kept in this process: with several, each allows as many.
    """

    def __init__(self, per_minute: int) -> None:
        self._capacity = float(per_minute)
        self._per_second = per_minute / 60
        self._left: OrderedDict[str, tuple[float, datetime]] = OrderedDict()

    def take(self, asker: str, now: datetime) -> float:
        """Takes one question; returns the seconds to wait, 0 when there was one left."""
        left, since = self._left.pop(asker, (self._capacity, now))
        passed = max(0.0, (now - since).total_seconds())
        left = min(self._capacity, left + passed * self._per_second)
        allowed = left >= 1
        self._left[asker] = (left - 1 if allowed else left, now)
        if len(self._left) > MAX_ASKERS:
            self._left.popitem(last=False)
        return 0.0 if allowed else (1 - left) / self._per_second
