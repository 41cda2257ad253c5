"""Languages, places, identity numbers and time zones, with the traps that each of them sets."""

import re
from datetime import UTC, datetime
from itertools import product
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from relevo.contracts.person import EthnicityLanguage, LocationMunicipality
from relevo.contracts.standards import identity_numbers
from relevo.contracts.standards.identity_numbers import check, is_curp, is_dui, is_nicaraguan_cedula
from relevo.contracts.standards.languages import (
    NOT_FOR_FORMS,
    Language,
    LanguageGroup,
    is_code,
    languages,
    read_language,
)
from relevo.contracts.standards.places import (
    codes_called,
    has_shape,
    lists_of,
    municipalities_since_2024,
    name_of,
    place_lists,
)
from relevo.contracts.standards.read import data
from relevo.contracts.standards.time_zones import zone_of_number, zone_of_place
from relevo.contracts.vocabularies.loader import code_list

# -- languages --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "code",
    [
        "kjb",
        "cac",
        "knj",
        "ixl",
        "poh",
        "acr",
        "jac",
        "agu",
        "tzj",
        "caa",
        "mop",
        "ctu",
        "toj",
        "ttc",
        "miq",
        "bzj",
        "gsm",
        "mfs",
        "esn",
        "hds",
        "mam",
        "quc",
        "kek",
        "cab",
    ],
)
def test_every_language_of_the_region_has_its_code(code: str) -> None:
    assert is_code(code)
    assert code in languages()


@pytest.mark.parametrize(
    "words", ["Mixteco", "mixteco", "mix", "MIX", "Náhuatl", "nahuatl", "nah", "Zapoteco", "zap"]
)
def test_a_group_of_languages_is_never_one_of_them(words: str) -> None:
    assert isinstance(read_language(words), LanguageGroup)


@pytest.mark.parametrize("code", sorted(NOT_FOR_FORMS))
def test_no_form_stores_the_code_of_one_variant_for_the_group(code: str) -> None:
    assert not is_code(code)
    with pytest.raises(ValidationError, match="language_group"):
        EthnicityLanguage(languages=[code])
    assert EthnicityLanguage(language_group="Mixteco").languages == []


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("Q'eqchi'", "kek"),
        ("Q’eqchi’", "kek"),  # noqa: RUF001
        ("Qeqchi", "kek"),
        ("Kekchí", "kek"),
        ("Aguacateco", "agu"),
        ("Western Kanjobal", "knj"),
        ("Popti", "jac"),
        ("LENSEGUA", "gsm"),
        ("lengua de señas mexicana", "mfs"),
    ],
)
def test_an_old_or_careless_spelling_is_the_same_language(words: str, code: str) -> None:
    meant = read_language(words)
    assert isinstance(meant, Language)
    assert meant.code == code


@pytest.mark.parametrize(
    ("code", "name"),
    [("kek", "Q'eqchi'"), ("agu", "Awakateko"), ("kjb", "Q'anjob'al"), ("tzh", "Tseltal")],
)
def test_names_are_shown_as_the_academies_of_the_speakers_write_them(code: str, name: str) -> None:
    assert languages()[code].name == name


def test_maya_alone_is_no_language_because_in_guatemala_it_is_twenty_two() -> None:
    assert read_language("maya") is None


def test_each_country_has_its_own_sign_language() -> None:
    signed = {code: entry.countries for code, entry in languages().items() if entry.signed}
    assert {code: signed[code] for code in ("gsm", "mfs", "esn", "hds")} == {
        "gsm": ("GT",),
        "mfs": ("MX",),
        "esn": ("SV",),
        "hds": ("HN",),
    }


def test_no_language_is_called_like_another() -> None:
    entries = data("languages")
    words = [
        word.lower()
        for code, entry in entries["languages"].items()
        for word in {code, entry["name"].lower(), *(w.lower() for w in entry.get("also", []))}
    ]
    words += [
        word.lower()
        for group in entries["groups"]
        for word in (group["name"], *group.get("also", []))
    ]
    assert len(words) == len(set(words))


# -- places -----------------------------------------------------------------------------------------


def test_1804_is_a_town_of_guatemala_and_another_of_honduras() -> None:
    assert (name_of("GT-1804"), name_of("HN-1804")) == ("Morales", "El Progreso")
    assert codes_called("el progreso") == ("HN-1804",)
    assert codes_called("Morales", "HN") == ()


@pytest.mark.parametrize("code", ["1804", "HN-1804", "GT1804"])
def test_a_place_code_without_its_own_country_is_refused(code: str) -> None:
    with pytest.raises(ValidationError):
        LocationMunicipality(country="GT", code=code)


def test_a_code_of_el_salvador_says_nothing_without_its_edition() -> None:
    with pytest.raises(ValidationError, match="edition"):
        LocationMunicipality(country="SV", code="SV-1405")
    district = LocationMunicipality(country="SV", code="SV-1405", edition="2024-05-01")
    assert district.edition == "2024-05-01"
    assert LocationMunicipality(country="SV", code="SV-UN").code == "SV-UN"


def test_since_2024_what_were_municipalities_of_el_salvador_are_districts() -> None:
    now, before = lists_of("SV")
    assert (now.level, now.count, before.level, before.count) == (
        "district", 262, "municipality", 262,
    )  # fmt: skip
    assert before.until == "2024-04-30"
    departments = data("places")["el_salvador"]["municipalities"]
    assert len(departments) == now.upper == 14
    assert sum(len(municipalities_since_2024(name)) for name in departments) == 44
    assert municipalities_since_2024("la union") == ("la union Norte", "la union Sur")


@pytest.mark.parametrize(
    ("country", "number", "is_one"),
    [
        ("GT", "1204", True), ("GT", "2301", False), ("GT", "120", False), ("GT", "1200", False),
        ("HN", "1804", True), ("HN", "1901", False), ("MX", "07089", True), ("MX", "33001", False),
        ("CR", "213", True), ("CR", "813", False), ("ES", "28079", True), ("GT", "12o4", False),
        ("ES", "123456789", False),
    ],
)  # fmt: skip
def test_a_code_has_the_shape_of_its_own_country(
    country: str, number: str, *, is_one: bool
) -> None:
    assert has_shape(country, number) is is_one


def test_a_code_that_cannot_be_is_refused_where_the_edition_is_named() -> None:
    with pytest.raises(ValidationError, match="no such code"):
        LocationMunicipality(country="GT", code="GT-2301", edition="INE 2018")


def test_every_place_of_the_examples_has_the_shape_of_its_list() -> None:
    for country, places in data("places")["places"].items():
        for number in places:
            assert has_shape(country, number), (country, number)


def test_belize_and_costa_rica_do_not_have_municipalities() -> None:
    assert {listed.level for listed in place_lists() if listed.country == "CR"} == {"canton"}
    assert {listed.level for listed in place_lists() if listed.country == "US"} == {"county"}


# -- identity numbers -------------------------------------------------------------------------------


def digits_with_check(rule: str, body: str, symbols: str, tail: str = "") -> list[str]:
    test = getattr(identity_numbers, rule)
    return [f"{body}{symbol}{tail}" for symbol in symbols if test(f"{body}{symbol}{tail}")]


@given(st.integers(0, 99_999_999))
def test_exactly_one_check_digit_fits_a_dui(number: int) -> None:
    assert len(digits_with_check("is_dui", f"{number:08}", "0123456789")) == 1


@given(st.integers(0, 9999))
def test_exactly_one_letter_fits_a_nicaraguan_cedula(serial: int) -> None:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    assert len(digits_with_check("is_nicaraguan_cedula", f"001170593{serial:04}", letters)) == 1


@pytest.mark.parametrize("sex", ["H", "M", "X"])
def test_exactly_one_check_digit_fits_a_curp(sex: str) -> None:
    body = f"XEXX930517{sex}NEXXXA"
    assert len(digits_with_check("is_curp", body, "0123456789")) == 1


def test_most_slips_of_a_finger_in_a_dui_are_noticed() -> None:
    # All but those that its even weights let pass: nothing in a number says whose it is.
    [right] = digits_with_check("is_dui", "00001234", "0123456789")
    slips = [
        right[:position] + digit + right[position + 1 :]
        for position, digit in product(range(9), "0123456789")
        if right[position] != digit
    ]
    assert (sum(map(is_dui, slips)), len(slips)) == (8, 81)
    assert is_dui(f"{right[:8]}-{right[8]}")


def test_the_specimens_that_states_print_fit() -> None:
    assert is_curp("HEGG560427MVZRRL04")
    assert is_dui("00016297-5")


@pytest.mark.parametrize(
    "key",
    [
        "XEXX931317HNEXXXA0",  # a thirteenth month
        "XEXX930230HNEXXXA0",  # 30 February
        "XEXX930517HZZXXXA0",  # no such state
        "XEXX930517FNEXXXA0",  # sex as other lists write it
        "XEXX930517HNEAXXA0",  # a vowel among the consonants
        "",
    ],
)
def test_a_curp_that_contradicts_itself_does_not_fit(key: str) -> None:
    assert not any(is_curp(f"{key[:17]}{digit}") for digit in "0123456789")


def test_a_curp_knows_the_century_of_a_birth() -> None:
    # 29 February 2000 was, 29 February 1900 was not.
    assert digits_with_check("is_curp", "XEXX000229MNEXXXA", "0123456789")
    assert not digits_with_check("is_curp", "XEXX000229MNEXXX0", "0123456789")


@pytest.mark.parametrize(
    ("country", "kind", "number", "verdict"),
    [
        ("HN", "national_id", "1804-1973-00012", "fits"),
        ("HN", "national_id", "1904-1973-00012", "does_not_fit"),
        ("HN", "national_id", "1804-1873-00012", "does_not_fit"),
        ("CR", "national_id", "1-0000-0000", "fits"),
        ("CR", "national_id", "0-0000-0000", "does_not_fit"),
        ("CR", "residence_card", "155800000000", "fits"),
        ("CR", "residence_card", "15580000", "does_not_fit"),
        ("PA", "national_id", "8-000-0000", "fits"),
        ("PA", "national_id", "E-8-00000", "fits"),
        ("PA", "national_id", "14-000-0000", "does_not_fit"),
        ("BZ", "national_id", "000 000 000", "fits"),
        ("MX", "national_id", "XXXXXX00000000M000", "fits"),
        ("MX", "population_key", "XXXXXX00000000M000", "does_not_fit"),
        ("US", "national_id", "000-00-0000", "does_not_fit"),
        ("GT", "passport", "whatever it is", "not_known"),
        ("VE", "national_id", "V-00000000", "not_known"),
        (None, "national_id", "0000", "not_known"),
    ],
)
def test_a_number_is_read_by_the_rule_of_its_country_and_kind(
    country: str | None, kind: str, number: str, verdict: str
) -> None:
    assert check(kind, country, number) == verdict


def test_rules_are_of_kinds_that_the_vocabulary_knows() -> None:
    kinds = code_list("identity_document_type")
    assert all(kind in kinds for _, kind in identity_numbers.KNOWN)
    countries = {country for country, _ in identity_numbers.KNOWN}
    assert countries == {"GT", "HN", "SV", "MX", "NI", "CR", "PA", "BZ", "US"}


@given(st.text(max_size=30))
def test_no_rule_breaks_on_what_people_type(text: str) -> None:
    for country, kind in identity_numbers.KNOWN:
        check(kind, country, text)


def arabic(digits: str) -> str:
    return "".join(chr(0x0660 + int(digit)) for digit in digits)


def test_digits_of_other_scripts_are_not_taken_for_ours() -> None:
    assert not is_dui(arabic("000012345"))
    assert not is_nicaraguan_cedula(arabic("0011705930000") + "A")


# -- time zones -------------------------------------------------------------------------------------

WINTER, SUMMER = datetime(2026, 1, 15, 18, tzinfo=UTC), datetime(2026, 7, 15, 18, tzinfo=UTC)


def changes(zone: str | None) -> bool:
    assert zone is not None
    there = ZoneInfo(zone)
    return WINTER.astimezone(there).utcoffset() != SUMMER.astimezone(there).utcoffset()


@pytest.mark.parametrize(
    "code", ["MX-08037", "MX-02004", "MX-28032", "MX-28022", "MX-05025", "MX-19005", "MX-08052"]
)
def test_mexicos_northern_border_changes_with_the_united_states(code: str) -> None:
    assert changes(zone_of_place(code))


@pytest.mark.parametrize(
    "code", ["MX-07089", "MX-09015", "MX-08019", "MX-28041", "MX-26030", "MX-23005"]
)
def test_the_rest_of_mexico_keeps_one_time(code: str) -> None:
    assert not changes(zone_of_place(code))


@pytest.mark.parametrize("prefix", ["+502", "+503", "+504", "+505", "+506"])
def test_central_america_keeps_one_time(prefix: str) -> None:
    assert not changes(zone_of_number(f"{prefix} 0000-1204"))


@pytest.mark.parametrize("number", ["+52 000 000 0000", "+1 602 555 0100", "0000-1204", ""])
def test_a_number_of_a_country_with_several_hours_does_not_tell_the_hour(number: str) -> None:
    assert zone_of_number(number) is None


def test_every_zone_exists_and_every_place_is_one_of_the_list() -> None:
    table = data("time_zones")
    for zone in {*table["countries"].values(), *table["prefixes"].values(), *table["mexico"]}:
        assert ZoneInfo(zone).key == zone
    codes = [code for codes in table["mexico"].values() for code in codes]
    assert len(codes) == len(set(codes))
    assert all(re.fullmatch(r"\d\d|\d{5}", code) and 1 <= int(code[:2]) <= 32 for code in codes)
    assert zone_of_place("US-04013") is None
    assert zone_of_place("GT-1804") == "America/Guatemala"
