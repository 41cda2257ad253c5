"""What the contract's models refuse, so that no service has to."""

import inspect
import json
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

import relevo.contracts
from relevo.contracts.consent import ConsentInput, GivenBy
from relevo.contracts.envelope import MAX_ENVELOPE_BYTES, Envelope, LegalBasis
from relevo.contracts.exchange import MessageBatch
from relevo.contracts.grant_slice import GrantSlice
from relevo.contracts.institution import InstitutionProfile, PublicKey
from relevo.contracts.message_types.kind import SPEC_BASE
from relevo.contracts.message_types.registry import MESSAGE_TYPES
from relevo.contracts.message_types.withdrawal_answered import WithdrawalAnswered
from relevo.contracts.model import ContractModel
from relevo.contracts.receipt import ReceiptLeaf
from relevo.contracts.referral import ReferralSubmission, Transition
from relevo.contracts.scopes import SCOPE_DESCRIPTIONS, Scope
from tests.support.records import (
    COMPACT,
    NOW,
    SOME_ID,
    a_consent,
    a_slice,
    an_envelope,
    categories,
    envelope_claims,
)


def every_model() -> list[type[ContractModel]]:
    folder = Path(relevo.contracts.__path__[0])
    models: dict[str, type[ContractModel]] = {}
    for path in sorted(folder.rglob("*.py")):
        dotted = ".".join(path.relative_to(folder).with_suffix("").parts)
        module = import_module(f"relevo.contracts.{dotted}".removesuffix(".__init__"))
        for _, found in inspect.getmembers(module, inspect.isclass):
            if issubclass(found, ContractModel) and found is not ContractModel:
                models[f"{found.__module__}.{found.__qualname__}"] = found
    return list(models.values())


@pytest.mark.parametrize("model", every_model(), ids=lambda model: model.__name__)
def test_every_model_refuses_unknown_fields_and_cannot_be_changed(
    model: type[ContractModel],
) -> None:
    assert model.model_config["extra"] == "forbid"
    assert model.model_config["frozen"] is True
    with pytest.raises(ValidationError) as refused:
        model.model_validate({"no_such_field": 1})
    assert "extra_forbidden" in {error["type"] for error in refused.value.errors()}


# -- envelopes and slices ------------------------------------------------------------------------


@given(categories)
def test_categories_stand_once_each_in_code_order(chosen: list[str]) -> None:
    assert an_envelope(categories=chosen).categories == a_slice(categories=chosen).categories
    for wrong in (chosen[::-1], [*chosen, *chosen[:1]]):
        if wrong != chosen:
            with pytest.raises(ValidationError):
                an_envelope(categories=wrong)
            with pytest.raises(ValidationError):
                a_slice(categories=wrong)


@given(st.integers(0, 2**33), st.integers(0, 2**33))
@example(5, 5)
def test_an_envelope_expires_after_it_is_made_and_a_grant_ends_after_it_begins(
    begin: int, end: int
) -> None:
    limit = 7_258_118_400
    if begin < end <= limit:
        assert an_envelope(iat=begin, exp=end).exp == end
        assert a_slice(nbf=begin, exp=end).exp == end
    else:
        with pytest.raises(ValidationError):
            an_envelope(iat=begin, exp=end)
        with pytest.raises(ValidationError):
            a_slice(nbf=begin, exp=end)


@pytest.mark.parametrize(
    "change",
    [
        {"iat": "1772000000"},
        {"iat": 1772000000.5},
        {"iat": -1},
        {"exp": 1e20},
        {"exp": True},
        {"test": "no"},
        {"test": 1},
        {"event_seq": "3"},
        {"event_seq": -1},
        {"event_seq": 1_000_001},
        {"message_type": "referral.submitted"},
        {"message_type": "referral.submitted/0"},
        {"message_type": "referral.submitted/100"},
        {"message_type": "../submitted/1"},
        {"categories": ["no_such_category"]},
        {"purpose": "enforcement"},
        {"state": "rejected"},
        {"triage": "purple"},
        {"grants": [COMPACT] * 13},
        {"grants": ["not-a-token"]},
        {"content": COMPACT + "a" * MAX_ENVELOPE_BYTES},
        {"content": "a b.c.d"},
        {"withdrawn": [SOME_ID] * 101},
        {"traceparent": "00-zz"},
        {"reference_code": "MX-00000000001"},
        {"sub": "not-a-uuid"},
        {"aud": "gateway"},
        {"pathway": "Not A Pathway"},
        {"pathway": "x" * 81},
        {"basis": {"basis": "consent", "law": "x", "authority": "gt.pgn"}},
        {"reason": "deceased"},
    ],
    ids=str,
)
def test_a_claim_that_does_not_fit_the_contract_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Envelope.model_validate(envelope_claims(**change))


def test_claims_come_through_json_unchanged() -> None:
    for model in (an_envelope(categories=["identity"], grants=[COMPACT]), a_slice()):
        again = type(model).model_validate_json(model.model_dump_json())
        assert again == model
        assert again.model_dump_json() == model.model_dump_json()


def test_a_slice_has_no_place_for_anything_about_the_person() -> None:
    assert set(GrantSlice.model_fields) == {
        "iss", "jti", "iat", "nbf", "exp", "sender", "receiver", "purposes", "categories", "basis",
        "status_parties", "follow_up_parties",
    }  # fmt: skip


def test_a_batch_is_bounded() -> None:
    MessageBatch(envelopes=["x"] * 100)
    with pytest.raises(ValidationError):
        MessageBatch(envelopes=["x"] * 101)
    with pytest.raises(ValidationError):
        MessageBatch(envelopes=["x" * (MAX_ENVELOPE_BYTES + 1)])
    with pytest.raises(ValidationError):
        MessageBatch(envelopes=[""])


def test_a_basis_other_than_consent_names_its_law_and_authority() -> None:
    LegalBasis(basis="legal_obligation", law="Ley PINA, art. 55", authority="gt.pgn")
    for gone in ("law", "authority"):
        claims = {"basis": "vital_interest", "law": "x", "authority": "gt.pgn"}
        del claims[gone]
        with pytest.raises(ValidationError):
            LegalBasis.model_validate(claims)


# -- message types -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", MESSAGE_TYPES.values(), ids=list(MESSAGE_TYPES))
def test_a_message_type_has_a_class_a_body_and_a_specification(kind: Any) -> None:
    assert kind.message_class in {"content", "control", "request"}
    assert kind.spec_uri == f"{SPEC_BASE}{kind.id}"
    assert kind.summary.endswith(".")
    assert an_envelope(message_type=kind.id).message_type == kind.id
    assert (inspect.getdoc(inspect.getmodule(kind.body)) or "") != ""
    if kind.urgent:
        assert kind.message_class == "control"


def test_data_is_kept_only_under_a_named_law() -> None:
    answer = {"answers_message": SOME_ID, "at": NOW}
    WithdrawalAnswered.model_validate({**answer, "answer": "erased"})
    WithdrawalAnswered.model_validate({**answer, "answer": "kept", "law": "Código de Salud, 8"})
    with pytest.raises(ValidationError):
        WithdrawalAnswered.model_validate({**answer, "answer": "kept"})


# -- receipts ------------------------------------------------------------------------------------


def a_leaf(**changes: Any) -> ReceiptLeaf:
    values: dict[str, Any] = {
        "kind": "accepted",
        "gateway": "gateway.mx",
        "message_id": SOME_ID,
        "digest": "0" * 64,
        "at": NOW,
        "salt": "f" * 32,
    }
    return ReceiptLeaf(**values | changes)


def test_the_bytes_of_a_leaf_are_pinned() -> None:
    assert a_leaf(at=datetime(2026, 3, 2, 10, 20, 0, 5000, UTC)).leaf_bytes() == (
        b'{"at":"2026-03-02T10:20:00.005000Z","digest":"' + b"0" * 64 + b'",'
        b'"gateway":"gateway.mx","kind":"accepted","message_id":"' + SOME_ID.encode() + b'",'
        b'"problem":null,"salt":"' + b"f" * 32 + b'"}'
    )


@given(
    st.datetimes(
        datetime(1901, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
        datetime(2199, 12, 30),  # noqa: DTZ001
        timezones=st.timezones(),
    ),
    st.none() | st.sampled_from(["undecryptable", "grant_not_live"]),
)
def test_a_leaf_read_from_json_has_the_same_bytes(at: datetime, problem: str | None) -> None:
    leaf = a_leaf(at=at, problem=problem)
    again = ReceiptLeaf.model_validate_json(leaf.model_dump_json())
    assert again.leaf_bytes() == leaf.leaf_bytes()
    assert json.loads(leaf.leaf_bytes())["at"].endswith("Z")


# -- consents, referrals, institutions -----------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"valid_until": NOW},
        {"valid_until": NOW + timedelta(days=733)},
        {"purposes": []},
        {"categories": []},
        {"recipients": []},
        {"person_id": "with space"},
        {"method": "fingerprint_scan"},
    ],
    ids=str,
)
def test_a_consent_that_no_notice_would_explain_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        a_consent(**change)


@pytest.mark.parametrize("extra", [{"assessed_by": "x"}, {"biometric": "x"}])
def test_a_consent_has_no_field_for_more(extra: dict[str, str]) -> None:
    kept = {"id", "state", "recorded_at", "withdrawn_at", "notice_standing"}
    asked = a_consent().model_dump(exclude=kept)
    ConsentInput.model_validate(asked)
    with pytest.raises(ValidationError):
        ConsentInput.model_validate({**asked, **extra})


def test_whoever_says_yes_for_another_says_why() -> None:
    GivenBy(capacity="guardian", relation="madre")
    GivenBy(capacity="authority", authority="gt.pgn")
    for capacity in ("guardian", "authority"):
        with pytest.raises(ValidationError):
            GivenBy.model_validate({"capacity": capacity})


@pytest.mark.parametrize(
    "step",
    [
        {"to": "completed"},
        {"to": "scheduled"},
        {"to": "accepted", "appointment": {"at": NOW}},
        {"to": "accepted", "counter_referral": {"outcome": "registered", "ended_at": NOW}},
        {"to": "rejected", "reason": "because"},
        {"to": "vanished"},
    ],
    ids=str,
)
def test_a_step_carries_what_belongs_to_it_and_nothing_else(step: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Transition.model_validate(step)


def test_each_person_stands_once_in_a_referral() -> None:
    submission: dict[str, Any] = {
        "receiver": "gt.igm.crr",
        "pathway": "gt-retorno-al-hogar",
        "triage": "green",
        "needs": [{"service": "national_id"}],
        "persons": [{"person_id": "1"}, {"person_id": "2"}],
        "share": ["identity"],
    }
    ReferralSubmission.model_validate(submission)
    changes: list[dict[str, Any]] = [
        {"persons": [{"person_id": "1"}, {"person_id": "1"}]},
        {"persons": []},
        {"expires_in_days": 91},
        {"expires_in_days": "30"},
        {"needs": []},
    ]
    for change in changes:
        with pytest.raises(ValidationError):
            ReferralSubmission.model_validate(submission | change)


def test_enforcement_is_never_a_mandate_of_a_whole_institution() -> None:
    profile: dict[str, Any] = {
        "institution": "gt.igm",
        "name": "Instituto Guatemalteco de Migración",
        "country": "GT",
        "type": "migration_institute",
        "units": [{"id": "gt.igm.control", "name": "Control", "mandates": ["enforcement"]}],
        "message_types": ["referral.submitted/1"],
        "delivery": "push",
        "node_url": "https://nodo.igm.example",
    }
    read = InstitutionProfile.model_validate(profile)
    assert read.mandates_of("gt.igm.control") == frozenset({"enforcement"})
    assert read.mandates_of("gt.igm") == frozenset()
    assert read.mandates_of("gt.igm.other") is None
    changes: list[dict[str, Any]] = [
        {"mandates": ["enforcement"]},
        {"units": [{"id": "gt.renap.x", "name": "x"}]},
        {"units": [{"id": "gt.igm", "name": "x"}]},
        {"node_url": None},
        {"node_url": "ftp://nodo.igm.example"},
        {"node_url": "https://nodo.igm.example/?q=1"},
    ]
    for change in changes:
        with pytest.raises(ValidationError):
            InstitutionProfile.model_validate(profile | change)


def test_a_key_says_what_it_is_for_and_brings_no_private_part() -> None:
    key = {"kty": "OKP", "crv": "Ed25519", "x": "A" * 43, "kid": "1", "use": "sig"}
    PublicKey.model_validate(key)
    for change in ({"use": "enc"}, {"d": "A" * 43}, {"x": "A" * 42}, {"kty": "RSA"}):
        with pytest.raises(ValidationError):
            PublicKey.model_validate(key | change)


def test_every_scope_is_described() -> None:
    assert set(SCOPE_DESCRIPTIONS) == set(Scope)
    for scope, description in SCOPE_DESCRIPTIONS.items():
        resource, _, action = scope.partition(":")
        assert resource
        assert action
        assert description.endswith(".")
