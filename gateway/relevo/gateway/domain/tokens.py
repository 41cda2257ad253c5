"""Envelopes and slices as they arrive: compact JWS read fast, verified outside any transaction.

A hundred of them come in one batch, so the claims are validated from bytes in one step, and a header,
which is the same for every token of one key, is read once.
"""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Generic, TypeVar

from joserfc.jwk import OKPKey
from pydantic import ValidationError

from relevo.contracts.model import ContractModel
from relevo.servicekit import jose

T = TypeVar("T", bound=ContractModel)
Keys = Mapping[str, OKPKey]

_EMPTY_CLAIMS: Final = "e30"
_KNOWN_HEADERS: Final = 4096
_MAX_HEADER_CHARS: Final = 1024


class TokenError(ValueError):
    """Not a signed token of this kind; its text says where, never what stood there."""


@dataclass(slots=True)
class Token(Generic[T]):
    """A token whose signature nobody has checked yet."""

    claims: T
    digest: str
    kid: str | None
    signed_part: bytes
    signature: bytes


def read(token: str, model: type[T], *, typ: str) -> Token[T]:
    """The claims of a compact JWS, not yet verified.

    Raises:
        TokenError: It is not one, or its claims do not fit.
    """
    try:
        raw = token.encode("ascii")
        signed_part, _, signature = raw.rpartition(b".")
        header, _, payload = signed_part.partition(b".")
        kid = _kid(header.decode("ascii"), typ)
        claims = model.model_validate_json(_decode(payload))
        return Token(
            claims=claims,
            digest=hashlib.sha256(raw).hexdigest(),
            kid=kid,
            signed_part=signed_part,
            signature=_decode(signature),
        )
    except UnicodeEncodeError:
        raise TokenError("not ASCII") from None
    except ValidationError as error:
        places = sorted(
            {".".join(map(str, item["loc"][:1])) or "claims" for item in error.errors()}
        )
        raise TokenError("claims do not fit: " + ", ".join(places[:8])) from None
    except (binascii.Error, jose.MalformedTokenError, ValueError):
        raise TokenError("not a compact signed token") from None


def signer(token: Token[T], keys: Keys) -> str | None:
    """The id of the key that made the signature, when one of these did."""
    for kid, key in keys.items():
        if token.kid not in {None, kid}:
            continue
        try:
            jose.verify_raw(token.signed_part, token.signature, key)
        except jose.BadSignatureError:
            continue
        return kid
    return None


def _decode(segment: bytes) -> bytes:
    # RFC 7515 §2: no padding, no other alphabet. Strict, so that one content has one form.
    if b"=" in segment or b"+" in segment or b"/" in segment:
        raise binascii.Error("not base64url")
    return base64.b64decode(
        segment.translate(_TO_STANDARD) + b"=" * (-len(segment) % 4), validate=True
    )


_TO_STANDARD: Final = bytes.maketrans(b"-_", b"+/")


@lru_cache(maxsize=_KNOWN_HEADERS)
def _kid(header: str, typ: str) -> str | None:
    if len(header) > _MAX_HEADER_CHARS:
        raise TokenError("the header is too long")
    members, _ = jose.peek(f"{header}.{_EMPTY_CLAIMS}.")
    found, kid = members.get("typ"), members.get("kid")
    if not isinstance(found, str) or found.lower().removeprefix("application/") != typ:
        raise TokenError("another kind of token")
    if members.get("alg") != jose.SIGNATURE_ALGORITHM or "crit" in members or "b64" in members:
        raise TokenError("another way of signing")
    if kid is not None and not isinstance(kid, str):
        raise TokenError("the key id is no text")
    return kid
