"""Records of the contract, whole enough to be valid, and strategies that make many of them."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from hypothesis import strategies as st

from relevo.contracts.consent import Consent, Denial, GivenBy, Notice, Recipient
from relevo.contracts.envelope import Envelope
from relevo.contracts.grant_slice import GrantSlice
from relevo.contracts.person import SECTIONS, Person
from relevo.contracts.vocabularies.loader import code_list, in_code_order

NOW: Final = datetime(2026, 3, 2, 16, 20, tzinfo=UTC)
SOME_ID: Final = "0195b2c4-7a00-7000-8000-000000000001"
COMPACT: Final = "eyJhIjoxfQ.eyJiIjoyfQ.c2ln"

CATEGORIES: Final = tuple(code.code for code in code_list("data_category").codes)
PURPOSES: Final = tuple(code.code for code in code_list("purpose").codes)
NEEDS: Final = tuple(code.code for code in code_list("specific_need").codes)

PARTIES: Final = ("gt.igm", "gt.igm.crr", "gt.igm.car", "gt.renap", "hn.senaf", "mx.pcr")

# Few enough that what is asked and what is allowed meet often.
categories = st.lists(st.sampled_from(CATEGORIES[:3]), unique=True).map(
    lambda chosen: in_code_order("data_category", chosen)
)
purposes = st.lists(st.sampled_from(PURPOSES[:3]), min_size=1, unique=True)
parties = st.sampled_from(PARTIES)
recipients = st.builds(
    Recipient,
    party=parties,
    purposes=st.none() | purposes,
    categories=st.none() | categories,
    only=st.just([]) | st.lists(st.sampled_from(["status", "follow_up"]), unique=True),
    origin_warning_given_at=st.none() | st.just(NOW),
)
denials = st.one_of(
    st.builds(Denial, party=parties),
    st.builds(Denial, country=st.sampled_from(["GT", "HN", "MX"])),
    st.builds(Denial, described=st.just("la familia del padre")),
)


def a_consent(**changes: Any) -> Consent:
    values: dict[str, Any] = {
        "id": SOME_ID,
        "state": "active",
        "recorded_at": NOW,
        "person_id": "local-1",
        "notice": Notice(id="aviso", version="3", language="es", channel="read_aloud"),
        "purposes": ["service_delivery"],
        "categories": ["identity", "contact"],
        "recipients": [Recipient(party="gt.igm.crr")],
        "given_by": GivenBy(capacity="self"),
        "method": "signature",
        "given_at": NOW,
        "valid_from": NOW,
        "valid_until": NOW + timedelta(days=180),
    }
    return Consent(**values | changes)


consents = st.builds(
    a_consent,
    purposes=purposes,
    categories=categories.filter(bool),
    recipients=st.lists(recipients, min_size=1, max_size=5),
    denials=st.lists(denials, max_size=2),
)


def a_slice(**changes: Any) -> GrantSlice:
    values: dict[str, Any] = {
        "iss": "mx.albergue-tapachula",
        "jti": "3f0c1f6e-5d0a-4c9c-9f5e-0a1b2c3d4e5f",
        "iat": 1_772_000_000,
        "nbf": 1_772_000_000,
        "exp": 1_780_000_000,
        "sender": "mx.albergue-tapachula",
        "receiver": "gt.igm.crr",
        "purposes": ["service_delivery"],
        "categories": ["identity", "contact"],
    }
    return GrantSlice(**values | changes)


def envelope_claims(**changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "iss": "mx.albergue-tapachula",
        "aud": "gt.igm.crr",
        "sub": SOME_ID,
        "jti": SOME_ID,
        "iat": 1_772_000_000,
        "exp": 1_774_000_000,
        "message_type": "referral.submitted/1",
        "correlation_id": SOME_ID,
        "reference_code": "MX-00000000000",
        "pathway": "gt-retorno-al-hogar",
    }
    return values | changes


def an_envelope(**changes: Any) -> Envelope:
    return Envelope(**envelope_claims(**changes))


def mark(section: str) -> str:
    """A text that stands in one section of `a_whole_person` and nowhere else."""
    return f"only-in-{section.replace('_', '-')}."


def a_whole_person(**changes: Any) -> Person:
    """A person whose every section holds its own mark."""
    notes = (
        "health", "mental_health", "sexual_reproductive_health", "gbv_trafficking", "sogiesc",
        "protection_concern", "asylum_claim", "migration_status", "legal_case",
        "financial", "service_history", "family",
    )  # fmt: skip
    values: dict[str, Any] = {
        "person_id": "local-person-key",
        "case_profile": "returned_or_deported",
        "identity": {
            "given_names": mark("identity"),
            "family_names": ["Temaj"],
            "birth_date": {"value": "1993", "precision": "year"},
        },
        "chosen_name": {"name": mark("chosen_name")},
        "identity_document": {
            "documents": [{"type": "national_id", "country": "GT", "number": mark("identity_document")}]
        },
        "contact": {"phones": [mark("contact")]},
        "third_party_contact": {"relation": mark("third_party_contact")},
        "location_municipality": {
            "country": "GT", "code": "GT-1204", "name": mark("location_municipality"),
        },
        "location_precise": {"address": mark("location_precise")},
        "child_data": {"child_care_status": "unknown", "summary": mark("child_data")},
        "travel_and_return": {"point_of_entry": mark("travel_and_return"), "expected_at": NOW},
        "ethnicity_language": {"languages": ["mam"], "people": mark("ethnicity_language")},
        "education_work": {"occupation": mark("education_work")},
        **{section: {"summary": mark(section)} for section in notes},
    }  # fmt: skip
    whole = Person(**values | changes)
    missing = [section for section in SECTIONS if section not in values]
    assert not missing, f"give {missing} a mark here"
    return whole
