"""What can be attested, by type, and how little of it has to be shown."""

import pytest
from pydantic import ValidationError

from relevo.contracts.attestation import (
    KINDS,
    LABELS,
    AttestationInput,
    shown_claims,
    type_of,
    vct_of,
)
from relevo.contracts.problem import ProblemError
from relevo.contracts.vocabularies.loader import code_list

ID = "0198c7a2-4f1e-7d51-9a60-6f1b7a51c0de"
DOCUMENT = {"dated": "2026-03-02", "sha256": "ab" * 32}


def test_every_type_of_the_vocabulary_can_be_attested_and_no_other() -> None:
    assert set(KINDS) == {code.code for code in code_list("attestation_type").codes}


@pytest.mark.parametrize("name", KINDS)
def test_the_least_names_nobody_and_every_claim_has_a_name_on_paper(name: str) -> None:
    kind = KINDS[name]
    assert set(kind.least) <= set(kind.claims) <= set(LABELS)
    assert not set(kind.least) & {"name", "birth_date", "identity_document", "reference_code"}
    assert type_of(vct_of(name)) == name


def test_a_type_of_somebody_else_is_none_of_ours() -> None:
    assert type_of("https://other.example/returnee_certificate/1") is None
    assert type_of(None) is None


def test_she_chooses_what_is_shown_and_only_what_is_there() -> None:
    held = ["arrived_on", "institution_name", "name"]
    assert shown_claims("returnee_certificate", None, held) == ["institution_name", "arrived_on"]
    assert shown_claims("returnee_certificate", ["name"], held) == ["name"]
    assert shown_claims("returnee_certificate", [], held) == []
    with pytest.raises(ProblemError):
        shown_claims("returnee_certificate", ["birth_date"], held)


@pytest.mark.parametrize(
    "given",
    [
        {"type": "returnee_certificate"},
        {"type": "returnee_certificate", "referral_id": ID},
        {"type": "returnee_certificate", "returnee_id": ID, "consent_id": ID},
        {"type": "returnee_certificate", "returnee_id": ID, "document": DOCUMENT},
        {"type": "returnee_certificate", "returnee_id": ID, "person": 1},
        {"type": "medical_summary", "referral_id": ID},
        {"type": "acknowledgement", "referral_id": ID, "document": DOCUMENT},
        {"type": "passport", "returnee_id": ID},
        {"type": "acknowledgement", "referral_id": ID, "valid_days": 3000},
    ],
)
def test_it_is_about_one_record_of_the_right_kind(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        AttestationInput.model_validate(given)


def test_its_subject_is_that_record() -> None:
    given = {"type": "court_order", "referral_id": ID, "document": DOCUMENT}
    assert AttestationInput.model_validate(given).subject == ID
