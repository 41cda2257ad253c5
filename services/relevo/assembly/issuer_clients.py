"""Clients of the issuer beside a service, registered from the machine that it runs on."""

from collections.abc import Sequence
from typing import Any

from relevo.auth.config import AuthSettings
from relevo.auth.domain.client import Client, ClientRegistration, KeySet, PublicKey
from relevo.auth.domain.key_rotation import KeyTimes
from relevo.auth.main import PACKAGE
from relevo.auth.operations import clients
from relevo.auth.operations.context import open_issuer
from relevo.auth.operations.signing_keys import rotate_keys
from relevo.contracts.institution import PublicKey as ListedKey
from relevo.contracts.problem import ProblemError
from relevo.servicekit.database import Database
from relevo.servicekit.migrations import upgrade


def migrate_issuer(settings: AuthSettings) -> None:
    """Brings the issuer's tables to this version."""
    database = Database(settings.database_url, pool_size=1)
    try:
        upgrade(database, PACKAGE)
    finally:
        database.close()


def key_set(*keys: ListedKey | dict[str, Any]) -> KeySet:
    """Public keys as the issuer lists them.

    Raises:
        ValidationError: One is no Ed25519 public key, or holds a private part.
    """
    found = [key if isinstance(key, dict) else key.model_dump() for key in keys]
    return KeySet(keys=tuple(PublicKey.model_validate(key) for key in found))


def register(settings: AuthSettings, registration: ClientRegistration, *, by: str) -> Client:
    """A new client.

    Raises:
        ProblemError: `client_exists`, or `enforcement_only_hands_over`.
    """
    with open_issuer(settings) as issuer:
        return clients.add_client(issuer, registration, by=by)


def register_service(settings: AuthSettings, registration: ClientRegistration, *, by: str) -> None:
    """A service of the federation; one that is known already gets these keys instead of its old."""
    with open_issuer(settings) as issuer:
        try:
            clients.add_client(issuer, registration, by=by)
        except ProblemError as problem:
            if problem.name != "client_exists":
                raise
            name = registration.client_id
            clients.replace_client_keys(issuer, name, registration.jwks, by=by)
            clients.resume_client(issuer, name, by=by)


def listed(settings: AuthSettings) -> list[Client]:
    """All clients by name."""
    found: list[Client] = []
    with open_issuer(settings) as issuer:
        while page := clients.list_clients(issuer, after=found[-1].client_id if found else ""):
            found += page
    return found


def suspend(settings: AuthSettings, client_id: str, *, by: str) -> Client:
    """No token from now on; those it has stop working within a minute.

    Raises:
        ProblemError: `not_found`.
    """
    with open_issuer(settings) as issuer:
        return clients.suspend_client(issuer, client_id, by=by)


def resume(settings: AuthSettings, client_id: str, *, by: str) -> Client:
    """Tokens again.

    Raises:
        ProblemError: `not_found`.
    """
    with open_issuer(settings) as issuer:
        return clients.resume_client(issuer, client_id, by=by)


def replace_keys(
    settings: AuthSettings, client_id: str, keys: Sequence[dict[str, Any]], *, by: str
) -> Client:
    """The client's whole key set from now on.

    Raises:
        ProblemError: `not_found`.
    """
    with open_issuer(settings) as issuer:
        return clients.replace_client_keys(issuer, client_id, key_set(*keys), by=by)


def new_signing_key(settings: AuthSettings, *, at_once: bool) -> KeyTimes:
    """A new key for signing tokens, published now; see `rotate_keys` for when it signs."""
    with open_issuer(settings) as issuer:
        return rotate_keys(issuer, at_once=at_once)


def get(settings: AuthSettings, client_id: str) -> Client:
    """One client.

    Raises:
        ProblemError: `not_found`.
    """
    with open_issuer(settings) as issuer:
        return clients.get_client(issuer, client_id)
