import re
from typing import Any, Literal, get_args, get_origin

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from relevo.contracts.consent import ConsentInput, ContactRules, GivenBy, Notice
from relevo.contracts.lifecycles import consent, referral
from relevo.contracts.message_types.withdrawal_answered import WithdrawalAnswered
from relevo.contracts.person import BirthDate, IdentityDocument
from relevo.contracts.vocabularies import codes
from relevo.contracts.vocabularies.loader import (
    code_list,
    in_code_order,
    list_ids,
)

EXPECTED_LISTS = {
    "assent",
    "attempt_outcome",
    "attestation_type",
    "case_profile",
    "child_care_status",
    "consent_capacity",
    "consent_method",
    "consent_state",
    "contact_channel",
    "data_category",
    "date_precision",
    "document_state",
    "follow_up_state",
    "household",
    "identity_document_type",
    "institution_type",
    "interpreter_modality",
    "lawful_basis",
    "living_situation",
    "mandate",
    "notice_channel",
    "outcome_type",
    "purpose",
    "reason",
    "referral_state",
    "return_mode",
    "return_type",
    "returnee_state",
    "service_capacity",
    "service_type",
    "sex",
    "situation_after_return",
    "specific_need",
    "terms",
    "triage_level",
    "withdrawal_answer",
}


def test_no_list_is_missing() -> None:
    assert set(list_ids()) >= EXPECTED_LISTS


@pytest.mark.parametrize("list_id", list_ids())
def test_a_list_is_named_like_its_file_and_has_unique_snake_case_codes(list_id: str) -> None:
    listed = code_list(list_id)
    assert listed.id == list_id
    assert listed.version == "1"
    names = [code.code for code in listed.codes]
    assert names
    assert len(names) == len(set(names))
    assert [name for name in names if not re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", name)] == []


def test_every_data_category_that_a_code_names_exists() -> None:
    categories = code_list("data_category")
    for list_id in list_ids():
        for code in code_list(list_id).codes:
            assert code.category is None or code.category in categories, (list_id, code.code)


def test_every_specific_need_belongs_to_a_data_category() -> None:
    needs = code_list("specific_need").codes
    assert [need.code for need in needs if need.category is None] == []


@pytest.mark.parametrize(
    ("need", "category"),
    [
        ("pregnant_or_lactating", "health"),
        ("survivor_gbv", "gbv_trafficking"),
        ("victim_of_trafficking", "gbv_trafficking"),
        ("lgbtiq", "sogiesc"),
        ("mental_health_condition", "mental_health"),
        ("disability_hearing", "health"),
        ("indigenous_person", "ethnicity_language"),
        ("language_barrier", "ethnicity_language"),
        ("international_protection_need", "asylum_claim"),
    ],
)
def test_a_need_that_reveals_more_than_itself_can_be_left_out_by_category(
    need: str, category: str
) -> None:
    entry = next(code for code in code_list("specific_need").codes if code.code == need)
    assert entry.category == category


def test_special_categories_are_marked_and_ordinary_ones_are_not() -> None:
    special = {code.code for code in code_list("data_category").codes if code.special}
    assert special == {
        "health",
        "mental_health",
        "sexual_reproductive_health",
        "gbv_trafficking",
        "sogiesc",
        "ethnicity_language",
        "religion",
        "protection_concern",
        "asylum_claim",
        "migration_status",
        "legal_case",
        "criminal_record",
        "genetic_forensic",
    }


def test_the_order_of_data_categories_does_not_change() -> None:
    # Envelopes carry categories in this order and are signed: a new one goes at the end.
    assert [code.code for code in code_list("data_category").codes][:28] == [
        "identity",
        "chosen_name",
        "identity_document",
        "photo",
        "contact",
        "third_party_contact",
        "location_municipality",
        "location_precise",
        "family",
        "child_data",
        "travel_and_return",
        "health",
        "mental_health",
        "sexual_reproductive_health",
        "gbv_trafficking",
        "sogiesc",
        "ethnicity_language",
        "religion",
        "protection_concern",
        "asylum_claim",
        "migration_status",
        "legal_case",
        "criminal_record",
        "financial",
        "education_work",
        "service_history",
        "genetic_forensic",
        "attachments",
    ]


def test_codes_are_put_into_the_order_of_their_list_without_repetition() -> None:
    given = ["health", "identity", "health", "contact"]
    assert in_code_order("data_category", given) == ["identity", "contact", "health"]


def test_every_service_belongs_to_a_group() -> None:
    services = code_list("service_type").codes
    assert [service.code for service in services if service.group is None] == []
    assert {service.group for service in services} == {
        "identity",
        "migration",
        "family",
        "missing",
        "child",
        "death",
        "health",
        "psychosocial",
        "gbv_and_trafficking",
        "shelter",
        "legal",
        "humanitarian",
        "livelihood",
        "education",
        "benefits",
        "language",
        "other",
    }


# What a code alone gives away: whoever leaves the category out must be able to leave the code out.
REVEALING = {
    "clinical_management_of_rape": "gbv_trafficking",
    "safe_house": "gbv_trafficking",
    "trafficking_assistance": "gbv_trafficking",
    "hiv_treatment_continuity": "sexual_reproductive_health",
    "maternal_and_prenatal": "sexual_reproductive_health",
    "asylum_or_refugee_procedure": "asylum_claim",
    "complementary_protection": "asylum_claim",
    "mental_health": "mental_health",
    "addiction_care": "mental_health",
    "chronic_medicine": "health",
    "legal_representation": "legal_case",
    "no_criminal_record_certificate": "criminal_record",
    "indigenous_language_interpretation": "ethnicity_language",
    "sign_language_interpretation": "health",
}


@pytest.mark.parametrize(("service", "category"), REVEALING.items())
def test_a_service_that_reveals_more_than_itself_says_which_category(
    service: str, category: str
) -> None:
    assert code_list("service_type").get(service).category == category


def test_every_service_of_health_and_of_violence_says_its_category() -> None:
    special = {code.code for code in code_list("data_category").codes if code.special}
    for service in code_list("service_type").codes:
        if service.group in {"health", "gbv_and_trafficking"}:
            assert service.category in special, service.code


def test_codes_that_accuse_or_say_a_thing_twice_do_not_exist() -> None:
    every = {code.code for list_id in list_ids() for code in code_list(list_id).codes}
    assert not every & {
        "caravan_member", "arrived_in_large_group", "mixed", "unaccompanied_minor", "illegal_entry",
        "legal_obligation_child", "readmission_third_country", "justice_abroad", "intelligence",
        "nationality_screening", "media",
    }  # fmt: skip
    assert "enforcement" not in code_list("institution_type")
    assert "enforcement" not in code_list("purpose")


@pytest.mark.parametrize(
    ("list_id", "codes"),
    [
        ("child_care_status", {"unknown", "age_disputed"}),
        ("household", {"unknown"}),
        ("return_type", {"unknown"}),
        ("return_mode", {"unknown"}),
        ("sex", {"unknown"}),
        ("identity_document_type", {"none"}),
        ("specific_need", {"none_identified", "not_assessed"}),
        ("situation_after_return", {"not_assessed"}),
        ("service_capacity", {"none", "unknown"}),
    ],
)
def test_unknown_not_assessed_and_none_are_codes(list_id: str, codes: set[str]) -> None:
    assert codes <= {code.code for code in code_list(list_id).codes}


@pytest.mark.parametrize(
    "kind",
    [
        "visual",
        "physical",
        "hearing",
        "psychosocial",
        "intellectual",
        "speech",
        "short_stature",
        "multiple",
    ],
)
def test_each_kind_of_disability_is_a_code_of_its_own(kind: str) -> None:
    need = code_list("specific_need").get(f"disability_{kind}")
    assert need.category in {"health", "mental_health"}


def literals(annotation: Any) -> set[str]:
    """Every value of every `Literal` inside a type."""
    if get_origin(annotation) is Literal:
        return {value for value in get_args(annotation) if isinstance(value, str)}
    return {value for part in get_args(annotation) for value in literals(part)}


@pytest.mark.parametrize(
    ("model", "field", "list_id"),
    [
        (ConsentInput, "method", "consent_method"),
        (GivenBy, "capacity", "consent_capacity"),
        (GivenBy, "assent", "assent"),
        (Notice, "channel", "notice_channel"),
        (ContactRules, "channels_refused", "contact_channel"),
        (IdentityDocument, "state", "document_state"),
        (BirthDate, "precision", "date_precision"),
        (WithdrawalAnswered, "answer", "withdrawal_answer"),
    ],
)
def test_whatever_a_field_accepts_has_a_label(
    model: type[BaseModel], field: str, list_id: str
) -> None:
    accepted = literals(model.model_fields[field].annotation)
    assert accepted == {code.code for code in code_list(list_id).codes}


def test_no_institution_type_has_the_mandate_of_all_its_units() -> None:
    definition = code_list("mandate").get("enforcement").definition or ""
    assert "unit" in definition
    assert "handovers:submit" in definition


def test_a_code_was_never_added_after_the_version_of_its_list() -> None:
    for list_id in list_ids():
        listed = code_list(list_id)
        assert {int(code.since) for code in listed.codes} <= set(
            range(1, int(listed.version) + 1)
        ), list_id


@pytest.mark.parametrize("purpose", ["enforcement", "intelligence", "nationality_screening"])
def test_policing_is_never_a_purpose(purpose: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(codes.Purpose).validate_python(purpose)


def test_every_type_of_the_contract_accepts_its_codes_and_nothing_else() -> None:
    for name in (
        "CaseProfile",
        "ChildCareStatus",
        "DataCategory",
        "DocumentType",
        "Household",
        "InstitutionType",
        "LawfulBasis",
        "Mandate",
        "OutcomeType",
        "Purpose",
        "Reason",
        "ReturnMode",
        "ReturnType",
        "ServiceType",
        "SpecificNeed",
        "TriageLevel",
    ):
        adapter: TypeAdapter[str] = TypeAdapter(getattr(codes, name))
        schema = adapter.json_schema()
        for code in schema["enum"]:
            assert adapter.validate_python(code) == code
        with pytest.raises(ValidationError):
            adapter.validate_python("not_a_code")


def test_the_same_word_in_two_lists_about_a_child_does_not_exist() -> None:
    # A child's situation is coded once: two lists that both say it would come to disagree.
    care = {code.code for code in code_list("child_care_status").codes} - {"unknown"}
    for list_id in ("specific_need", "household"):
        listed = {code.code for code in code_list(list_id).codes}
        assert not listed & (care | {"unaccompanied_child", "separated_child"}), list_id


@pytest.mark.parametrize(
    ("list_id", "states"),
    [("referral_state", referral.STATES), ("consent_state", consent.STATES)],
)
def test_every_state_of_a_lifecycle_has_a_label_and_no_other_has(
    list_id: str, states: tuple[str, ...]
) -> None:
    assert {code.code for code in code_list(list_id).codes} == set(states)
