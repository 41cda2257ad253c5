"""The gateway's own keys, and the card by which it makes itself known to a peer."""

from datetime import datetime
from pathlib import Path

from joserfc.jwk import OKPKey

from relevo.contracts.institution import KEY_SET_TYP, KeySet, PeerGateway, PublicKey
from relevo.gateway.config import GatewaySettings
from relevo.gateway.exceptions import MissingKeysError
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
    claims = KeySet(
        iss=settings.gateway,
        iat=int(now.timestamp()),
        version=1,
        identity_key=public_key(made[IDENTITY]),
        keys=[public_key(made[SIGNING])],
    )
    key_set = jose.sign(claims.model_dump(), made[IDENTITY], typ=KEY_SET_TYP)
    (directory / KEY_SET_FILE).write_text(key_set + "\n", "ascii")
    return [directory / f"{name}.jwk" for name in made] + [directory / KEY_SET_FILE]


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
