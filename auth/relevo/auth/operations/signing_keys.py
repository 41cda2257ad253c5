"""The issuer's signing keys: the one that signs now, those that are published, and rotation."""

from typing import Any

from joserfc.jwk import OKPKey
from sqlalchemy import Connection

from relevo.auth.domain.key_rotation import (
    KeyTimes,
    next_key_times,
    published_keys_at,
    signing_key_at,
)
from relevo.servicekit.jose import key_id, public_jwk

from .context import Issuer


def current_key(connection: Connection, issuer: Issuer) -> OKPKey:
    """The key that signs now; the first one is made when there is none."""
    now = issuer.clock.security()
    times = signing_key_at(issuer.keys.times(connection), now)
    if times is None:
        issuer.keys.lock(connection)
        times = signing_key_at(issuer.keys.times(connection), now)
    if times is None:
        times = _add_key(connection, issuer, at_once=True)
    return issuer.keys.private(connection, times.kid)


async def read_jwks(issuer: Issuer) -> dict[str, Any]:
    """The public keys by which tokens of this issuer are verified (RFC 7517)."""
    keys = await issuer.database.read(_published, issuer)
    if not keys:
        await issuer.database.write(current_key, issuer)
        keys = await issuer.database.read(_published, issuer)
    return {"keys": [public_jwk(key) for key in keys]}


def rotate_keys(issuer: Issuer, *, at_once: bool = False) -> KeyTimes:
    """Makes a new signing key and says when it begins to sign.

    It is published now and signs later, when every resource server has seen it; the old one is
    published until its last token has expired.

    Args:
        issuer: Whose keys.
        at_once: The old keys may have been copied: they leave the JWKS now and every token they
            signed ends; the new one signs at once. Resource servers may refuse tokens for the
            seconds it takes them to read the JWKS again.
    """
    return issuer.database.write_now(_rotate, issuer, at_once=at_once)


def _published(connection: Connection, issuer: Issuer) -> list[OKPKey]:
    times = published_keys_at(issuer.keys.times(connection), issuer.clock.security())
    return issuer.keys.public(connection, [key.kid for key in times])


def _rotate(connection: Connection, issuer: Issuer, *, at_once: bool) -> KeyTimes:
    issuer.keys.lock(connection)
    if at_once:
        issuer.keys.withdraw_all(connection, now=issuer.clock.security())
    return _add_key(connection, issuer, at_once=at_once)


def _add_key(connection: Connection, issuer: Issuer, *, at_once: bool) -> KeyTimes:
    key = issuer.keys.new()
    known = issuer.keys.times(connection)
    times = next_key_times(key_id(key), known, issuer.clock.security(), at_once=at_once)
    issuer.keys.add(connection, key, times)
    return times
