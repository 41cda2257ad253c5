import base64
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import OctKey

from relevo.servicekit import jose

SIGNER = jose.generate_signing_key()
OTHER = jose.generate_signing_key()
RECIPIENT = jose.generate_encryption_key()
TYP = "relevo-test+jwt"


def encoded(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_a_signed_token_verifies_with_the_public_key_alone() -> None:
    public = jose.import_public_key(jose.public_jwk(SIGNER), curve="Ed25519")
    token = jose.sign({"sub": "mañana"}, SIGNER, typ=TYP)
    assert jose.verify(token, [OTHER, public], typ=TYP) == {"sub": "mañana"}
    assert jose.verify(token, {jose.key_id(SIGNER): public}, typ="application/" + TYP)
    assert jose.peek(token)[0] == {"alg": "Ed25519", "typ": TYP, "kid": jose.thumbprint(SIGNER)}


def test_a_token_of_another_key_is_refused_even_under_the_same_kid() -> None:
    forged = jose.sign({"sub": "x"}, OTHER, typ=TYP, header={"kid": jose.key_id(SIGNER)})
    with pytest.raises(jose.BadSignatureError):
        jose.verify(forged, [SIGNER], typ=TYP)
    with pytest.raises(jose.BadSignatureError):
        jose.verify(jose.sign({}, OTHER, typ=TYP), [SIGNER], typ=TYP)


def test_a_token_of_another_type_is_refused() -> None:
    with pytest.raises(jose.MalformedTokenError):
        jose.verify(jose.sign({}, SIGNER, typ="dpop+jwt"), [SIGNER], typ=TYP)


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none", "typ": TYP},
        {"alg": "HS256", "typ": TYP},
        {"alg": "EdDSA", "typ": TYP},
        {"typ": TYP},
        {"alg": "Ed25519", "typ": TYP, "crit": ["exp"], "exp": 1},
        {"alg": "Ed25519", "typ": TYP, "b64": False, "crit": ["b64"]},
        {"alg": ["Ed25519"], "typ": TYP},
        {"alg": "Ed25519", "typ": 1},
        {"alg": "Ed25519"},
    ],
)
def test_the_header_chooses_nothing(header: dict[str, Any]) -> None:
    signature = jose.sign({"a": 1}, SIGNER, typ=TYP).rpartition(".")[2]
    with pytest.raises(jose.MalformedTokenError):
        jose.verify(f"{encoded(header)}.{encoded({'a': 1})}.{signature}", [SIGNER], typ=TYP)


def test_a_public_key_is_no_shared_secret() -> None:
    secret = OctKey.import_key(SIGNER.public_key.public_bytes_raw())
    confused = jws.serialize_compact({"alg": "HS256", "typ": TYP}, b"{}", secret)
    with pytest.raises(jose.MalformedTokenError):
        jose.verify(confused, [SIGNER], typ=TYP)


@pytest.mark.parametrize(
    "token",
    ["", ".", "..", "...", "a.b.c", "e30.e30.", "e30=.e30.x", "W10.e30.x", "é.e30.x", "x" * 2_000_000]
    + [f"{encoded({'alg': 'Ed25519', 'typ': TYP})}.{body}.AAAA" for body in ("W10", "", "bm8")],
)  # fmt: skip
def test_what_is_no_token_is_malformed(token: str) -> None:
    with pytest.raises(jose.MalformedTokenError):
        jose.verify(token, [SIGNER], typ=TYP)


@given(position=st.integers(min_value=0), symbol=st.sampled_from("AZaz09-_."))
def test_no_changed_symbol_goes_unnoticed(position: int, symbol: str) -> None:
    token = jose.sign({"aud": "gt.igm", "n": 1}, SIGNER, typ=TYP)
    at = position % len(token)
    changed = token[:at] + symbol + token[at + 1 :]
    if changed != token:
        with pytest.raises(jose.JoseError):
            jose.verify(changed, [SIGNER], typ=TYP)


def test_an_envelopes_size_is_signed_and_verified() -> None:
    claims = {"content": "x" * 300_000}
    assert jose.verify(jose.sign(claims, SIGNER, typ=TYP), [SIGNER], typ=TYP) == claims


@pytest.mark.parametrize("size", [0, 1, 1024, 262_144])
def test_only_the_recipient_opens_what_is_sealed(size: int) -> None:
    public = jose.import_public_key(jose.public_jwk(RECIPIENT), curve="X25519")
    sealed = jose.seal(b"x" * size, public, apu="mx.albergue-tapachula", apv="gt.igm")
    header, content = jose.open_sealed(sealed, [jose.generate_encryption_key(), RECIPIENT])
    assert content == b"x" * size
    assert jose.parties(header) == ("mx.albergue-tapachula", "gt.igm")
    with pytest.raises(jose.UndecryptableError):
        jose.open_sealed(sealed, [jose.generate_encryption_key()])
    with pytest.raises(jose.UndecryptableError):
        jose.open_sealed(sealed, [jose.generate_encryption_key(kid=jose.key_id(RECIPIENT))])


@given(cut=st.integers(min_value=1, max_value=400))
def test_a_truncated_seal_does_not_open(cut: int) -> None:
    sealed = jose.seal(b"secret", RECIPIENT, apu="a", apv="b")
    with pytest.raises(jose.UndecryptableError):
        jose.open_sealed(sealed[:-cut] if cut < len(sealed) else "", [RECIPIENT])


@given(position=st.integers(min_value=0), symbol=st.sampled_from("AZaz09-_."))
def test_no_changed_symbol_of_a_seal_goes_unnoticed(position: int, symbol: str) -> None:
    sealed = jose.seal(b"secret", RECIPIENT, apu="a", apv="b")
    at = position % len(sealed)
    changed = sealed[:at] + symbol + sealed[at + 1 :]
    if changed != sealed:
        with pytest.raises(jose.UndecryptableError):
            jose.open_sealed(changed, [RECIPIENT])


def test_source_and_recipient_cannot_be_renamed() -> None:
    header, _, rest = jose.seal(b"secret", RECIPIENT, apu="a", apv="b").partition(".")
    members = json.loads(base64.urlsafe_b64decode(header + "=="))
    members["apu"] = encoded("c")
    with pytest.raises(jose.UndecryptableError):
        jose.open_sealed(f"{encoded(members)}.{rest}", [RECIPIENT])


def test_a_point_of_low_order_is_no_recipient() -> None:
    zero = {"kty": "OKP", "crv": "X25519", "x": base64.urlsafe_b64encode(bytes(32)).decode()[:43]}
    with pytest.raises(jose.InvalidKeyError):
        jose.seal(b"secret", jose.import_public_key(zero), apu="a", apv="b")


@pytest.mark.parametrize(
    "jwk",
    [
        None,
        [],
        {},
        {"kty": "oct", "k": "AAAA"},
        {"kty": "OKP"},
        {"kty": "OKP", "crv": "Ed448", "x": "AAAA"},
        {"kty": "OKP", "crv": "Ed25519"},
        {"kty": "OKP", "crv": "Ed25519", "x": 1},
        {"kty": "OKP", "crv": "Ed25519", "x": "AAAA"},
        {"kty": "OKP", "crv": "Ed25519", "x": "!!!!"},
        {**jose.public_jwk(SIGNER), "kid": ["x"]},
        SIGNER.as_dict(private=True),
        jose.public_jwk(RECIPIENT),
    ],
)
def test_what_is_no_public_signing_key_is_refused(jwk: Any) -> None:
    with pytest.raises(jose.InvalidKeyError):
        jose.import_public_key(jwk, curve="Ed25519")


def test_a_key_set_passes_over_what_it_does_not_know() -> None:
    keys = [{"kty": "AKP", "alg": "ML-DSA-44"}, jose.public_jwk(RECIPIENT), jose.public_jwk(SIGNER)]
    assert list(jose.import_key_set({"keys": keys}, curve="Ed25519")) == [jose.key_id(SIGNER)]
    with pytest.raises(jose.InvalidKeyError):
        jose.import_key_set({"keys": "x"}, curve="Ed25519")


def test_a_published_key_holds_no_private_part() -> None:
    assert "d" not in jose.public_jwk(SIGNER)


def test_a_saved_key_is_its_owners_alone_and_is_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "identity.jwk"
    jose.save_key(path, SIGNER)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert jose.thumbprint(jose.load_key(path)) == jose.thumbprint(SIGNER)
    with pytest.raises(FileExistsError):
        jose.save_key(path, OTHER)


def test_the_current_key_comes_before_retired_ones(tmp_path: Path) -> None:
    jose.save_key(tmp_path / "sealing.2025.jwk", RECIPIENT)
    current = jose.generate_encryption_key()
    jose.save_key(tmp_path / "sealing.jwk", current)
    loaded = jose.load_keys(tmp_path, "sealing")
    assert [key.kid for key in loaded] == [current.kid, RECIPIENT.kid]
    assert jose.load_keys(tmp_path, "signing") == []


def test_a_damaged_key_file_is_named(tmp_path: Path) -> None:
    for content in ("", "{}", json.dumps(jose.public_jwk(SIGNER))):
        (tmp_path / "identity.jwk").write_text(content)
        with pytest.raises(jose.InvalidKeyError, match=r"identity\.jwk|JSON Web Key"):
            jose.load_key(tmp_path / "identity.jwk")


def test_a_key_whose_halves_do_not_belong_together_is_refused(tmp_path: Path) -> None:
    mixed = {**SIGNER.as_dict(private=True), "x": jose.public_jwk(OTHER)["x"]}
    (tmp_path / "k.jwk").write_text(json.dumps(mixed))
    with pytest.raises(jose.InvalidKeyError):
        jose.load_key(tmp_path / "k.jwk")


def test_raw_signatures_are_checked() -> None:
    signature = jose.sign_raw(b"checkpoint", SIGNER)
    jose.verify_raw(b"checkpoint", signature, SIGNER)
    for data, made in ((b"other", signature), (b"checkpoint", b"short")):
        with pytest.raises(jose.BadSignatureError):
            jose.verify_raw(data, made, SIGNER)
    with pytest.raises(jose.InvalidKeyError):
        jose.sign_raw(b"x", RECIPIENT)
