"""Who asks: a client's name and private key, and the assertion that proves it (RFC 7523 §3)."""

import json
from pathlib import Path
from typing import Any, Final

from joserfc import errors, jws
from joserfc.jwk import OKPKey

from .exceptions import SettingsError

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_SECONDS: Final = 60
_ALGORITHM: Final = "Ed25519"  # RFC 9864
_REGISTRY: Final = jws.JWSRegistry(algorithms=[_ALGORITHM])


class Credentials:
    """A client's name and its private key, an Ed25519 JSON Web Key (RFC 8037).

    Raises:
        SettingsError: The file holds no such key.
    """

    def __init__(self, client: str, key_file: Path) -> None:
        self.client = client
        self._key = _load(key_file)

    def assertion(self, issuer: str, *, jti: str, now: int) -> str:
        """A signed statement for one token request. `now` is in seconds since 1970."""
        claims = {
            "iss": self.client,
            "sub": self.client,
            "aud": issuer,
            "jti": jti,
            "iat": now,
            "exp": now + ASSERTION_SECONDS,
        }
        header = {
            "alg": _ALGORITHM,
            "typ": "JWT",
            "kid": self._key.kid or self._key.thumbprint(),
        }
        text = json.dumps(claims, separators=(",", ":")).encode()
        return jws.serialize_compact(header, text, self._key, registry=_REGISTRY)


def _load(path: Path) -> OKPKey:
    try:
        found: Any = json.loads(path.read_bytes())
    except OSError as error:
        raise SettingsError(f"The key {path} cannot be read: {error.strerror}.") from None
    except ValueError:
        raise SettingsError(f"{path} holds no JSON Web Key.") from None
    if not isinstance(found, dict) or (found.get("kty"), found.get("crv")) != ("OKP", "Ed25519"):
        raise SettingsError(f"{path} holds no Ed25519 JSON Web Key.")
    try:
        key = OKPKey.import_key(found)
        key.thumbprint()
    except (errors.JoseError, ValueError, KeyError, TypeError):
        raise SettingsError(f"{path} holds no key that can be used.") from None
    if not key.is_private:
        raise SettingsError(f"{path} holds no private key.")
    return key
