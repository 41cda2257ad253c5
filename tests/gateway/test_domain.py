"""Decisions without input or output."""

from datetime import UTC, datetime, timedelta

import pytest
from joserfc.util import json_b64encode

from relevo.contracts.grant_slice import GRANT_TYP, GrantSlice
from relevo.contracts.receipt import ReceiptLeaf
from relevo.gateway.domain import ledger, tokens
from relevo.gateway.domain.allowance import Allowance
from relevo.gateway.domain.policy import (
    FAILED,
    NO_POLICY,
    Decision,
    Party,
    Policy,
    PolicyFileError,
    Question,
)
from relevo.servicekit import jose
from tests.gateway.federation import Institution

NOW = datetime(2026, 3, 4, 5, 6, 7, 89, tzinfo=UTC)


def a_question(**changes: object) -> Question:
    values: dict[str, object] = {
        "sender": Party("mx.albergue", "MX", "ngo", frozenset({"shelter"})),
        "receiver": Party("gt.igm", "GT", "migration_institute", frozenset()),
        "message_class": "content",
        "message_type": "referral.submitted/1",
        "purpose": "service_delivery",
        "categories": ("identity",),
        "basis": "consent",
        "lawful": False,
        "triage": "red",
        "agreement": True,
        "test": True,
        **changes,
    }
    return Question(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({}, "consented-content"),
        ({"message_class": "control", "basis": "none"}, "control-messages"),
        ({"message_class": "request", "basis": "none"}, "requests-by-reference"),
        ({"basis": "vital_interest", "lawful": True}, "lawful-basis"),
    ],
)
def test_what_the_built_in_policies_permit(changes: dict[str, object], rule: str) -> None:
    assert Policy.load(None).decide(a_question(**changes)) == Decision(permitted=True, rule=rule)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"basis": "none"}, NO_POLICY),
        ({"basis": "legitimate_interest"}, NO_POLICY),
        ({"basis": "none", "lawful": True, "message_class": "unheard-of"}, NO_POLICY),
        ({"basis": "legal_obligation"}, NO_POLICY),
        ({"agreement": False}, NO_POLICY),
        ({"categories": ("genetic_forensic",)}, "never-criminal-records-or-genetics"),
        (
            {"receiver": Party("gt.pnc.sur", "GT", "police", frozenset({"enforcement"}))},
            "never-to-enforcement",
        ),
    ],
)
def test_what_they_deny_and_why(changes: dict[str, object], rule: str) -> None:
    assert Policy.load(None).decide(a_question(**changes)) == Decision(permitted=False, rule=rule)


def test_a_country_adds_its_own_policies(tmp_path) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001
    (tmp_path / "gt.cedar").write_text(
        '@id("gt-no-health") forbid (principal, action, resource)'
        ' when { context.categories.contains("health") && resource.country == "GT" };'
    )
    policy = Policy.load(tmp_path)
    assert policy.decide(a_question()).permitted
    assert policy.decide(a_question(categories=("health",))).rule == "gt-no-health"


@pytest.mark.parametrize(
    "text",
    [
        "permit (",
        "permit (principal, action, resource) when { context.nationality == 1 };",
        "forbid (principal, action, resource) when { 1 + 1 == 2 };",
        "forbid (principal, action, resource) when { -(1) == 2 };",
    ],
)
def test_policies_that_do_not_fit_are_refused_when_they_are_read(text: str) -> None:
    with pytest.raises(PolicyFileError):
        Policy([text])


def test_a_question_that_cannot_be_decided_is_a_deny() -> None:
    everything = Policy(["permit (principal, action, resource);"])
    assert everything.decide(a_question()).permitted
    assert everything.decide(a_question(purpose=5)) == Decision(permitted=False, rule=FAILED)


@pytest.mark.parametrize("problem", [None, "grant_not_live"])
def test_leaf_bytes_are_those_of_the_contract(problem: str | None) -> None:
    leaf = ledger.receipt_leaf(
        kind="refused",
        gateway="gateway.mx",
        message_id="0199f3a0-6c1e-7d2b-8f00-5b1f8f0f2f11",
        digest="ab" * 32,
        at=NOW,
        problem=problem,
    )
    assert ReceiptLeaf.model_validate_json(leaf).leaf_bytes() == leaf


def test_an_allowance_runs_out_and_comes_back() -> None:
    allowance = Allowance(2)
    assert [allowance.take("a", NOW) > 0 for _ in range(3)] == [False, False, True]
    assert allowance.take("b", NOW) == 0
    assert allowance.take("a", NOW + timedelta(seconds=29)) > 0
    assert allowance.take("a", NOW + timedelta(seconds=31)) == 0


def test_a_token_is_read_strictly() -> None:
    sender = Institution("mx.albergue")
    good = sender.grant("gt.igm", now=NOW)
    token = tokens.read(good, GrantSlice, typ=GRANT_TYP)
    keys = {jose.key_id(sender.signing): sender.signing}
    assert tokens.signer(token, keys) == jose.key_id(sender.signing)
    assert tokens.signer(token, {"other": jose.generate_signing_key()}) is None
    header, payload, signature = good.split(".")
    for bad in (
        "", "a", "a.b", "a.b.c", f"{header}.{payload}", f"{header}.{payload}=.{signature}",
        f"{header}.{payload}.{signature}.x", f"{payload}.{payload}.{signature}",
        f"{header}.{header}.{signature}", "{}.{}.{}", good.replace("-", "+").replace("_", "/") + "+",
    ):  # fmt: skip
        with pytest.raises(tokens.TokenError):
            tokens.read(bad, GrantSlice, typ=GRANT_TYP)
    for typ in ("relevo-envelope+jwt", "JWT"):
        with pytest.raises(tokens.TokenError):
            tokens.read(good, GrantSlice, typ=typ)


def test_other_ways_of_signing_are_refused() -> None:
    sender = Institution("mx.albergue")
    for header in ({"alg": "none"}, {"crit": ["b64"]}, {"b64": False}, {"kid": 7}):
        good = sender.grant("gt.igm", now=NOW)
        protected, payload, signature = good.split(".")
        members = jose.peek(good)[0] | header
        protected = json_b64encode(members).decode()
        with pytest.raises(tokens.TokenError):
            tokens.read(f"{protected}.{payload}.{signature}", GrantSlice, typ=GRANT_TYP)
