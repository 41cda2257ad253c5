"""Maps to other code systems: shifted, doubled or forgotten entries are found, on copies that have them."""

from itertools import pairwise
from typing import Any

import pytest

from relevo.contracts.lifecycles import referral
from relevo.contracts.vocabularies.loader import Code, code_list
from relevo.contracts.vocabularies.maps import (
    CodeMap,
    Forward,
    code_map,
    code_system,
    faults,
    map_ids,
)

PRIMERO = "service_type-primero_service_type"
LISTS_AND_SYSTEMS = {
    ("referral_state", "fhir_task_status"),
    ("service_type", "iasc_service"),
    ("triage_level", "iasc_priority"),
    ("specific_need", "unhcr_specific_needs"),
    ("child_care_status", "unhcr_specific_needs"),
    ("service_type", "primero_service_type"),
    ("service_type", "gcm_objective"),
}


def changed(mapped: CodeMap, **members: Any) -> CodeMap:
    return CodeMap(**{**mapped.model_dump(), **members})


def with_pair(mapped: CodeMap, code: str, target: str) -> list[dict[str, Any]]:
    """The forward pairs with one of them leading elsewhere, labelled as if that were right."""
    there = code_system(mapped.system).get(target)
    assert there is not None
    return [
        {**pair.model_dump(), "target": target, "label": there.label}
        if pair.code == code
        else pair.model_dump()
        for pair in mapped.forward
    ]


def test_no_map_is_missing() -> None:
    assert {(code_map(m).list, code_map(m).system) for m in map_ids()} == LISTS_AND_SYSTEMS


@pytest.mark.parametrize("map_id", map_ids())
def test_a_map_is_whole_and_says_what_it_loses(map_id: str) -> None:
    mapped = code_map(map_id)
    assert mapped.id == map_id == f"{mapped.list}-{mapped.system}"
    assert faults(mapped) == []


@pytest.mark.parametrize("map_id", map_ids())
def test_two_entries_that_change_places_are_found(map_id: str) -> None:
    mapped = code_map(map_id)
    for here, there in pairwise(range(len(mapped.forward))):
        one, other = mapped.forward[here], mapped.forward[there]
        if one.target == other.target:
            continue
        swapped = list(mapped.forward)
        swapped[here] = one.model_copy(update={"target": other.target, "label": other.label})
        swapped[there] = other.model_copy(update={"target": one.target, "label": one.label})
        assert faults(changed(mapped, forward=swapped)), (one.code, other.code)
        swapped[here] = one.model_copy(update={"target": other.target})
        swapped[there] = other.model_copy(update={"target": one.target})
        assert faults(changed(mapped, forward=swapped)), (one.code, other.code)


@pytest.mark.parametrize("map_id", map_ids())
def test_a_list_that_slipped_by_one_line_is_found(map_id: str) -> None:
    mapped = code_map(map_id)
    targets = [(pair.target, pair.label) for pair in mapped.forward]
    if len(set(targets)) == 1:
        return
    slipped = [
        pair.model_copy(update={"target": target, "label": label})
        for pair, (target, label) in zip(mapped.forward, targets[-1:] + targets[:-1], strict=True)
    ]
    assert faults(changed(mapped, forward=slipped))


@pytest.mark.parametrize("map_id", map_ids())
def test_a_code_that_was_added_to_a_list_and_to_no_map_is_found(map_id: str) -> None:
    mapped = code_map(map_id)
    listed = code_list(mapped.list)
    grown = listed.model_copy(
        update={"codes": (*listed.codes, Code(code="brand_new", es="nuevo", en="new"))}
    )
    assert "code brand_new is covered 0 times" in faults(mapped, grown)


@pytest.mark.parametrize("map_id", map_ids())
def test_a_code_that_was_taken_out_of_a_map_is_found(map_id: str) -> None:
    mapped = code_map(map_id)
    for left_out in mapped.forward:
        rest = [pair for pair in mapped.forward if pair is not left_out]
        assert f"code {left_out.code} is covered 0 times" in faults(changed(mapped, forward=rest))
        break
    assert faults(changed(mapped, backward=mapped.backward[1:]))


def test_food_is_never_family_reunification() -> None:
    mapped = code_map(PRIMERO)
    forward = with_pair(mapped, "food", "family_reunification_service")
    assert faults(changed(mapped, forward=forward))
    # Even when both sides of the entry are wrong together.
    backward = [
        {
            **pair.model_dump(),
            "codes": [
                *(code for code in pair.codes if code != "food"),
                *(["food"] if pair.target == "family_reunification_service" else []),
            ],
        }
        for pair in mapped.backward
    ]
    found = faults(changed(mapped, forward=forward, backward=backward))
    assert "food: family_reunification_service cannot stand for it" in found


@pytest.mark.parametrize(
    "map_id", [PRIMERO, "service_type-iasc_service", "service_type-gcm_objective"]
)
def test_no_service_is_moved_to_where_its_kind_cannot_be(map_id: str) -> None:
    mapped = code_map(map_id)
    for target in code_system(mapped.system).code:
        moved = with_pair(mapped, "food", target.code)
        fits = "food" in target.accepts or "humanitarian" in target.accepts or not target.accepts
        said = f"food: {target.code} cannot stand for it" in faults(changed(mapped, forward=moved))
        assert said is not fits, target.code


def test_two_codes_are_never_exactly_one_target() -> None:
    mapped = code_map("triage_level-iasc_priority")
    forward = with_pair(mapped, "yellow", "emergency")
    assert "emergency cannot be exactly red and yellow" in faults(changed(mapped, forward=forward))


def test_a_map_that_says_one_to_one_has_nothing_lossy() -> None:
    mapped = code_map("triage_level-iasc_priority")
    lossy = [pair.model_copy(update={"relation": "broader"}) for pair in mapped.forward[:1]]
    found = faults(changed(mapped, forward=[*lossy, *mapped.forward[1:]]))
    assert "red: broader, in a map that says one to one" in found


def test_a_label_that_the_other_system_does_not_use_is_found() -> None:
    mapped = code_map(PRIMERO)
    relabelled = [
        Forward(**{**pair.model_dump(), "label": "Nutrition"}) if pair.code == "food" else pair
        for pair in mapped.forward
    ]
    found = faults(changed(mapped, forward=relabelled))
    assert found == ["food: food_service is “Food Service” and not “Nutrition”"]


@pytest.mark.parametrize("map_id", map_ids())
def test_what_is_exact_comes_back_as_itself_and_what_is_not_never_as_a_guess(map_id: str) -> None:
    mapped = code_map(map_id)
    for pair in mapped.forward:
        back = mapped.from_target(pair.target)
        if pair.relation == "exact":
            assert back == pair.code
        assert mapped.from_target(pair.target, own_code=pair.code) == pair.code
    for left in mapped.unmapped:
        assert mapped.to_target(left.code) is None


def test_a_code_that_travelled_beside_its_target_is_believed_only_where_it_fits() -> None:
    fhir = code_map("referral_state-fhir_task_status")
    assert fhir.own_code_travels
    assert fhir.from_target("received", own_code="waitlisted") == "waitlisted"
    assert fhir.from_target("received", own_code="completed") == "received"
    assert fhir.from_target("cancelled") == "cancelled"


def test_every_state_of_a_referral_has_a_task_status_and_every_status_a_state() -> None:
    fhir = code_map("referral_state-fhir_task_status")
    assert {pair.code for pair in fhir.forward} == set(referral.STATES)
    assert len(code_system("fhir_task_status").code) == 12
    assert not fhir.unused


def test_what_nobody_knows_is_an_error_and_not_a_blank() -> None:
    mapped = code_map(PRIMERO)
    with pytest.raises(KeyError):
        mapped.to_target("brand_new")
    with pytest.raises(KeyError):
        mapped.from_target("brand_new_service")
    assert mapped.from_target("police_other_service") is None


def test_a_childs_situation_reaches_the_unhcr_from_one_list_only() -> None:
    needs = code_map("specific_need-unhcr_specific_needs")
    care = code_map("child_care_status-unhcr_specific_needs")
    assert [left.code for left in needs.unused] == ["SC"]
    assert {pair.target for pair in care.forward} == {"SC"}


def test_the_groups_of_the_unhcr_are_those_that_each_need_names_as_its_source() -> None:
    for pair in code_map("specific_need-unhcr_specific_needs").forward:
        source = code_list("specific_need").get(pair.code).source or ""
        assert f"UNHCR {pair.target}" in source, pair.code


def test_the_compact_has_its_23_objectives() -> None:
    objectives = code_system("gcm_objective").code
    assert [target.code for target in objectives] == [str(number) for number in range(1, 24)]
