import base64
import hashlib
from datetime import timedelta
from typing import Any

import pytest

from relevo.servicekit import dpop, jose
from relevo.servicekit.clock import FixedClock

KEY = jose.generate_signing_key()
URL = "https://node.example/v1/messages"
TOKEN = "header.claims.signature"


def a_proof(clock: FixedClock, **changes: Any) -> str:
    method = changes.pop("method", "POST")
    url = changes.pop("url", URL)
    return dpop.make_proof(
        changes.pop("key", KEY), method, url, now=clock.now, access_token=TOKEN, **changes
    )


def forged(clock: FixedClock, *, header: dict[str, Any] | None = None, **claims: Any) -> str:
    good = {
        "jti": "1", "htm": "POST", "htu": URL, "iat": int(clock.now.timestamp()),
        "ath": dpop.access_token_hash(TOKEN),
    }  # fmt: skip
    said = {name: value for name, value in {**good, **claims}.items() if value is not None}
    public = {name: jose.public_jwk(KEY)[name] for name in ("kty", "crv", "x")}
    return jose.sign(said, KEY, typ="dpop+jwt", header={"jwk": public, **(header or {})})


def check(verifier: dpop.ProofVerifier, *proofs: str, **request: Any) -> str:
    asked = {"method": "POST", "url": URL, "access_token": TOKEN, **request}
    return verifier.check(proofs, **asked)


def test_a_proof_passes_once_and_names_its_key() -> None:
    clock = FixedClock()
    verifier = dpop.ProofVerifier(clock)
    proof = a_proof(clock)
    assert check(verifier, proof) == jose.thumbprint(KEY)
    with pytest.raises(dpop.InvalidProofError, match="replayed"):
        check(verifier, proof)
    assert check(verifier, a_proof(clock)) == jose.thumbprint(KEY)


def test_a_proof_carries_no_private_key() -> None:
    header, _ = jose.peek(a_proof(FixedClock()))
    assert set(header["jwk"]) == {"kty", "crv", "x"}


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"htm": "GET"}, "other_method"),
        ({"htm": None}, "other_method"),
        ({"htu": "https://node.example/v1/other"}, "other_url"),
        ({"htu": "http://node.example/v1/messages"}, "other_url"),
        ({"htu": "https://evil.example/v1/messages"}, "other_url"),
        ({"htu": "https://[broken"}, "other_url"),
        ({"htu": "https://node.example:99999/v1/messages"}, "other_url"),
        ({"htu": 7}, "other_url"),
        ({"iat": None}, "no_iat"),
        ({"iat": True}, "no_iat"),
        ({"iat": "now"}, "no_iat"),
        ({"ath": None}, "other_token"),
        ({"ath": base64.b64encode(hashlib.sha256(b"other").digest()).decode()}, "other_token"),
        ({"jti": None}, "no_jti"),
        ({"jti": ""}, "no_jti"),
        ({"jti": "x" * 256}, "no_jti"),
    ],
)
def test_a_proof_for_something_else_is_refused(claims: dict[str, Any], reason: str) -> None:
    clock = FixedClock()
    with pytest.raises(dpop.InvalidProofError, match=reason):
        check(dpop.ProofVerifier(clock), forged(clock, **claims))


@pytest.mark.parametrize("seconds", [-62, 62, -100_000, 100_000])
def test_a_stale_or_early_proof_is_refused(seconds: int) -> None:
    clock = FixedClock()
    proof = a_proof(clock)
    clock.advance(timedelta(seconds=seconds))
    with pytest.raises(dpop.InvalidProofError, match="stale"):
        check(dpop.ProofVerifier(clock), proof)


@pytest.mark.parametrize(
    "header",
    [
        {"jwk": {}},
        {"jwk": jose.public_jwk(jose.generate_signing_key())},
        {"jwk": jose.public_jwk(jose.generate_encryption_key())},
        {"jwk": KEY.as_dict(private=True)},
        {"jwk": {"kty": "oct", "k": "AAAA"}},
        {"typ": "JWT"},
        {"typ": "at+jwt"},
    ],
)
def test_a_proof_that_its_own_key_does_not_verify_is_refused(header: dict[str, Any]) -> None:
    clock = FixedClock()
    with pytest.raises(dpop.InvalidProofError, match="not_a_proof"):
        check(dpop.ProofVerifier(clock), forged(clock, header=header))


def test_there_must_be_exactly_one_proof() -> None:
    clock = FixedClock()
    for proofs in ((), (a_proof(clock), a_proof(clock)), ("x" * 5000,)):
        with pytest.raises(dpop.InvalidProofError, match="not_exactly_one_proof"):
            check(dpop.ProofVerifier(clock), *proofs)
    with pytest.raises(dpop.InvalidProofError, match="not_a_proof"):
        check(dpop.ProofVerifier(clock), "a.b.c")


@pytest.mark.parametrize(
    "url",
    [
        "https://node.example:443/v1/messages",
        "HTTPS://NODE.example/v1/messages?x=1",
        "https://node.example/v1/messages#x",
    ],
)
def test_the_same_url_written_otherwise_is_the_same(url: str) -> None:
    clock = FixedClock()
    assert check(dpop.ProofVerifier(clock), forged(clock, htu=url))


def test_a_proof_from_the_future_cannot_be_replayed_as_long_as_it_would_pass() -> None:
    clock = FixedClock()
    verifier = dpop.ProofVerifier(clock)
    ahead = forged(clock, iat=int(clock.now.timestamp()) + 59)
    check(verifier, ahead)
    for _ in range(11):
        clock.advance(timedelta(seconds=10))
        check(verifier, a_proof(clock))
        with pytest.raises(dpop.InvalidProofError, match="replayed"):
            check(verifier, ahead)


def test_what_cannot_be_remembered_is_not_let_in() -> None:
    clock = FixedClock()
    verifier = dpop.ProofVerifier(clock, max_remembered=2)
    check(verifier, a_proof(clock))
    check(verifier, a_proof(clock))
    with pytest.raises(dpop.ReplayCacheFullError):
        check(verifier, a_proof(clock))
    clock.advance(timedelta(seconds=300))
    assert check(verifier, a_proof(clock))


def test_two_keys_may_use_the_same_jti() -> None:
    clock = FixedClock()
    verifier = dpop.ProofVerifier(clock)
    other = jose.generate_signing_key()
    check(verifier, forged(clock, jti="same"))
    claims = {"jti": "same", "htm": "POST", "htu": URL, "iat": int(clock.now.timestamp())}
    claims["ath"] = dpop.access_token_hash(TOKEN)
    header = {"jwk": {name: jose.public_jwk(other)[name] for name in ("kty", "crv", "x")}}
    assert check(verifier, jose.sign(claims, other, typ="dpop+jwt", header=header))


def test_at_the_token_endpoint_there_is_no_token_to_name() -> None:
    clock = FixedClock()
    endpoint = "https://issuer.example/oauth/token"
    proof = dpop.make_proof(KEY, "post", endpoint, now=clock.now)
    verifier = dpop.ProofVerifier(clock)
    assert verifier.check([proof], method="POST", url=endpoint) == jose.thumbprint(KEY)
