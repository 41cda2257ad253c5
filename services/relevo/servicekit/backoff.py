"""How long to wait before the next attempt."""


def delay_seconds(attempt: int, *, base: float = 1.0, cap: float = 300.0, jitter: float) -> float:
    """Doubles with each attempt up to a cap; between half of that and all of it.

    Args:
        attempt: How many attempts have failed, from 1.
        base: Seconds after the first.
        cap: Never more seconds than this.
        jitter: A random number from 0 to 1, so that those who failed together do not return together.
    """
    # Past 2**64 every cap is long reached; a float has no room for much more.
    longest = min(cap, base * 2.0 ** min(max(attempt, 1) - 1, 64))
    return longest * (1 + jitter) / 2
