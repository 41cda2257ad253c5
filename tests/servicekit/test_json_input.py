import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relevo.servicekit import json_input

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**18), 10**18)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text('abc[{"\\', max_size=3), inner),
    max_leaves=20,
)  # fmt: skip


@given(VALUES)
def test_whatever_json_can_say_is_read_as_python_reads_it(value: object) -> None:
    assert json_input.parse(json.dumps(value).encode(), max_depth=50) == value


@pytest.mark.parametrize("depth", [1, 31, 32, 33, 500, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")])
def test_depth_is_counted_exactly(depth: int, opening: str, closing: str) -> None:
    levels = depth * (2 if opening.startswith("[{") else 1)
    body = (opening * depth + "1" + closing * depth).encode()
    if levels <= json_input.MAX_DEPTH:
        json_input.parse(body)
    else:
        with pytest.raises(json_input.TooDeepError):
            json_input.parse(body)


def test_brackets_inside_texts_are_no_depth() -> None:
    assert json_input.parse(b'["' + b"[{" * 100 + b'\\"[["]')


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[1,]",
        b"{'a': 1}",
        b"[NaN]",
        b"[Infinity]",
        b"[-Infinity]",
        b"[1e999]",
        b'{"a": 1, "a": 2}',
        b'{"b": [{"a": 1, "\\u0061": 2}]}',
        b'["\xff"]',
        b'\xef\xbb\xbf{"a": 1}',
        '{"a": 1}'.encode("utf-16"),
        b"[" + b"9" * 5000 + b"]",
        b'["tab\there"]',
    ],
)
def test_what_is_not_json_in_utf_8_is_refused(body: bytes) -> None:
    with pytest.raises(json_input.MalformedJsonError) as refusal:
        json_input.parse(body)
    assert refusal.value.__cause__ is None


@pytest.mark.parametrize(
    "body", [b'["\\u0000"]', b'{"\\ud800": 1}', b'{"a": [{"b": "x\\uDfffy"}]}']
)
def test_text_that_no_database_stores_is_refused(body: bytes) -> None:
    with pytest.raises(json_input.UnstorableTextError):
        json_input.parse(body)


def test_an_escaped_backslash_before_u0000_and_a_whole_pair_are_fine() -> None:
    assert json_input.parse(b'["\\\\u0000", "\\ud83d\\ude00"]') == ["\\u0000", "\U0001f600"]


@pytest.mark.parametrize(
    "body",
    [
        b'"' + b'\\"' * 500_000,
        b'"' + b'\\"' * 500_000 + b"\\",
        b"[" * 1_000_000,
        b'["' * 500_000,
        b'"[' * 500_000,
        b"[]" * 500_000,
        b"\\" * 1_000_000 + b"[" * 40,
    ],
)
def test_a_megabyte_of_malice_costs_little_time(body: bytes) -> None:
    began = time.process_time()
    with pytest.raises(json_input.JsonInputError):
        json_input.parse(body)
    assert time.process_time() - began < 2
