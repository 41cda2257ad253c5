"""The gateway's own keys, and the card by which it makes itself known to a peer."""

from datetime import datetime
from pathlib import Path

from joserfc.jwk import OKPKey

from relevo.contracts.institution import KEY_SET_TYP, KeySet, PeerGateway, PublicKey
from relevo.gateway.config import GatewaySettings
from relevo.gateway.domain.key_sets import open_key_set
from relevo.gateway.exceptions import MissingKeysError, RotationError
from relevo.servicekit import jose

from .context import CLIENT, IDENTITY, SIGNING, GatewayKeys

KEY_SET_FILE = "key-set.jws"


def init(settings: GatewaySettings, *, now: datetime) -> list[Path]:
    """Makes identity, signing and client key, and the key set that the identity key signs.

    Raises:
        FileExistsError: There are keys already; they are never replaced.
    """
    directory = settings.key_directory
    made = {name: jose.generate_signing_key() for name in (IDENTITY, SIGNING, CLIENT)}
    for name, key in made.items():
        jose.save_key(directory / f"{name}.jwk", key)
    _publish(settings, made[IDENTITY], version=1, now=now)
    return [directory / f"{name}.jwk" for name in made] + [directory / KEY_SET_FILE]


def announce_next(settings: GatewaySettings, *, now: datetime) -> KeySet:
    """Makes the signing key that comes next and publishes it; the one in use goes on signing.

    Raises:
        MissingKeysError: There are no keys yet.
        RotationError: One is announced already.
    """
    keys, former = GatewayKeys.load(settings), _published(settings)
    if _next(settings).exists():
        raise RotationError("the next key is announced already: use it, with --use")
    jose.save_key(_next(settings), jose.generate_signing_key())
    return _publish(settings, keys.identity, version=former.version + 1, now=now)


def use_next(settings: GatewaySettings, *, now: datetime) -> KeySet:
    """From the next start on the announced key signs; the one before it still verifies.

    Raises:
        MissingKeysError: There are no keys yet.
        RotationError: None is announced.
    """
    keys, former = GatewayKeys.load(settings), _published(settings)
    if not _next(settings).exists():
        raise RotationError("no key is announced: do that first, and give peers the new card")
    signing = settings.key_directory / f"{SIGNING}.jwk"
    retired = settings.key_directory / f"{SIGNING}.retired-{now:%Y-%m-%d}-{former.version}.jwk"
    signing.rename(retired)
    _next(settings).rename(signing)
    return _publish(settings, keys.identity, version=former.version + 1, now=now)


def _next(settings: GatewaySettings) -> Path:
    return settings.key_directory / f"{SIGNING}.next.jwk"


def _published(settings: GatewaySettings) -> KeySet:
    return open_key_set(own_key_set(settings), settings.gateway).claims


def _publish(settings: GatewaySettings, identity: OKPKey, *, version: int, now: datetime) -> KeySet:
    directory = settings.key_directory
    claims = KeySet(
        iss=settings.gateway,
        iat=int(now.timestamp()),
        version=version,
        identity_key=public_key(identity),
        keys=[public_key(key) for key in jose.load_keys(directory, SIGNING)],
    )
    key_set = jose.sign(claims.model_dump(), identity, typ=KEY_SET_TYP)
    # Whole or not at all: a running gateway reads this file.
    draft = directory / f"{KEY_SET_FILE}.new"
    draft.write_text(key_set + "\n", "ascii")
    draft.replace(directory / KEY_SET_FILE)
    return claims


def own_key_set(settings: GatewaySettings) -> str:
    """The gateway's signed key set.

    Raises:
        MissingKeysError: There is none yet.
    """
    try:
        return (settings.key_directory / KEY_SET_FILE).read_text("ascii").strip()
    except FileNotFoundError:
        raise MissingKeysError(
            f"no {KEY_SET_FILE} in {settings.key_directory}: run `relevo gateway init`"
        ) from None


def card(settings: GatewaySettings, *, agreement: str = "to be named") -> PeerGateway:
    """What a peer needs to know of this gateway.

    Raises:
        MissingKeysError: There are no keys yet.
    """
    return PeerGateway(
        gateway=settings.gateway,
        url=settings.base_url,
        countries=settings.countries,
        key_set=own_key_set(settings),
        client_key=public_key(GatewayKeys.load(settings).client),
        agreement=agreement,
    )


def public_key(key: OKPKey) -> PublicKey:
    """The published form of one of our keys."""
    members = jose.public_jwk(key)
    return PublicKey(
        kty="OKP",
        crv=members["crv"],
        x=members["x"],
        kid=members["kid"],
        use="enc" if members["crv"] == "X25519" else "sig",
    )
