"""When to ask again: back-off with full jitter, what the node asks for, and an end."""

import math
import random
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

FIRST_SECONDS: Final = 0.5
LONGEST_SECONDS: Final = 15.0


class Patience:
    """How long one request is tried.

    Args:
        seconds: From now; infinite for readers that wait for ever.
        clock: Seconds of a clock that never goes back.
        chance: A number from 0 to 1.
    """

    def __init__(
        self,
        seconds: float,
        clock: Callable[[], float],
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._clock = clock
        self._chance = chance
        self._until = clock() + seconds
        self._tries = 0

    def next_pause(self, retry_after: float | None) -> float | None:
        """Seconds to wait before the next try; None when it would come too late."""
        ceiling = min(LONGEST_SECONDS, FIRST_SECONDS * math.pow(2, min(self._tries, 16)))
        self._tries += 1
        pause = max(self._chance() * ceiling, retry_after or 0.0)
        return pause if self._clock() + pause <= self._until else None


def retry_after(header: str | None, *, now: datetime) -> float | None:
    """Seconds of a `Retry-After` header, which gives seconds or a date (RFC 9110 §10.2.3)."""
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    # A date without a zone is taken for UTC, as RFC 9110 wants dates to be.
    return max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds())
