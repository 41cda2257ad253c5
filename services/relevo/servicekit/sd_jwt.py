"""Selective disclosure for JWTs (RFC 9901), for credentials whose claims are flat.

Signed with Ed25519 alone, hashed with SHA-256 alone, without key binding: paper holds no key. Claims
that a type has and a person lacks are hidden behind decoy digests (§4.2.5), so that the number of
digests says nothing.
"""

import hashlib
import json
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from joserfc.jwk import OKPKey
from joserfc.util import urlsafe_b64decode, urlsafe_b64encode

from . import jose, json_input

HASH: Final = "sha-256"
_SALT_BYTES: Final = 16
_MAX_DISCLOSURES: Final = 64
_NEVER_HIDDEN: Final = frozenset(
    {"iss", "iat", "nbf", "exp", "cnf", "vct", "status", "_sd", "_sd_alg", "..."}
)


@dataclass(frozen=True)
class Disclosure:
    """One claim with its salt; `text` is what travels, byte for byte what was hashed."""

    name: str
    value: Any
    text: str

    @property
    def digest(self) -> str:
        """What stands in the signed part instead of the claim (§4.2.3)."""
        return digest_of(self.text)


@dataclass(frozen=True)
class Verified:
    """A presentation that its issuer signed: what always shows, and what the holder chose to show."""

    claims: dict[str, Any]
    shown: dict[str, Any]


def digest_of(disclosure: str) -> str:
    """SHA-256 of a disclosure's own characters, base64url."""
    return _encoded(hashlib.sha256(disclosure.encode("ascii")).digest())


def disclosure(name: str, value: Any, *, salt: str | None = None) -> Disclosure:
    """A claim behind a salt of its own, 128 random bits unless given."""
    fresh = salt or _encoded(secrets.token_bytes(_SALT_BYTES))
    array = json.dumps([fresh, name, value], ensure_ascii=False, separators=(",", ":"))
    return Disclosure(name, value, _encoded(array.encode()))


def issue(
    claims: Mapping[str, Any],
    hidden: Mapping[str, Any],
    key: OKPKey,
    *,
    typ: str,
    digests: int = 0,
) -> tuple[str, list[Disclosure]]:
    """The signed part, and one disclosure for each hidden claim.

    Args:
        claims: What always shows.
        hidden: What shows only when its disclosure is handed over.
        key: The issuer's.
        typ: Of the token.
        digests: How many digests there are at least; decoys make up the difference.
    """
    made = [disclosure(name, value) for name, value in hidden.items()]
    decoys = [
        _encoded(hashlib.sha256(secrets.token_bytes(32)).digest())
        for _ in range(digests - len(made))
    ]
    # Sorted, or the order would tell the decoys from the claims (§4.2.4.1).
    listed = sorted([one.digest for one in made] + decoys)
    return jose.sign({**claims, "_sd": listed, "_sd_alg": HASH}, key, typ=typ), made


def present(signed: str, disclosures: Sequence[Disclosure], show: Collection[str]) -> str:
    """What the holder hands over: the signed part and the disclosures that she chose (§4)."""
    chosen = [one.text for one in disclosures if one.name in show]
    return "~".join([signed, *chosen, ""])


def read_disclosure(text: str) -> Disclosure:
    """A disclosure of a flat claim.

    Raises:
        MalformedTokenError: It is none.
    """
    try:
        content = urlsafe_b64decode(text.encode("ascii"))
        array = json_input.parse(content)
    except ValueError:
        raise jose.MalformedTokenError("not a disclosure") from None
    if not isinstance(array, list) or len(array) != 3 or _encoded(content) != text:
        raise jose.MalformedTokenError("not a disclosure")
    salt, name, value = array
    if not isinstance(salt, str) or not isinstance(name, str) or name in _NEVER_HIDDEN:
        raise jose.MalformedTokenError("not a disclosure")
    return Disclosure(name, value, text)


def verify(
    presentation: str, keys_of: Callable[[dict[str, Any]], jose.Keys], *, typ: str
) -> Verified:
    """What a presentation shows, once its issuer's signature holds (§7.1).

    Args:
        presentation: As `present` made it.
        keys_of: The keys of whoever the claims say signed; they are not believed yet.
        typ: Of the token.

    Raises:
        MalformedTokenError: It is no such presentation, or a disclosure does not belong to it.
        BadSignatureError: None of the keys signed it.
    """
    signed, *texts, binding = presentation.split("~") if "~" in presentation else ["", "x"]
    if binding or not signed or len(texts) > _MAX_DISCLOSURES or not presentation.isascii():
        raise jose.MalformedTokenError("not a presentation without key binding")
    _, unverified = jose.peek(signed)
    if _encoded(_decoded(signed.rpartition(".")[2])) != signed.rpartition(".")[2]:
        # A lenient reader would take four signatures for one.
        raise jose.MalformedTokenError("not base64url as its issuer writes it")
    claims = jose.verify(signed, keys_of(unverified), typ=typ)
    listed = claims.pop("_sd", [])
    if claims.pop("_sd_alg", HASH) != HASH or not _are_digests(listed):
        raise jose.MalformedTokenError("another way of hiding claims")
    if "..." in claims:
        raise jose.MalformedTokenError("nothing but flat claims is hidden here")
    shown: dict[str, Any] = {}
    for one in map(read_disclosure, texts):
        if one.digest not in listed or one.name in shown or one.name in claims:
            raise jose.MalformedTokenError("a disclosure that does not belong to it")
        shown[one.name] = one.value
    return Verified(claims, shown)


def _are_digests(listed: Any) -> bool:
    return (
        isinstance(listed, list)
        and all(isinstance(one, str) for one in listed)
        and len(set(listed)) == len(listed)
    )


def _encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).decode("ascii")


def _decoded(text: str) -> bytes:
    try:
        return urlsafe_b64decode(text.encode("ascii"))
    except ValueError:
        raise jose.MalformedTokenError("not base64url") from None
