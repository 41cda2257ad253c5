"""Key sets that institutions and gateways sign for themselves."""

import base64
import hashlib
from dataclasses import dataclass

from joserfc.jwk import OKPKey
from pydantic import ValidationError

from relevo.contracts.institution import KEY_SET_TYP, KeySet
from relevo.servicekit import jose


class KeySetError(ValueError):
    """Not a key set that its own identity key signed."""


@dataclass(frozen=True, slots=True)
class OpenedKeySet:
    """A verified set. `signing` holds retired keys too, as long as the set still lists them."""

    claims: KeySet
    identity: OKPKey
    signing: dict[str, OKPKey]

    @property
    def fingerprint(self) -> str:
        """What people read to each other."""
        return jose.thumbprint(self.identity)


def open_key_set(key_set: str, owner: str) -> OpenedKeySet:
    """A set as its owner's identity key signed it.

    Raises:
        KeySetError: It is malformed, somebody else's, or signed by another key.
    """
    try:
        _, unverified = jose.peek(key_set)
        identity = jose.import_public_key(unverified.get("identity_key"), curve="Ed25519")
        claims = KeySet.model_validate(jose.verify(key_set, [identity], typ=KEY_SET_TYP))
        signing = {
            key.kid: jose.import_public_key(key.model_dump(), curve="Ed25519")
            for key in claims.keys
            if key.use == "sig"
        }
    except (jose.JoseError, ValidationError):
        raise KeySetError("not a key set signed by its identity key") from None
    if claims.iss != owner:
        raise KeySetError("the key set is somebody else's")
    if not signing:
        raise KeySetError("the key set holds no signing key")
    return OpenedKeySet(claims, identity, signing)


def digest_of(key_set: str) -> str:
    """SHA-256 of the exact bytes, base64url."""
    digest = hashlib.sha256(key_set.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode("ascii").rstrip("=")
