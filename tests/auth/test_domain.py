"""Laws of the issuer's pure rules."""

import re
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relevo.auth.domain.client_credentials import ENFORCEMENT, choose_scopes, scopes_within
from relevo.auth.domain.oauth_error import OAuthError
from relevo.auth.domain.oauth_form import OAuthForm, read_form
from relevo.auth.domain.private_key_jwt import accept_assertion
from relevo.auth.domain.resource_indicator import choose_audience
from relevo.contracts.scopes import Scope
from tests.auth.builders import ISSUER, START

SCOPES = st.lists(st.sampled_from(Scope), unique=True)
NOW = int(START.timestamp())
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


def refusal(error: OAuthError, code: str | None = None) -> None:
    """Check a refusal: its code, and a text of the part of ASCII that RFC 6749 §5.2 allows."""
    assert code in {None, error.body.error}
    assert re.fullmatch(r"[\x20-\x21\x23-\x5B\x5D-\x7E]+", error.body.error_description)


@given(SCOPES, st.lists(st.sampled_from(Scope) | st.text(max_size=8)))
def test_a_token_never_carries_a_scope_beyond_the_clients(
    granted: list[Scope], asked: list[str]
) -> None:
    allowed = [scope.value for scope in granted]
    try:
        chosen = choose_scopes(" ".join(asked), allowed).split(" ")
    except OAuthError as error:
        refusal(error)
        assert not allowed or not set(" ".join(asked).split(" ")) <= {*allowed, ""}
    else:
        wanted = set(" ".join(asked).split(" ")) - {""}
        assert set(chosen) == (wanted or set(allowed))
        assert set(chosen) <= set(allowed)


@given(SCOPES, st.lists(st.sampled_from(["shelter", ENFORCEMENT])))
def test_enforcement_hands_over_and_nothing_else(scopes: list[Scope], mandates: list[str]) -> None:
    held = scopes_within(mandates, scopes)
    assert held <= set(scopes)
    if ENFORCEMENT in mandates:
        assert held <= {Scope.HANDOVERS_SUBMIT}
    else:
        assert held == set(scopes)


@given(st.lists(st.sampled_from("abcd")), st.lists(st.sampled_from("abc"), unique=True))
def test_a_token_is_for_one_service_of_the_clients(asked: list[str], allowed: list[str]) -> None:
    try:
        audience = choose_audience(asked, allowed)
    except OAuthError as error:
        refusal(error, "invalid_target")
    else:
        assert audience in allowed
        assert asked in ([], [audience])


@given(st.integers(-1000, 1000), st.integers(0, 2000))
def test_an_id_is_remembered_as_long_as_its_assertion_would_be_accepted(
    expires_in: int, later: int
) -> None:
    claims = {"iss": "c", "sub": "c", "aud": ISSUER, "jti": "j", "exp": NOW + expires_in}

    def accepted_at(seconds: int) -> int | None:
        now = START + timedelta(seconds=seconds)
        try:
            return accept_assertion(claims, client_id="c", audiences=[ISSUER], now=now).forget_at
        except OAuthError as error:
            refusal(error)
            return None

    forget_at = accepted_at(0)
    if forget_at is not None and accepted_at(later) is not None:
        assert NOW + later < forget_at


@given(st.dictionaries(st.sampled_from(["iss", "sub", "aud", "exp", "iat", "nbf", "jti"]), JSON))
def test_claims_of_any_shape_are_accepted_or_refused_but_never_break(
    claims: dict[str, Any],
) -> None:
    base = {"iss": "c", "sub": "c", "aud": ISSUER, "jti": "j", "exp": NOW + 60}
    try:
        accept_assertion({**base, **claims}, client_id="c", audiences=[ISSUER], now=START)
    except OAuthError as error:
        refusal(error)


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_any_bytes_are_a_form_or_a_refusal(body: bytes) -> None:
    try:
        assert isinstance(read_form(body), OAuthForm)
    except OAuthError as error:
        refusal(error, "invalid_request")


@pytest.mark.parametrize(
    "token", ["a.b.c", "..", "", "e30.e30.", "e30.W10.x", "é.é.é", "x" * 30_000]
)
def test_an_assertion_that_cannot_be_read_claims_no_client(token: str) -> None:
    body = b"client_assertion=" + token.encode("ascii", "xmlcharrefreplace").replace(b"&", b"%26")
    assert read_form(body).claimed_client() is None
