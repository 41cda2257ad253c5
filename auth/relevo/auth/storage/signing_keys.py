"""The issuer's signing keys, in its database so that every process sees a rotation in the same moment."""

from base64 import urlsafe_b64encode
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from joserfc.jwk import OKPKey
from sqlalchemy import Connection, insert, select, update

from relevo.auth.domain.key_rotation import KeyTimes
from relevo.auth.exceptions import WrappingKeyError
from relevo.servicekit.database import exclusive
from relevo.servicekit.jose import generate_signing_key, key_id

from . import wrapping_key
from .tables import signing_key
from .wrapping_key import FILE_NAME, WrappingKey

_LOCK = "auth.signing_key"
_times = select(
    signing_key.c.kid,
    signing_key.c.published_at,
    signing_key.c.signs_from,
    signing_key.c.withdrawn_at,
)


class SigningKeyStore:
    """Opens private keys once and keeps them in memory by name."""

    def __init__(self, key_directory: Path) -> None:
        self._directory = key_directory
        self._wrapping: WrappingKey | None = None
        self._opened: dict[str, OKPKey] = {}

    def times(self, connection: Connection) -> list[KeyTimes]:
        """The lives of all keys, oldest first."""
        rows = connection.execute(_times.order_by(signing_key.c.signs_from))
        return [
            KeyTimes(row.kid, row.published_at, row.signs_from, row.withdrawn_at) for row in rows
        ]

    def private(self, connection: Connection, kid: str) -> OKPKey:
        """The key itself.

        Raises:
            WrappingKeyError: It cannot be opened here.
        """
        if kid not in self._opened:
            row = connection.execute(
                select(signing_key.c.wrapped_private).where(signing_key.c.kid == kid)
            ).one()
            wrapping = self._wrapping or wrapping_key.load(self._directory)
            if wrapping is None:
                raise WrappingKeyError(
                    f"{FILE_NAME} is missing from {self._directory}: copy it from where the signing "
                    "keys of this database were made"
                )
            self._wrapping = wrapping
            seed = wrapping.unwrap(bytes(row.wrapped_private), kid)
            public = self.public(connection, [kid])[0]
            members = public.as_dict(private=False)
            d = urlsafe_b64encode(seed).rstrip(b"=").decode()
            self._opened[kid] = OKPKey.import_key({**members, "d": d})
        return self._opened[kid]

    def public(self, connection: Connection, kids: Sequence[str]) -> list[OKPKey]:
        """What of these keys everybody may see, in the order asked for."""
        rows = connection.execute(
            select(signing_key.c.kid, signing_key.c.x).where(signing_key.c.kid.in_(kids))
        )
        found = {row.kid: row.x for row in rows}
        return [
            OKPKey.import_key(
                {
                    "kty": "OKP",
                    "crv": "Ed25519",
                    "x": found[kid],
                    "kid": kid,
                    "use": "sig",
                    "alg": "Ed25519",
                }
            )
            for kid in kids
        ]

    def lock(self, connection: Connection) -> None:
        """Until the transaction ends nobody else adds a key."""
        exclusive(connection, _LOCK)

    def new(self) -> OKPKey:
        """A key that is stored nowhere yet."""
        return generate_signing_key()

    def add(self, connection: Connection, key: OKPKey, times: KeyTimes) -> None:
        """Stores a key, wrapped."""
        if self._wrapping is None:
            self._wrapping = wrapping_key.load(self._directory)
        if self._wrapping is None:
            if any(known.withdrawn_at is None for known in self.times(connection)):
                raise WrappingKeyError(
                    f"{FILE_NAME} is missing from {self._directory}, and the database holds keys that "
                    "only it opens: copy it from where they were made"
                )
            self._wrapping = wrapping_key.create(self._directory)
        private = key.private_key
        if private is None:
            raise ValueError("a public key cannot sign")
        connection.execute(
            insert(signing_key),
            {
                "kid": key_id(key),
                "x": key.as_dict(private=False)["x"],
                "wrapped_private": self._wrapping.wrap(private.private_bytes_raw(), key_id(key)),
                "published_at": times.published_at,
                "signs_from": times.signs_from,
                "withdrawn_at": None,
            },
        )

    def withdraw_all(self, connection: Connection, *, now: datetime) -> None:
        """Takes every key out of the JWKS at once."""
        connection.execute(
            update(signing_key).where(signing_key.c.withdrawn_at.is_(None)).values(withdrawn_at=now)
        )
