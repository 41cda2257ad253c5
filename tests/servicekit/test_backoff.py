import pytest
from hypothesis import given
from hypothesis import strategies as st

from relevo.servicekit.backoff import delay_seconds

seconds = st.floats(min_value=1e-3, max_value=1e6)


@given(
    attempt=st.integers(min_value=-(10**6), max_value=10**9),
    base=seconds,
    cap=seconds,
    jitter=st.floats(min_value=0, max_value=1),
)
def test_every_delay_lies_between_half_the_step_and_the_cap(
    attempt: int, base: float, cap: float, jitter: float
) -> None:
    delay = delay_seconds(attempt, base=base, cap=cap, jitter=jitter)
    assert min(base, cap) / 2 <= delay <= cap


@given(attempt=st.integers(min_value=1, max_value=10**4), jitter=st.floats(0, 1))
def test_with_the_same_jitter_no_later_attempt_waits_less(attempt: int, jitter: float) -> None:
    assert delay_seconds(attempt, jitter=jitter) <= delay_seconds(attempt + 1, jitter=jitter)


@given(attempt=st.integers(min_value=1, max_value=10**4), low=st.floats(0, 1), high=st.floats(0, 1))
def test_more_jitter_never_waits_less(attempt: int, low: float, high: float) -> None:
    low, high = sorted((low, high))
    assert delay_seconds(attempt, jitter=low) <= delay_seconds(attempt, jitter=high)


@pytest.mark.parametrize(("attempt", "longest"), [(1, 1), (2, 2), (3, 4), (9, 256), (10, 300)])
def test_the_longest_delay_doubles_up_to_the_cap(attempt: int, longest: float) -> None:
    assert delay_seconds(attempt, jitter=1) == longest
    assert delay_seconds(attempt, jitter=0) == longest / 2
