"""What is wrong with a pathway file is said all at once, each fault with its line and column."""

import tomllib
from collections.abc import Iterator
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relevo.contracts.pathways.check import Finding, check
from relevo.contracts.pathways.loader import (
    PathwayFilesError,
    add,
    built_in,
    forget_added,
    pathways,
    read,
)
from relevo.contracts.pathways.positions import positions

GOOD = """\
id = "xx-test"
version = "1"
title_en = "A route"
title_es = "Una ruta"
sources = ["Somebody"]
countries = ["GT"]
services = ["food", "emergency_shelter"]
receiver_mandates = ["shelter"]
purposes = ["service_delivery"]
lawful_bases = ["consent"]
outcomes = ["service_delivered"]

[starts]
mandates = ["shelter"]

[[asks]]
category = "identity"
why = "To know who it is"
"""


@pytest.fixture(autouse=True)
def _built_in_alone() -> Iterator[None]:
    yield
    forget_added()


def places(text: str, pointer: str) -> list[str]:
    return [f"{one.line}:{one.column}" for one in check(text) if one.pointer == pointer]


def only(text: str) -> Finding:
    found = check(text)
    assert len(found) == 1, found
    return found[0]


def test_a_good_file_has_no_findings() -> None:
    assert check(GOOD) == []


@pytest.mark.parametrize("name", built_in())
def test_a_built_in_file_is_named_after_its_pathway_and_has_no_findings(name: str) -> None:
    folder = resources.files("relevo.contracts.pathways") / "data"
    text = (folder / f"{name}.toml").read_text("utf-8")
    assert check(text) == []
    assert tomllib.loads(text)["id"] == name


def test_everything_is_said_at_once_in_the_order_of_the_lines() -> None:
    found = check(
        'id = "xx-test"\ntitel_en = "a"\nservices = ["prmary_health",\n   "food", "food"]\n'
        'sensitivity = "seald"\ntriage_scheme = "rrcm"\n[starts]\nmandates = ["shelterr"]\n'
        '[[asks]]\ncategory = "identity"\nwhy = 3\n'
    )
    said = [f"{one.line}:{one.column} {one.advice}" for one in found if one.line > 1]
    assert said == [
        "2:1 the nearest is `title_en`",
        "3:13 the nearest is `primary_health`",
        "4:12 None",
        "5:15 the nearest is `sealed`",
        "6:17 the nearest is `rrocm`",
        "8:13 the nearest is `shelter`",
        "11:7 What the receiver does with it",
    ]
    missing = {one.pointer for one in found if one.line == 1}
    assert {"/version", "/title_en", "/lawful_bases", "/outcomes"} <= missing


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("version = 1", "`1` is not text: write it in quotes"),
        ('countries = ["Guatemala"]', "`Guatemala` is not written as it must be here"),
        ("lawful_bases = []", "this is empty"),
        ('services = "food"', "`food` is not a list: write it in square brackets"),
        ("starts = 3", "`3` is not a table"),
    ],
)
def test_a_wrong_value_is_said_in_words_for_people_who_write_no_programs(
    line: str, said: str
) -> None:
    [found] = [
        one for one in check(line) if one.pointer.count("/") and not one.message.endswith("missing")
    ]
    assert found.message == said
    assert found.advice is not None


@pytest.mark.parametrize(
    ("before", "after", "pointer", "place"),
    [
        ('["consent"]', '["consent", "becuase"]', "/lawful_bases/1", "10:28"),
        ("[starts]\n", "[starts]\nanyone = true\n", "/starts/anyone", "14:10"),
        ('\nmandates = ["shelter"]', "", "/starts", "13:2"),
        ('why = "To', 'requird = true\nwhy = "To', "/asks/0/requird", "18:1"),
        ('version = "1"', 'version = "1"\nreview_days = 90\ntriage_scheme = "rrocm"', "/review_days", "3:15"),
        ('version = "1"', 'version = "1"\nladder = ["supervisor"]', "/ladder", "3:10"),
        ('version = "1"', 'version = "1"\nrouting_class = "health"', "/routing_class", "3:17"),
        ('version = "1"', 'version = "1"\nsensitivity = "sealed"', "/sensitivity", "3:15"),
        ("[starts]", "[follow_up]\nallowed = true\ndays = [7, 30, 7]\n[starts]", "/follow_up/days/2", "15:16"),
        ("[starts]", "[follow_up]\nallowed = false\ndays = [7]\n[starts]", "/follow_up/days", "15:8"),
        ("[starts]", '[[quiet_days]]\nafter = "service_deliverd"\ndays = 3\nwhy = "x"\n[starts]',
         "/quiet_days/0/after", "14:9"),
        ("[starts]", '[[stages]]\nid = "a"\ntitle_en = "A"\ntitle_es = "A"\nservices = ["fod"]\n[starts]',
         "/stages/0/services/0", "17:13"),
        ('category = "identity"', 'category = "enforcement_data"', "/asks/0/category", "17:12"),
        ('why = "To', 'required = true\nwhy = "To', "", ""),
    ],
)  # fmt: skip
def test_a_fault_is_shown_where_it_stands(
    before: str, after: str, pointer: str, place: str
) -> None:
    text = GOOD.replace(before, after)
    assert text != GOOD
    if not pointer:
        assert check(text) == []
        return
    assert set(places(text, pointer)) == {place}


def test_a_sealed_route_follows_up_only_with_a_reason() -> None:
    sealed = 'version = "1"\nsensitivity = "sealed"\nrouting_class = "health"'
    text = GOOD.replace('version = "1"', sealed) + "[follow_up]\nallowed = true\n"
    assert only(text).pointer == "/follow_up/allowed"
    assert check(text + 'why = "She asked for it"\n') == []


def test_where_a_complaint_may_be_anonymous_no_name_is_required() -> None:
    text = GOOD.replace('version = "1"', 'version = "1"\nanonymous = true')
    assert check(text) == []
    assert only(text + "required = true\n").pointer == "/asks/0/required"


def test_special_data_that_is_required_without_a_reason_is_a_warning() -> None:
    text = GOOD + '[[asks]]\ncategory = "health"\nwhy = "To have care ready"\nrequired = true\n'
    found = only(text)
    assert (found.level, found.line, found.column) == ("warning", 20, 12)
    assert found.in_file("a.toml").startswith("a.toml:20:12: warning: `health` is special data")
    assert check(text + 'special_because = "No ward takes her without it"\n') == []


def test_what_is_no_toml_is_shown_where_reading_ended() -> None:
    found = only('id = "a"\ntitle_en = \n')
    assert (found.line, found.column, found.level) == (2, 12, "error")
    assert only('id = "a').line == 1


# -- positions ----------------------------------------------------------------------------------------

AWKWARD = '''\
# a comment
a . "b.c" = 1 # b
'l' = """
x ] = "" 2
""" # three
[t.u]
k = [ # open
  "x]", 'y#', # comment
  [1, 2], {z = 1, "w" = [true]},
]
[[r]]
[[r.s]]
n = 1979-05-27 07:32:00
[[r.s]]
n = inf
[[r]]
s.o = """a""\\""""
'''


def test_keys_and_values_are_found_in_every_form_that_toml_has() -> None:
    found = {path: (one.key.line, one.key.column, one.value.line, one.value.column)
             for path, one in positions(AWKWARD).items()}  # fmt: skip
    assert found["a", "b.c"] == (2, 5, 2, 13)
    assert found["l",] == (3, 1, 3, 7)
    assert found["t", "u"] == (6, 4, 6, 4)
    assert found["t", "u", "k", 2, 1] == (9, 7, 9, 7)
    assert found["t", "u", "k", 3, "w", 0] == (9, 26, 9, 26)
    assert found["r", 0, "s", 1, "n"] == (15, 1, 15, 5)
    assert found["r", 1, "s", "o"] == (17, 3, 17, 7)


_KEYS = st.text("ab.\"'# é-", min_size=1, max_size=4)
_VALUES = st.recursive(
    st.integers() | st.booleans() | st.text("ab]}\"'#,=\n\\é", max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=8,
)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _written(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, list):
        return "[" + "\n , ".join(_written(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_quoted(k)} = {_written(v)}" for k, v in value.items()) + "}"
    return str(value)


def _paths(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if path:
        yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _paths(inner, (*path, key))
    if isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _paths(inner, (*path, number))


@given(st.dictionaries(_KEYS, _VALUES, max_size=4))
def test_the_places_are_those_of_what_toml_reads(document: dict[str, object]) -> None:
    text = "".join(f"{_quoted(key)} = {_written(value)}\n" for key, value in document.items())
    assert tomllib.loads(text) == document
    assert set(positions(text)) == set(_paths(document))


# -- own pathways -------------------------------------------------------------------------------------


def test_an_own_pathway_is_known_like_the_built_in_ones() -> None:
    add({"xx-test.toml": GOOD})
    add({"again.toml": GOOD})
    assert pathways()["xx-test"].public_name == "xx-test"
    assert set(built_in()) < set(pathways())


def test_files_with_errors_are_refused_whole_with_every_finding() -> None:
    bad = GOOD.replace('"consent"', '"because"').replace("[starts]", "[startz]")
    with pytest.raises(PathwayFilesError) as refused:
        add({"good.toml": GOOD, "bad.toml": bad})
    assert len([line for line in str(refused.value).splitlines() if "bad.toml:" in line]) == 3
    assert "xx-test" not in pathways()


def test_an_id_twice_is_refused() -> None:
    with pytest.raises(PathwayFilesError, match="xx-test already"):
        read({"a.toml": GOOD, "b.toml": GOOD})
    add({"a.toml": GOOD})
    with pytest.raises(PathwayFilesError, match="xx-test already"):
        add({"b.toml": GOOD.replace("A route", "Another")})


def test_a_built_in_pathway_is_not_replaced() -> None:
    with pytest.raises(PathwayFilesError, match="gt-retorno-al-hogar already"):
        add({"mine.toml": GOOD.replace("xx-test", "gt-retorno-al-hogar")})
