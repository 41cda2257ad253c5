import base64
from datetime import UTC, datetime

import pytest

from relevo.contracts.problem import ProblemError
from relevo.node.operations.cursor import from_cursor, to_cursor

AT = datetime(2026, 3, 2, 16, 40, tzinfo=UTC)
RECORD = "0198c7a2-4f1e-7d51-9a60-6f1b7a51c0de"


def test_a_cursor_says_where_a_page_ended() -> None:
    assert from_cursor(to_cursor(AT, RECORD)) == (AT, RECORD)


@pytest.mark.parametrize(
    "said",
    [
        "",
        "2026-03-02T16:40:00+00:00",
        f"yesterday {RECORD}",
        f"0001-01-01T00:00:00+23:59 {RECORD}",
        f"9999-12-31T23:59:59-23:59 {RECORD}",
        "2026-03-02T16:40:00+00:00 \x00",
        f"2026-03-02T16:40:00+00:00 {RECORD}\x00",
        "2026-03-02T16:40:00+00:00 ' OR 1=1",
    ],
)
def test_what_no_page_gave_is_refused(said: str) -> None:
    with pytest.raises(ProblemError, match="invalid_input"):
        from_cursor(base64.urlsafe_b64encode(said.encode()).decode())


@pytest.mark.parametrize("cursor", ["%", "é", "====", "AAAA", "\ud800", "a" * 200])
def test_what_is_no_base64_is_refused(cursor: str) -> None:
    with pytest.raises(ProblemError, match="invalid_input"):
        from_cursor(cursor)
