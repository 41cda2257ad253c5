"""Making an institution's keys, asking to join a gateway, and joining it."""

import time
from dataclasses import dataclass
from typing import Final

from joserfc.jwk import OKPKey
from sqlalchemy import Connection

from relevo.contracts.institution import (
    KEY_SET_TYP,
    REGISTRATION_TYP,
    InstitutionProfile,
    KeySet,
    PublicKey,
    Registration,
    SignedKeySet,
    Welcome,
)
from relevo.node.config import NodeSettings
from relevo.node.storage import peers
from relevo.node.storage.vault import DATA_KEYS, create_master_key
from relevo.servicekit import jose
from relevo.servicekit.clock import Clock
from relevo.servicekit.database import Database

from .context import CLIENT, ENCRYPTION, IDENTITY, SIGNING
from .directory import read_key_set

KEY_SET_FILE: Final = "key-set.jws"
"""The last key set that was applied with."""


@dataclass(frozen=True)
class Prepared:
    """A registration request, and the fingerprint to read out by telephone."""

    registration: str
    fingerprint: str


def make_keys(settings: NodeSettings) -> None:
    """Makes every key that is missing. None that exists is ever replaced."""
    folder = settings.key_directory
    for name, make in (
        (IDENTITY, jose.generate_signing_key),
        (SIGNING, jose.generate_signing_key),
        (ENCRYPTION, jose.generate_encryption_key),
        (CLIENT, jose.generate_signing_key),
    ):
        if not (folder / f"{name}.jwk").exists():
            jose.save_key(folder / f"{name}.jwk", make())
    if not settings.master_key_path.exists():
        create_master_key(settings.master_key_path)


def migrate_data_keys(settings: NodeSettings) -> None:
    """Makes the table of data keys in its own database."""
    database = Database(settings.data_key_database_url, pool_size=1)
    try:
        database.write_now(DATA_KEYS.create_all)
    finally:
        database.close()


def registration(settings: NodeSettings, profile: InstitutionProfile) -> Prepared:
    """The signed request with which an institution applies at its gateway.

    Its key set gets a higher version whenever it lists other keys than the last one did.
    """
    folder = settings.key_directory
    identity = jose.load_key(folder / f"{IDENTITY}.jwk")
    now = int(time.time())
    request = Registration(
        iss=settings.institution,
        iat=now,
        profile=profile,
        key_set=_key_set(settings, identity, now),
        client_key=public_key(jose.load_key(folder / f"{CLIENT}.jwk")),
    )
    signed = jose.sign(request.model_dump(mode="json"), identity, typ=REGISTRATION_TYP)
    return Prepared(signed, jose.thumbprint(identity))


def _key_set(settings: NodeSettings, identity: OKPKey, now: int) -> str:
    folder, kept = settings.key_directory, settings.key_directory / KEY_SET_FILE
    working = [
        # Retired ones too: what they signed is under way, and the running node signs with the last.
        *jose.load_keys(folder, SIGNING),
        *jose.load_keys(folder, ENCRYPTION)[:1],
    ]
    listed = [public_key(key) for key in working]
    version = 1
    if kept.exists():
        text = kept.read_text("ascii").strip()
        former = KeySet.model_validate(jose.verify(text, [identity], typ=KEY_SET_TYP))
        if former.keys == listed:
            return text
        version = former.version + 1
    claims = KeySet(
        iss=settings.institution,
        iat=now,
        version=version,
        identity_key=public_key(identity),
        keys=listed,
    )
    made = jose.sign(claims.model_dump(), identity, typ=KEY_SET_TYP)
    kept.write_text(made + "\n", "ascii")
    return made


def public_key(key: OKPKey) -> PublicKey:
    """The public half, as key sets list it."""
    members = jose.public_jwk(key)
    return PublicKey(**{name: members[name] for name in ("kty", "crv", "x", "kid", "use")})


def join(database: Database, welcome: Welcome, clock: Clock) -> str:
    """Remembers the gateway; gives the fingerprint of its identity key, to compare with its people.

    Raises:
        ProblemError: `key_changed`, the gateway's key set is not signed by its identity key.
    """
    fingerprint = gateway_fingerprint(welcome)

    def store(connection: Connection) -> None:
        peers.put_welcome(connection, welcome, now=clock.security())

    database.write_now(store)
    return fingerprint


def gateway_fingerprint(welcome: Welcome) -> str:
    """The fingerprint of the gateway's identity key, to compare with its people before joining.

    Raises:
        ProblemError: `key_changed`, the gateway's key set is not signed by its identity key.
    """
    identity, _ = read_key_set(SignedKeySet(key_set=welcome.gateway_key_set), welcome.gateway)
    return jose.thumbprint(identity)
