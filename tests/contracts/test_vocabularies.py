import re
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from relevo.contracts.consent import ConsentInput, ContactRules, GivenBy, Notice
from relevo.contracts.lifecycles import consent, referral
from relevo.contracts.message_types.withdrawal_answered import WithdrawalAnswered
from relevo.contracts.person import BirthDate, IdentityDocument
from relevo.contracts.vocabularies import codes
from relevo.contracts.vocabularies.loader import (
    Code,
    code_list,
    in_code_order,
    label_languages,
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

# Words that name people by an act done to them, a paper or a condition, or that promise what
# only the police does.
AVOIDED_SPANISH = (
    r"ilegal(es)?",
    r"indocumentad[oa]s?",
    r"menor(es)?",
    r"MENA",
    r"(el|la|los|las|un|una) deportad[oa]s?",
    r"beneficiari[oa]s?",
    r"discapacitad[oa]s?",
    r"minusválid[oa]s?",
    r"dialectos?",
    r"ayuda humanitaria",
    r"caso cerrado",
    r"rastre(ar|o)",
    r"localizar",
    r"flujos?",
    r"oleadas?",
    r"perfil sospechoso",
)
AVOIDED_ENGLISH = (r"refuge", r"illegal", r"minors?", r"deportees?", r"beneficiar(y|ies)")


def labels_of(code: Code) -> Iterator[tuple[str, str]]:
    yield "es", code.es
    yield "en", code.en
    yield from code.labels.items()


def every_label() -> Iterator[tuple[str, str, str, str]]:
    for list_id in list_ids():
        listed = code_list(list_id)
        yield list_id, "title", "es", listed.title_es
        yield list_id, "title", "en", listed.title_en
        for code in listed.codes:
            for language, label in labels_of(code):
                yield list_id, code.code, language, label


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


def test_every_label_is_one_trimmed_line_with_a_known_language() -> None:
    for list_id, code, language, label in every_label():
        where = f"{list_id}.{code} {language}"
        assert label, where
        assert label == " ".join(label.split()), where
        assert re.fullmatch(r"(es|en|fr|pt|ht)(-[A-Z]{2}|-x-person)?", language), where


def test_no_label_is_the_same_twice_in_a_list() -> None:
    for list_id in list_ids():
        for language in ("es", "en"):
            labels = [getattr(code, language) for code in code_list(list_id).codes]
            assert len(labels) == len(set(labels)), (list_id, language)


def test_labels_avoid_the_words_that_hurt_or_mislead() -> None:
    spanish = re.compile(rf"\b({'|'.join(AVOIDED_SPANISH)})\b", re.IGNORECASE)
    english = re.compile(rf"\b({'|'.join(AVOIDED_ENGLISH)})\b", re.IGNORECASE)
    found = [
        (list_id, code, language, label)
        for list_id, code, language, label in every_label()
        if (english if language.startswith("en") else spanish).search(label)
    ]
    assert found == []


@pytest.mark.parametrize("list_id", ["case_profile", "specific_need", "child_care_status"])
def test_nobody_is_called_a_victim_as_if_it_were_who_they_are(list_id: str) -> None:
    for code in code_list(list_id).codes:
        for _, label in labels_of(code):
            assert not re.search(r"\b(víctimas?|victims?)\b", label, re.IGNORECASE), code.code


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


@pytest.mark.parametrize(
    ("list_id", "code", "language", "label"),
    [
        ("referral_state", "rejected", "es", "no procede"),
        ("referral_state", "rejected", "es-MX", "declinada"),
        ("referral_state", "redirected", "es", "derivada a otra institución"),
        ("referral_state", "redirected", "es-MX", "recanalizada"),
        ("referral_state", "closed", "es-MX", "concluida"),
        ("referral_state", "closed", "es-GT", "conclusión del caso"),
        ("referral_state", "closed", "es-HN", "cerrada"),
        ("referral_state", "closed", "es-x-person", "terminó"),
        ("referral_state", "acknowledged", "es-x-person", "una persona ya la leyó"),
        ("referral_state", "closed", "fr", "close"),
        ("referral_state", "closed", "fr-CA", "close"),
        ("referral_state", "closed", "nl", "closed"),
        ("referral_state", "closed", "es-419", "cerrada"),
        ("referral_state", "closed", "ES-mx", "concluida"),
        ("terms", "referral", "es", "derivación"),
        ("terms", "referral", "es-GT", "derivación"),
        ("terms", "referral", "es-MX", "canalización"),
        ("terms", "indigenous_language", "es-GT", "idioma maya, garífuna o xinka"),
        ("terms", "indigenous_language", "es-MX", "lengua indígena"),
        ("return_type", "assisted_return_administrative", "es-MX", "retorno asistido"),
        ("identity_document_type", "national_id", "es-GT", "DPI"),
        ("identity_document_type", "national_id", "es-HN", "DNI"),
        ("identity_document_type", "national_id", "es-SV", "DUI"),
        ("service_type", "consular_id", "es-MX", "matrícula consular"),
    ],
)
def test_a_label_is_said_in_the_words_of_the_country(
    list_id: str, code: str, language: str, label: str
) -> None:
    assert code_list(list_id).label(code, language) == label


def test_the_person_reads_her_own_words_and_otherwise_those_of_her_country() -> None:
    states = code_list("referral_state")
    assert states.label("closed", "es-MX", to_person=True) == "terminó"
    assert states.label("closed", "en", to_person=True) == "it has ended"
    assert states.label("closed", "fr", to_person=True) == "close"
    assert states.label("closed", "nl", to_person=True) == "it has ended"
    assert code_list("reason").label("no_capacity", "es-GT", to_person=True) == "sin cupo"


def test_she_is_told_every_state_of_her_referral_in_her_own_words() -> None:
    for state in code_list("referral_state").codes:
        assert {"es-x-person", "en-x-person"} <= state.labels.keys(), state.code


def test_a_title_is_said_in_spanish_to_whoever_reads_any_spanish() -> None:
    assert code_list("purpose").title("es-HN") == "Finalidad"
    assert code_list("purpose").title("fr") == "Purpose"


def test_every_language_of_a_label_is_offered() -> None:
    assert label_languages()[:2] == ("en", "es")
    assert {"es-MX", "es-GT", "es-HN", "es-SV", "fr", "pt", "ht"} <= set(label_languages())


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


def test_a_label_of_a_code_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(KeyError):
        code_list("purpose").label("enforcement")


@pytest.mark.parametrize("purpose", ["enforcement", "intelligence", "nationality_screening"])
def test_policing_is_never_a_purpose(purpose: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(codes.Purpose).validate_python(purpose)


def test_a_death_is_not_told_by_the_label_of_its_reason() -> None:
    death = next(code for code in code_list("reason").codes if code.code == "death_notified")
    for _, label in labels_of(death):
        assert not re.search(r"fallec|muer|defunci|death|died|dead", label, re.IGNORECASE)


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
