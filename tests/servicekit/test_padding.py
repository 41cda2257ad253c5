import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relevo.servicekit.padding import BUCKETS, TooLargeToPadError, pad


@given(st.dictionaries(st.text(), st.text(max_size=2000), max_size=5))
def test_padded_json_is_the_same_json_of_a_buckets_size(value: dict[str, str]) -> None:
    padded = pad(json.dumps(value).encode())
    assert len(padded) in BUCKETS
    assert json.loads(padded) == value


@pytest.mark.parametrize(
    ("length", "bucket"), [(0, 1024), (1024, 1024), (1025, 2048), (262_144, 262_144)]
)
def test_the_smallest_bucket_that_fits_is_taken(length: int, bucket: int) -> None:
    assert len(pad(b"x" * length)) == bucket


def test_what_fits_no_bucket_is_refused() -> None:
    with pytest.raises(TooLargeToPadError):
        pad(b"x" * 262_145)
