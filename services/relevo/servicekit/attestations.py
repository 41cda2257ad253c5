"""Verifying an attestation with nothing but a file: no network, no account, nobody is told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from joserfc.jwk import OKPKey
from pydantic import ValidationError

from relevo.contracts.attestation import (
    ATTESTATION_TYP,
    MAX_PRESENTATION_CHARS,
    NUMBERS,
    STATUS_LIST_TYP,
    TrustedIssuers,
    Verdict,
    folio,
    type_of,
)
from relevo.contracts.institution import DIRECTORY_ENTRY_TYP, KEY_SET_TYP, DirectoryEntry, KeySet

from . import jose, sd_jwt, status_list

_FORGED: Final = Verdict(result="not_genuine")


class UnknownIssuerError(LookupError):
    """The file of keys does not hold whoever is said to have signed, or not the key that is named."""


@dataclass(frozen=True)
class Issuer:
    """An institution that attests, with the keys that it signs with now or signed with before."""

    institution: str
    fingerprint: str
    keys: Mapping[str, OKPKey]


@dataclass
class Trust:
    """What a file of keys says, once its signatures were checked."""

    issuers: dict[str, Issuer] = field(default_factory=dict)
    lists: dict[str, dict[str, Any]] = field(default_factory=dict)


def read_trust(document: TrustedIssuers) -> Trust:
    """The issuers of a file. What is not signed as it should be is left out.

    Entries are accepted past their date: a verifier at a road's end has no newer ones, and what was
    signed then was signed.
    """
    gateways: dict[str, Mapping[str, OKPKey]] = {}
    for gateway in document.gateways:
        opened = _open_key_set(gateway.key_set, gateway.gateway)
        if opened is not None:
            gateways[gateway.gateway] = opened[1]
    trust = Trust()
    for jws in document.entries:
        issuer = _issuer(jws, gateways)
        if issuer is not None:
            trust.issuers[issuer.institution] = issuer
    for jws in document.status_lists:
        add_status_list(trust, jws)
    return trust


def add_status_list(trust: Trust, jws: str) -> bool:
    """Takes a list of revoked numbers if an issuer of the file signed it, and no newer one is there."""
    try:
        _, unverified = jose.peek(jws)
        issuer = trust.issuers[str(unverified.get("iss"))]
        claims = jose.verify(jws, issuer.keys, typ=STATUS_LIST_TYP)
    except (jose.JoseError, KeyError):
        return False
    before = trust.lists.get(issuer.institution)
    if before is None or _seconds(claims, "iat") > _seconds(before, "iat"):
        trust.lists[issuer.institution] = claims
    return True


def lasts_until(status_list: Mapping[str, Any]) -> int:
    """Until when a list counts as fresh, in seconds of the epoch; 0 when it does not say."""
    value = status_list.get("exp")
    return value if type(value) is int else 0


def verify(presentation: str, trust: Trust, *, now: datetime) -> Verdict:
    """What may be believed of a presentation at this moment."""
    if len(presentation) > MAX_PRESENTATION_CHARS:
        return _FORGED

    def keys_of(unverified: dict[str, Any]) -> Mapping[str, OKPKey]:
        issuer = trust.issuers.get(str(unverified.get("iss")))
        header, _ = jose.peek(presentation.strip().partition("~")[0])
        # A key newer than the file is nobody's forgery.
        if issuer is None or header.get("kid") not in issuer.keys:
            raise UnknownIssuerError
        return issuer.keys

    try:
        found = sd_jwt.verify(presentation.strip(), keys_of, typ=ATTESTATION_TYP)
        return _judge(found, trust, now)
    except UnknownIssuerError:
        return Verdict(result="unknown_issuer")
    except (jose.JoseError, ValidationError, KeyError, TypeError, ValueError, OverflowError):
        return _FORGED


def _judge(found: sd_jwt.Verified, trust: Trust, now: datetime) -> Verdict:
    claims = found.claims
    attested = type_of(claims["vct"])
    if attested is None:
        return _FORGED
    issuer = trust.issuers[claims["iss"]]
    number = claims["status"]["status_list"]["idx"]
    if type(number) is not int:
        return _FORGED
    issued, until = (datetime.fromtimestamp(_seconds(claims, name), UTC) for name in ("iat", "exp"))
    known = trust.lists.get(issuer.institution)
    revocation, revoked = _revocation(known, claims, now)
    return Verdict(
        result="revoked"
        if revoked
        else "expired"
        if now >= until
        else "not_yet_valid"
        if (issued - now).total_seconds() > 300
        else "valid",
        type=attested,
        issuer=issuer.institution,
        fingerprint=issuer.fingerprint,
        folio=folio(issuer.institution, number),
        issued_at=issued,
        valid_until=until,
        shown=found.shown,
        revocation=revocation,
        revocation_as_of=None
        if known is None or revocation == "unknown"
        else datetime.fromtimestamp(_seconds(known, "iat"), UTC),
    )


def _revocation(
    known: dict[str, Any] | None, claims: dict[str, Any], now: datetime
) -> tuple[Any, bool]:
    asked = claims["status"]["status_list"]
    if known is None or known.get("sub") != asked["uri"]:
        return "unknown", False
    revoked = status_list.is_revoked(known["status_list"], asked["idx"], size=NUMBERS)
    fresh = revoked or now.timestamp() < _seconds(known, "exp")
    return ("checked" if fresh else "stale"), revoked


def _issuer(jws: str, gateways: Mapping[str, Mapping[str, OKPKey]]) -> Issuer | None:
    try:
        _, unverified = jose.peek(jws)
        keys = gateways[str(unverified.get("iss"))]
        entry = DirectoryEntry.model_validate(jose.verify(jws, keys, typ=DIRECTORY_ENTRY_TYP))
    except (jose.JoseError, ValidationError, KeyError):
        return None
    opened = _open_key_set(entry.key_set.key_set, entry.profile.institution)
    return None if opened is None else Issuer(entry.profile.institution, *opened)


def _open_key_set(key_set: str, owner: str) -> tuple[str, Mapping[str, OKPKey]] | None:
    """Fingerprint of the identity key, and the signing keys of a set that it signed."""
    try:
        _, unverified = jose.peek(key_set)
        identity = jose.import_public_key(unverified.get("identity_key"), curve="Ed25519")
        claims = KeySet.model_validate(jose.verify(key_set, [identity], typ=KEY_SET_TYP))
        keys = {
            key.kid: jose.import_public_key(key.model_dump(), curve="Ed25519")
            for key in claims.keys
            if key.use == "sig"
        }
    except (jose.JoseError, ValidationError):
        return None
    return (jose.thumbprint(identity), keys) if claims.iss == owner else None


def _seconds(claims: Mapping[str, Any], name: str) -> int:
    value = claims[name]
    if type(value) is not int:
        raise ValueError("not a number of seconds")
    return value
