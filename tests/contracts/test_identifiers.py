import re
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from relevo.contracts.identifiers import (
    REFERENCE_BITS,
    GatewayId,
    InstitutionId,
    PartyId,
    ReferenceCode,
    Uuid,
    country_of,
    institution_of,
    normal_reference_code,
    reference_code,
)

numbers = st.integers(0, (1 << REFERENCE_BITS) - 1)
countries = st.sampled_from(["MX", "GT", "HN", "SV", "US"])
codes = st.builds(reference_code, countries, numbers)

# What somebody may write for a symbol, where the other symbol means the same.
SAME_WHEN_SAID = str.maketrans("OIL", "011")
SYMBOLS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ*~$="


@given(codes)
@example("MX-0000000000" + "0")
def test_a_code_made_is_a_code_read(code: str) -> None:
    assert normal_reference_code(code) == code
    assert re.fullmatch(r"[A-Z]{2}-[0-9A-HJKMNP-TV-Z]{10}[0-9A-HJKMNP-Z*~$=]", code)


@given(numbers, numbers)
def test_different_numbers_make_different_codes(one: int, other: int) -> None:
    assume(one != other)
    assert reference_code("GT", one) != reference_code("GT", other)


@given(codes, st.integers(0, 10), st.sampled_from(SYMBOLS))
def test_every_single_wrong_symbol_is_noticed(code: str, place: int, wrong: str) -> None:
    start = code.index("-") + 1 + place
    assume(wrong.translate(SAME_WHEN_SAID) != code[start])
    with pytest.raises(ValueError, match=r"reference code|check symbol"):
        normal_reference_code(code[:start] + wrong + code[start + 1 :])


@given(codes, st.integers(0, 9))
def test_every_swap_of_two_neighbours_is_noticed(code: str, place: int) -> None:
    start = code.index("-") + 1 + place
    assume(code[start] != code[start + 1])
    swapped = code[:start] + code[start + 1] + code[start] + code[start + 2 :]
    with pytest.raises(ValueError, match=r"reference code|check symbol"):
        normal_reference_code(swapped)


@given(codes, st.data())
def test_a_code_is_read_however_it_is_written(code: str, data: st.DataObject) -> None:
    said = data.draw(st.sampled_from([str.maketrans("01", "OI"), str.maketrans("1", "L"), {}]))
    country, _, symbols = code.partition("-")
    places = sorted(data.draw(st.lists(st.integers(0, len(symbols)), max_size=4)), reverse=True)
    written = symbols.translate(said)
    for place in places:
        written = written[:place] + data.draw(st.sampled_from("- ")) + written[place:]
    loosely = data.draw(st.sampled_from([str.lower, str.upper]))(f" {country}-{written} ")
    assert normal_reference_code(loosely) == code
    assert TypeAdapter(ReferenceCode).validate_python(loosely) == code


@given(st.text(max_size=40))
@example("")
@example("-")
@example("MX-")
@example("MX7ZQ4M1K0VTR")
@example("MX-7ZQ4M1K0VT")
@example("ÑÑ-00000000000")
@example("M1-00000000000")
def test_whatever_else_is_refused_with_a_value_error_alone(text: str) -> None:
    try:
        read = normal_reference_code(text)
    except ValueError:
        return
    assert normal_reference_code(read) == read


@pytest.mark.parametrize("number", [-1, 1 << REFERENCE_BITS])
def test_a_code_carries_fifty_bits(number: int) -> None:
    with pytest.raises(ValueError, match="50 bits"):
        reference_code("MX", number)


label = st.from_regex(r"[a-z0-9]+(-[a-z0-9]+)?", fullmatch=True).filter(lambda text: len(text) < 30)
country_label = st.from_regex(r"[a-z]{2}", fullmatch=True)


@given(country_label, label, st.none() | label)
def test_a_unit_belongs_to_its_institution_and_country(
    country: str, name: str, unit: str | None
) -> None:
    institution = f"{country}.{name}"
    party = institution if unit is None else f"{institution}.{unit}"
    assert TypeAdapter(InstitutionId).validate_python(institution) == institution
    assert TypeAdapter(PartyId).validate_python(party) == party
    assert institution_of(party) == institution
    assert institution_of(institution_of(party)) == institution
    assert country_of(party) == country.upper() == country_of(f"gateway.{country}")


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (InstitutionId, "gt.igm.crr"),
        (InstitutionId, "GT.igm"),
        (InstitutionId, "gt.igm\n"),
        (InstitutionId, "gt.-igm"),
        (InstitutionId, "gtm.igm"),
        (PartyId, "gt"),
        (PartyId, "gt.igm.crr.desk"),
        (PartyId, "gt.igm.crr\n"),
        (PartyId, "gt..crr"),
        (GatewayId, "gateway.GT"),
        (GatewayId, "gateway.gt\n"),
        (GatewayId, "gt.gateway"),
        (Uuid, "0190B2C4-0000-7000-8000-000000000000"),
        (Uuid, "0190b2c4-0000-7000-8000-000000000000\n"),
        (Uuid, "0190b2c400007000800000000000000"),
    ],
)
def test_what_only_looks_like_an_identifier_is_refused(kind: Any, text: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(kind).validate_python(text)
