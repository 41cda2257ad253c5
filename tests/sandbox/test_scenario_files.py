"""A scenario file is judged, with file and line, before anything starts."""

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from relevo.sandbox.scenarios.cast_files import home_of, shared_cast
from relevo.sandbox.scenarios.checks import CHECKS
from relevo.sandbox.scenarios.load import ScenarioFilesError, built_in, load
from relevo.sandbox.scenarios.moments import Calendar
from relevo.sandbox.scenarios.verbs import VERBS

GUIDE = (Path(__file__).resolve().parents[2] / "docs/guides/play-a-pathway.md").read_text("utf-8")
SMALL = re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL)[0]


def faults(text: str) -> str:
    with pytest.raises(ScenarioFilesError) as refused:
        load({"my.scenario.toml": text})
    return str(refused.value)


def line_of(text: str, words: str) -> int:
    return text[: text.index(words)].count("\n") + 1


def test_every_scenario_that_comes_with_relevo_can_be_played() -> None:
    scenarios = load(built_in())
    assert {f"{scenario.file.id}.toml" for scenario in scenarios} == set(built_in())


def test_the_example_of_the_guide_can_be_played() -> None:
    (scenario,) = load({"my.scenario.toml": SMALL})
    assert scenario.institutions == ["mx.albergue-tapachula", "gt.igm"]


@pytest.mark.parametrize(
    ("written", "instead", "said"),
    [
        ('do = "accept"', 'do = "acept"', "there is no verb `acept`: `accept`?"),
        ('by = "gt.igm.crr"', 'by = "gt.igm.cra"', "nobody of the cast is `gt.igm.cra`"),
        ('of = "R1"', 'of = "R2"', "no step before has made `R2`: `R1`?"),
        ('receiver = "gt.igm.crr"', 'receiver = "gt.nadie"', "nobody of the cast is `gt.nadie`"),
        ('at = "D0 10:00"', 'at = "D0 08:00"', "time goes forward"),
        ('at = "D0 10:00"', 'at = "D0 10h"', "is not a time such as `D0 16:05`"),
        ('needs = ["food"]', 'needs = ["fod"]', "needs.0.service: not a code of service_type"),
        ('outcome = "service_delivered"', 'outcome = "released_from_detention"', "no outcome of gt-retorno-al-hogar"),
        ('code = "service_delivered"', 'code = "employed"', "`employed` is no outcome"),
        ('consents = ["C1"]', 'consents = ["C2"]', "no step before has made `C2`"),
        ('persons = ["rosa"]', 'persons = ["rsa"]', "there is no [persons.rsa]"),
        ('person = "rosa"', 'person = "rsa"', "needs person, the key of a [persons.…]"),
        ('words = ["Rosalba"', 'words = ["Rosalva"', "`Rosalva` stands nowhere in this scenario"),
        ('pathways = ["gt-retorno-al-hogar"]', 'pathways = ["gt-retorno"]', "there is no pathway `gt-retorno`"),
        ("contact = {", "contacts = {", "contacts: Extra inputs are not permitted"),
        ('that = "words_only_at"', 'that = "words_only"', "words_only"),
        ('source = "Where', 'sauce = "Where', "`sauce` is no key here: `source`?"),
    ],
)  # fmt: skip
def test_what_cannot_be_played_is_named_with_its_line(
    written: str, instead: str, said: str
) -> None:
    text = SMALL.replace(written, instead, 1)
    told = faults(text)
    assert said in told
    assert told.startswith("my.scenario.toml:")
    near = {int(number) for number in re.findall(r"toml:(\d+):", told)}
    # A key of its own is named by its line, an outcome by that of the step's body around it.
    assert any(abs(line_of(text, instead) - number) <= 9 for number in near)


def test_a_refused_step_may_be_wrong_on_purpose() -> None:
    text = SMALL.replace(
        'share = ["identity"] }', 'share = ["nothing"] }\nrefused = "invalid_input"'
    )
    assert "no step before has made `R1`" in faults(text)


def test_a_problem_that_does_not_exist_cannot_be_expected() -> None:
    text = SMALL.replace('do = "accept"', 'do = "accept"\nrefused = "not_fund"')
    assert "there is no problem `not_fund`: `not_found`?" in faults(text)


def test_only_a_weak_link_can_be_cut() -> None:
    text = SMALL.replace('do = "accept"\nof = "R1"', 'do = "link_down"')
    assert "gt.igm.crr has no weak_link" in faults(text)


def test_an_old_token_is_tried_by_whoever_left() -> None:
    text = SMALL.replace('do = "accept"', 'do = "try_old_token"', 1)
    assert "nobody has left gt.igm.crr: `change_hands` comes before" in faults(text)


def test_two_files_of_one_id_are_refused() -> None:
    with pytest.raises(ScenarioFilesError, match="has the same id"):
        load({"a.toml": SMALL, "b.toml": SMALL})


def test_what_is_not_toml_is_named() -> None:
    assert "this is not TOML" in faults("id = ")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("@D0", "2030-01-07"),
        ("@D21-18y", "2012-01-28"),
        ("@D-3 10:00", "2030-01-04T16:00:00Z"),
        ("@D12 09:00 America/Phoenix", "2030-01-19T16:00:00Z"),
        ("@D12 09:00", "2030-01-19T15:00:00Z"),
    ],
)
def test_times_of_a_body_are_times_of_the_story(written: str, meant: str) -> None:
    assert Calendar(date(2030, 1, 7)).in_body(written) == meant


def test_a_step_has_the_time_of_its_zone() -> None:
    calendar = Calendar(date(2030, 7, 1))
    assert calendar.at("D0 08:00", "America/New_York") == datetime(2030, 7, 1, 12, tzinfo=UTC)


def test_a_birthday_of_29_february_is_kept_in_other_years() -> None:
    assert Calendar(date(2028, 2, 29)).in_body("@D0-9y") == "2019-02-28"


@pytest.mark.parametrize(
    ("heading", "known"), [("### Verbs", set(VERBS)), ("## Checks", set(CHECKS))]
)
def test_the_guide_has_every_verb_and_every_check(heading: str, known: set[str]) -> None:
    section = GUIDE.partition(f"{heading}\n")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == known


def test_everybody_of_the_cast_is_at_home_somewhere() -> None:
    cast = shared_cast()
    assert {home_of(member) for member in cast.members.values()} >= {"gateway.gt", "gateway.mx"}
    assert all(set(guest.brings_to) <= set(cast.members) for guest in cast.guests.values())
