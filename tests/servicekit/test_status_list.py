"""Lists of revoked numbers: small, bounded, and about nobody."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.util import urlsafe_b64encode

from relevo.contracts.attestation import NUMBERS
from relevo.servicekit import jose, status_list


def test_the_vector_of_the_draft() -> None:
    # draft-ietf-oauth-status-list §4.1: sixteen statuses of one bit.
    known = {"bits": 1, "lst": "eNrbuRgAAhcBXQ"}
    ones = {0, 3, 4, 5, 7, 8, 9, 13, 15}
    assert {n for n in range(16) if status_list.is_revoked(known, n, size=16)} == ones
    assert status_list.encode(ones, size=16) == known


@given(st.sets(st.integers(0, 255)))
def test_what_was_revoked_and_nothing_else_is_revoked(revoked: set[int]) -> None:
    made = status_list.encode(revoked, size=256)
    assert {n for n in range(256) if status_list.is_revoked(made, n, size=256)} == revoked


def test_a_list_of_a_million_numbers_stays_small() -> None:
    made = status_list.encode(range(0, NUMBERS, 5000), size=NUMBERS)
    assert len(made["lst"]) < 4096


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"bits": 2, "lst": "eNrbuRgAAhcBXQ"},
        {"bits": 1, "lst": "AAAA"},
        {"bits": 1, "lst": "é"},
        {"bits": 1, "lst": urlsafe_b64encode(zlib.compress(bytes(10_000_000))).decode()},
        {"bits": 1, "lst": urlsafe_b64encode(zlib.compress(b"\0")).decode()},
    ],
)
def test_a_list_that_cannot_be_read_revokes_and_clears_nobody(broken: dict[str, object]) -> None:
    with pytest.raises(jose.MalformedTokenError):
        status_list.is_revoked(broken, 12, size=16)
