"""Selective disclosure: only what was chosen can be read, and nothing can be changed."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc.jwk import OKPKey

from relevo.servicekit import jose, sd_jwt
from relevo.servicekit.sd_jwt import Disclosure

TYP = "dc+sd-jwt"
KEY = jose.generate_signing_key()
OTHER = jose.generate_signing_key()
ALWAYS = {"iss": "gt.igm", "vct": "https://relevo.example/attestations/returnee_certificate/1"}
HIDDEN = {"institution_name": "IGM", "arrived_on": "2026-03-02", "name": "Tomasa Isabel"}


# As names are written: no control characters, which no JSON of ours may hold.
WRITTEN = st.text(st.characters(exclude_categories=["C"]), min_size=6, max_size=30)


def issued(hidden: dict[str, Any] | None = None) -> tuple[str, list[Disclosure]]:
    return sd_jwt.issue(ALWAYS, HIDDEN if hidden is None else hidden, KEY, typ=TYP, digests=8)


def verified(presentation: str, key: OKPKey = KEY) -> sd_jwt.Verified:
    return sd_jwt.verify(presentation, lambda _: [key], typ=TYP)


@pytest.mark.parametrize(
    ("text", "digest", "claim"),
    [
        (  # RFC 9901 §4.2.1 and §4.2.3
            "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0",
            "X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0",
            ("family_name", "Möbius"),
        ),
        (  # §5.1
            "WyIyR0xDNDJzS1F2ZUNmR2ZyeU5STjl3IiwgImdpdmVuX25hbWUiLCAiSm9obiJd",
            "jsu9yVulwQQlhFlM_3JlzMaSFzglhQG0DpfayQwLUK4",
            ("given_name", "John"),
        ),
        (
            "WyJlbHVWNU9nM2dTTklJOEVZbnN4QV9BIiwgImZhbWlseV9uYW1lIiwgIkRvZSJd",
            "TGf4oLbgwd5JQaHyKVQZU9UdGE0w5rtDsrZzfUaomLo",
            ("family_name", "Doe"),
        ),
    ],
)
def test_the_vectors_of_the_rfc(text: str, digest: str, claim: tuple[str, str]) -> None:
    assert sd_jwt.digest_of(text) == digest
    read = sd_jwt.read_disclosure(text)
    assert (read.name, read.value) == claim


def test_what_is_chosen_is_shown() -> None:
    signed, disclosures = issued()
    found = verified(sd_jwt.present(signed, disclosures, ["arrived_on"]))
    assert found.shown == {"arrived_on": "2026-03-02"}
    assert found.claims == ALWAYS
    assert verified(sd_jwt.present(signed, disclosures, [])).shown == {}


def test_the_number_of_digests_says_nothing() -> None:
    for hidden in ({}, {"name": "A"}, HIDDEN):
        _, claims = jose.peek(issued(hidden)[0])
        assert len(claims["_sd"]) == 8
        assert claims["_sd"] == sorted(claims["_sd"])


def everything_in(presentation: str) -> bytes:
    """The bytes as they travel and as anyone can decode them, piece by piece."""
    pieces = presentation.replace("~", ".").split(".")
    decoded = [base64.urlsafe_b64decode(one + "=" * (-len(one) % 4)) for one in pieces]
    return b"\n".join([presentation.encode(), *decoded])


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(WRITTEN, min_size=2, max_size=6, unique=True),
    data=st.data(),
)
def test_no_byte_of_what_is_not_shown_is_in_a_presentation(
    values: list[str], data: st.DataObject
) -> None:
    # Marked, so that a value is not by chance part of another.
    hidden = {f"claim_{n}": f"<{n}|{value}|{n}>" for n, value in enumerate(values)}
    shown = data.draw(st.sets(st.sampled_from(sorted(hidden))))
    signed, disclosures = issued(hidden)
    presentation = sd_jwt.present(signed, disclosures, shown)
    travels = everything_in(presentation)
    for one in disclosures:
        if one.name in shown:
            continue
        assert one.text.encode() not in travels
        assert json.dumps(one.value, ensure_ascii=False).encode() not in travels
        assert one.name.encode() not in travels
    assert verified(presentation).shown == {name: hidden[name] for name in shown}


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_change_anywhere_is_noticed(data: st.DataObject) -> None:
    signed, disclosures = issued()
    presentation = sd_jwt.present(signed, disclosures, list(HIDDEN))
    place = data.draw(st.integers(0, len(presentation) - 1))
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~= \u00e9"
    letter = data.draw(st.sampled_from(letters).filter(lambda one: one != presentation[place]))
    changed = presentation[:place] + letter + presentation[place + 1 :]
    with pytest.raises(jose.JoseError):
        verified(changed)


def test_no_letter_of_the_signature_is_free() -> None:
    signed, _ = issued()
    for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_":
        if letter != signed[-1]:
            with pytest.raises(jose.JoseError):
                verified(f"{signed[:-1]}{letter}~")


def test_disclosures_of_another_are_refused() -> None:
    signed, mine = issued()
    _, hers = issued({**HIDDEN, "name": "Somebody Else"})
    for texts in ([hers[2].text], [mine[0].text, hers[2].text], [mine[2].text, mine[2].text]):
        with pytest.raises(jose.MalformedTokenError):
            verified("~".join([signed, *texts, ""]))


def test_a_disclosure_never_replaces_what_always_shows() -> None:
    forged = sd_jwt.disclosure("vct", "https://relevo.example/attestations/court_order/1")
    twice = sd_jwt.disclosure("place", "A")
    claims = {**ALWAYS, "place": "B", "_sd": [forged.digest, twice.digest], "_sd_alg": "sha-256"}
    signed = jose.sign(claims, KEY, typ=TYP)
    for one in (forged, twice):
        with pytest.raises(jose.MalformedTokenError):
            verified(f"{signed}~{one.text}~")


def test_another_key_another_algorithm_or_none_is_refused() -> None:
    signed, _ = issued()
    with pytest.raises(jose.BadSignatureError):
        verified(f"{signed}~", OTHER)
    payload = signed.split(".")[1]
    for header in (
        {"alg": "none", "typ": TYP},
        {"alg": "HS256", "typ": TYP, "kid": KEY.kid},
        {"alg": "Ed25519", "typ": "at+jwt", "kid": KEY.kid},
        {"alg": "Ed25519", "typ": TYP, "kid": KEY.kid, "crit": ["x"]},
    ):
        head = base64.urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip("=")
        for signature in ("", signed.split(".")[2]):
            with pytest.raises(jose.JoseError):
                verified(f"{head}.{payload}.{signature}~")


def test_the_kid_of_another_key_helps_nobody() -> None:
    keys = {str(KEY.kid): KEY, str(OTHER.kid): OTHER}
    claims = {**ALWAYS, "_sd": [], "_sd_alg": "sha-256"}
    forged = jose.sign(claims, OTHER, typ=TYP, header={"kid": KEY.kid})
    with pytest.raises(jose.BadSignatureError):
        sd_jwt.verify(f"{forged}~", lambda _: keys, typ=TYP)


@pytest.mark.parametrize(
    "changes",
    [{"_sd_alg": "md5"}, {"_sd": "x"}, {"_sd": [1]}, {"_sd": ["a", "a"]}, {"...": "x"}],
)
def test_another_way_of_hiding_is_refused(changes: dict[str, Any]) -> None:
    signed = jose.sign({**ALWAYS, "_sd": [], "_sd_alg": "sha-256", **changes}, KEY, typ=TYP)
    with pytest.raises(jose.MalformedTokenError):
        verified(f"{signed}~")


@pytest.mark.parametrize("text", ["", "~", "a", "a~", "a~b", "a.b.c~", "~~~~", "é~"])
def test_what_is_no_presentation_is_refused(text: str) -> None:
    with pytest.raises(jose.JoseError):
        verified(text)


def test_a_bound_key_is_not_passed_over_in_silence() -> None:
    signed, _ = issued()
    with pytest.raises(jose.MalformedTokenError):
        verified(f"{signed}~{signed}")
