"""What every operation of one issuer stands on."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from relevo.auth.authlib_server import KnownClient
from relevo.auth.config import AuthSettings
from relevo.auth.storage.signing_keys import SigningKeyStore
from relevo.servicekit.clock import Clock, SystemClock
from relevo.servicekit.database import Database


@dataclass
class Issuer:
    """One issuer: its name, its database, its clock, and what is kept in memory of both."""

    settings: AuthSettings
    database: Database
    clock: Clock
    keys: SigningKeyStore = field(init=False)
    known_clients: dict[str, KnownClient] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.keys = SigningKeyStore(self.settings.key_directory)

    @property
    def issuer(self) -> str:
        """The issuer identifier (RFC 8414 §2)."""
        return self.settings.base_url

    @property
    def token_endpoint(self) -> str:
        return f"{self.issuer}/oauth/token"


@contextlib.contextmanager
def open_issuer(settings: AuthSettings, *, clock: Clock | None = None) -> Iterator[Issuer]:
    """An issuer without HTTP, for the command line; closes its database afterwards."""
    database = Database(settings.database_url)
    try:
        yield Issuer(settings, database, clock or SystemClock())
    finally:
        database.close()
