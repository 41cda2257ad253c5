"""Signing (Ed25519, RFC 8037 and 9864) and sealing (ECDH-ES over X25519, A256GCM, RFC 7518).

One algorithm each, never chosen by the token's header.

```
JoseError
├── MalformedTokenError     not a compact token of ours: shape, header, `typ`, claims
├── BadSignatureError       no given key made this signature
├── UndecryptableError      no given key opens it, or it is damaged
└── InvalidKeyError         not an Ed25519 or X25519 JSON Web Key
```
"""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from joserfc import errors, jwe, jws
from joserfc.jwk import OKPKey
from joserfc.util import urlsafe_b64decode, urlsafe_b64encode

from . import json_input

SIGNATURE_ALGORITHM: Final = "Ed25519"
MAX_TOKEN_BYTES: Final = 1024 * 1024
"""Nothing larger is decoded; each use has its own, lower limit."""
MAX_KEYS_TRIED: Final = 16

Keys = Sequence[OKPKey] | Mapping[str, OKPKey]


class JoseError(ValueError):
    """Something signed or sealed is refused. Its text never contains the token."""


class MalformedTokenError(JoseError):
    pass


class BadSignatureError(JoseError):
    pass


class UndecryptableError(JoseError):
    pass


class InvalidKeyError(JoseError):
    pass


class _SignatureRegistry(jws.JWSRegistry):
    # The library's defaults are for access tokens; an envelope is larger.
    max_header_length = 4096
    max_payload_length = MAX_TOKEN_BYTES


class _SealRegistry(jwe.JWERegistry):
    max_protected_header_length = 4096
    max_ciphertext_length = MAX_TOKEN_BYTES


_SIGNATURES: Final = _SignatureRegistry(algorithms=[SIGNATURE_ALGORITHM])
# No "DEF" in the list: compressed content is refused, so it cannot expand.
_SEALS: Final = _SealRegistry(algorithms=["ECDH-ES", "A256GCM"])


# -- keys -----------------------------------------------------------------------------------------


def generate_signing_key(kid: str | None = None) -> OKPKey:
    """A new Ed25519 key; its `kid` is its RFC 7638 thumbprint unless given."""
    return _named(OKPKey.generate_key("Ed25519"), kid, use="sig", alg=SIGNATURE_ALGORITHM)


def generate_encryption_key(kid: str | None = None) -> OKPKey:
    """A new X25519 key; its `kid` is its RFC 7638 thumbprint unless given."""
    return _named(OKPKey.generate_key("X25519"), kid, use="enc", alg="ECDH-ES")


def _named(key: OKPKey, kid: str | None, *, use: str, alg: str) -> OKPKey:
    members = key.as_dict(private=True)
    return OKPKey.import_key(
        {**members, "kid": kid or key.thumbprint(), "use": use, "alg": alg},
    )


def thumbprint(key: OKPKey) -> str:
    """RFC 7638, SHA-256."""
    return key.thumbprint()


def key_id(key: OKPKey) -> str:
    """The key's `kid`, or its thumbprint when it has none."""
    return key.kid or key.thumbprint()


def public_jwk(key: OKPKey) -> dict[str, Any]:
    """What may be published of a key."""
    members: dict[str, Any] = dict(key.as_dict(private=False))
    return {**members, "kid": key_id(key)}


def import_public_key(jwk: Any, *, curve: Literal["Ed25519", "X25519"] | None = None) -> OKPKey:
    """A public key that somebody sent.

    Raises:
        InvalidKeyError: It is another kind of key, of another curve, or holds a private part.
    """
    key = _import_key(jwk)
    if key.is_private:
        raise InvalidKeyError("a private key was sent where a public one belongs")
    if curve is not None and key.curve_name != curve:
        raise InvalidKeyError(f"not a key of the curve {curve}")
    return key


def import_key_set(document: Any, *, curve: Literal["Ed25519", "X25519"]) -> dict[str, OKPKey]:
    """The public keys of a JSON Web Key Set by `kid`; keys of other kinds are passed over.

    Raises:
        InvalidKeyError: It is not a key set.
    """
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise InvalidKeyError("not a JSON Web Key Set")
    keys: dict[str, OKPKey] = {}
    for entry in entries[:MAX_KEYS_TRIED]:
        try:
            key = import_public_key(entry, curve=curve)
        except InvalidKeyError:
            continue  # RFC 7517 §5: ignore what is not understood
        keys[key_id(key)] = key
    return keys


def _import_key(jwk: Any) -> OKPKey:
    if not isinstance(jwk, dict) or jwk.get("kty") != "OKP":
        raise InvalidKeyError("not a JSON Web Key of type OKP")
    if jwk.get("crv") not in {"Ed25519", "X25519"}:
        raise InvalidKeyError("neither an Ed25519 nor an X25519 key")
    if not isinstance(jwk.get("kid", ""), str):
        raise InvalidKeyError("kid is no text")
    try:
        key = OKPKey.import_key(jwk)
        key.thumbprint()
        if key.is_private and key.as_dict(private=False)["x"] != _raw_public(key):
            raise InvalidKeyError("the public part does not belong to the private one")
    except (errors.JoseError, ValueError, KeyError, TypeError):
        raise InvalidKeyError("not a usable JSON Web Key") from None
    return key


def _raw_public(key: OKPKey) -> str:
    return urlsafe_b64encode(key.public_key.public_bytes_raw()).decode("ascii")


def save_key(path: Path, key: OKPKey) -> None:
    """Write a private key where only its owner may read it; an existing file is never replaced.

    Raises:
        FileExistsError: There is a key already.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(key.as_dict(private=True), file, indent=2, sort_keys=True)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())


def load_key(path: Path) -> OKPKey:
    """A private key that `save_key` wrote.

    Raises:
        InvalidKeyError: The file holds no private key.
    """
    try:
        key = _import_key(json_input.parse(path.read_bytes()))
    except json_input.JsonInputError:
        raise InvalidKeyError(f"{path} holds no JSON Web Key") from None
    if not key.is_private:
        raise InvalidKeyError(f"{path} holds no private key")
    return key


def load_keys(directory: Path, name: str) -> list[OKPKey]:
    """Private keys `<name>.jwk` and `<name>.<anything>.jwk` of a directory; the first one signs.

    `<name>.jwk` comes first, then the others by file name: put a retired key beside it as
    `<name>.retired-2026-01.jwk` and it still opens and verifies.
    """
    current = directory / f"{name}.jwk"
    files = [current] if current.exists() else []
    files += sorted(directory.glob(f"{name}.*.jwk"))
    return [load_key(file) for file in files]


# -- signing --------------------------------------------------------------------------------------


def sign(
    claims: Mapping[str, Any] | bytes,
    key: OKPKey,
    *,
    typ: str,
    header: Mapping[str, Any] | None = None,
) -> str:
    """A compact JWS. `header` adds protected members (a DPoP proof carries its `jwk`)."""
    payload = (
        claims
        if isinstance(claims, bytes)
        else json.dumps(claims, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
    )
    protected = {"alg": SIGNATURE_ALGORITHM, "typ": typ, "kid": key_id(key), **(header or {})}
    return jws.serialize_compact(protected, payload, key, registry=_SIGNATURES)


def verify(token: str, keys: Keys, *, typ: str) -> dict[str, Any]:
    """The claims of a token that one of the keys signed.

    Raises:
        MalformedTokenError: It is no such token, or its `typ` is another.
        BadSignatureError: None of the keys signed it.
    """
    header, claims = peek(token)
    found = header.get("typ")
    if not isinstance(found, str) or _media_type(found) != _media_type(typ):
        raise MalformedTokenError("another kind of token")
    # No extension of RFC 7515 is in use here (`crit`), nor unencoded payloads (RFC 7797).
    if header.get("alg") != SIGNATURE_ALGORITHM or "crit" in header or "b64" in header:
        raise MalformedTokenError("another way of signing")
    signed, _, signature = token.rpartition(".")
    made = _base64url(signature)
    for key in _candidates(header.get("kid"), keys):
        try:
            verify_raw(signed.encode("ascii"), made, key)
        except BadSignatureError:
            continue
        return claims
    raise BadSignatureError("no given key made this signature")


def _media_type(typ: str) -> str:
    # RFC 7515 §4.1.9: "application/" may be left out, and case does not count.
    return typ.lower().removeprefix("application/")


def _candidates(kid: Any, keys: Keys) -> list[OKPKey]:
    known = list(keys.values()) if isinstance(keys, Mapping) else list(keys)
    if isinstance(kid, str):
        named = keys.get(kid) if isinstance(keys, Mapping) else None
        if named is not None:
            return [named]
        return [key for key in known if key.kid == kid or key.thumbprint() == kid]
    return known[:MAX_KEYS_TRIED]


def peek(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a compact JWS that nobody has verified yet.

    Raises:
        MalformedTokenError: It is not a compact JWS with a JSON object inside.
    """
    if len(token) > MAX_TOKEN_BYTES or token.count(".") != 2:
        raise MalformedTokenError("not a compact token")
    first, second, _ = token.split(".")
    return _json_object(first), _json_object(second)


def _base64url(segment: str) -> bytes:
    try:
        return urlsafe_b64decode(segment.encode("ascii"))
    except ValueError:  # also what binascii raises
        raise MalformedTokenError("not base64url") from None


def _json_object(segment: str) -> dict[str, Any]:
    try:
        value = json_input.parse(_base64url(segment))
    except json_input.JsonInputError:
        raise MalformedTokenError("not JSON") from None
    if not isinstance(value, dict):
        raise MalformedTokenError("not a JSON object")
    return value


def sign_raw(data: bytes, key: OKPKey) -> bytes:
    """64 bytes of Ed25519 signature, for forms that are not JOSE (ledger checkpoints)."""
    private = key.private_key
    if not isinstance(private, Ed25519PrivateKey):
        raise InvalidKeyError("not an Ed25519 private key")
    return private.sign(data)


def verify_raw(data: bytes, signature: bytes, key: OKPKey) -> None:
    """Check what `sign_raw` made.

    Raises:
        BadSignatureError: The key did not sign this.
    """
    public = key.public_key
    if not isinstance(public, Ed25519PublicKey):
        raise InvalidKeyError("not an Ed25519 key")
    try:
        public.verify(signature, data)
    except Exception:  # noqa: BLE001 - InvalidSignature, or a signature of a wrong length
        raise BadSignatureError("the key did not make this signature") from None


# -- sealing --------------------------------------------------------------------------------------


def seal(plaintext: bytes, recipient_public: OKPKey, *, apu: str, apv: str) -> str:
    """A compact JWE that only the recipient opens; `apu` names the source, `apv` the recipient.

    Both enter the key derivation (RFC 7518 §4.6.2), so neither can be changed afterwards.
    """
    protected = {
        "alg": "ECDH-ES",
        "enc": "A256GCM",
        "kid": key_id(recipient_public),
        "apu": urlsafe_b64encode(apu.encode()).decode("ascii"),
        "apv": urlsafe_b64encode(apv.encode()).decode("ascii"),
    }
    try:
        return jwe.encrypt_compact(protected, plaintext, recipient_public, registry=_SEALS)
    except (errors.JoseError, ValueError) as error:
        raise InvalidKeyError("cannot seal for this key") from error


def open_sealed(token: str, keys: Keys) -> tuple[dict[str, Any], bytes]:
    """Protected header and content of a compact JWE.

    Raises:
        UndecryptableError: It was not sealed for any of the keys, or is damaged.
    """
    if len(token) > MAX_TOKEN_BYTES or token.count(".") != 4:
        raise UndecryptableError("not a compact sealed token")
    try:
        header = _json_object(token.partition(".")[0])
    except MalformedTokenError:
        raise UndecryptableError("unreadable header") from None
    if header.get("alg") != "ECDH-ES" or header.get("enc") != "A256GCM" or "zip" in header:
        raise UndecryptableError("another way of sealing")
    for key in _candidates(header.get("kid"), keys):
        try:
            opened = jwe.decrypt_compact(token, key, registry=_SEALS)
        except Exception:  # noqa: BLE001, S112 - whatever the damage, the answer is the same
            continue
        if opened.plaintext is not None:
            return header, opened.plaintext
    raise UndecryptableError("no given key opens this")


def parties(header: Mapping[str, Any]) -> tuple[str, str]:
    """Source and recipient that a sealed token's header names (`apu`, `apv`).

    Raises:
        UndecryptableError: It names none.
    """
    try:
        source, recipient = (
            urlsafe_b64decode(str(header[name]).encode("ascii")).decode("utf-8")
            for name in ("apu", "apv")
        )
    except (KeyError, ValueError):
        raise UndecryptableError("the header names no source and recipient") from None
    return source, recipient
