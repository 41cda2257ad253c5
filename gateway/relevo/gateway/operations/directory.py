"""Who is on the network: our own institutions from our table, others from entries that peers signed."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from joserfc.jwk import OKPKey
from pydantic import ValidationError
from sqlalchemy import Connection

from relevo.contracts.identifiers import country_of
from relevo.contracts.institution import (
    DIRECTORY_ENTRY_TYP,
    DirectoryEntry,
    InstitutionProfile,
    InstitutionState,
    ListedInstitution,
    SignedKeySet,
)
from relevo.gateway.domain.delivery import own_target
from relevo.gateway.domain.key_sets import KeySetError, open_key_set
from relevo.gateway.domain.policy import Party
from relevo.gateway.storage import institutions
from relevo.gateway.storage.institutions import HomeInstitution, RemoteEntry
from relevo.servicekit import jose
from relevo.servicekit.http_client import RefusedError, RetryableError
from relevo.servicekit.logging import get_logger

from .context import Gateway, Peer

MAX_REMEMBERED: Final = 10_000
ASK_AGAIN_AFTER: Final = timedelta(seconds=5)
"""After a peer could not be asked, or did not know an institution."""


@dataclass(frozen=True)
class Known:
    """An institution with its keys, ready to be used."""

    institution: str
    gateway: str
    state: InstitutionState
    profile: InstitutionProfile
    signing: dict[str, OKPKey]
    fingerprint: str
    valid_until: datetime | None = None
    parties: dict[str, Party] = field(default_factory=dict)
    message_types: frozenset[str] = frozenset()

    @property
    def target(self) -> str:
        """The queue of what is for it, if its home is here."""
        return own_target(self.institution, self.profile.delivery)

    def party(self, party: str) -> Party | None:
        """The institution or one of its units, as policies see it."""
        return self.parties.get(party)


@dataclass(frozen=True, slots=True)
class _Remote:
    known: Known | None
    """None when the peer says that there is no such institution."""
    entry: str
    asked_at: datetime


class Directory:
    """Reads rows and entries into `Known`, each once."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._home: dict[str, tuple[int, Known]] = {}
        self._remote: dict[str, _Remote] = {}
        self._failed_at: dict[str, datetime] = {}
        self._entries: dict[str, tuple[int, str, datetime]] = {}

    # -- our own -------------------------------------------------------------------------------------

    def home(self, connection: Connection, ids: Collection[str]) -> dict[str, Known]:
        """Those of these institutions that are at home here, as their rows stand now."""
        found = institutions.versions(connection, list(ids)) if ids else {}
        result: dict[str, Known] = {}
        changed: list[str] = []
        for name, version in found.items():
            remembered = self._home.get(name)
            if remembered is not None and remembered[0] == version:
                result[name] = remembered[1]
            else:
                changed.append(name)
        for row in institutions.get_many(connection, changed) if changed else []:
            known = self._from_row(row)
            if len(self._home) >= MAX_REMEMBERED:
                self._home.clear()
            self._home[row.institution] = (row.version, known)
            result[row.institution] = known
        return result

    def _from_row(self, row: HomeInstitution) -> Known:
        return _known(
            row.profile, row.state, row.key_set, gateway=self._gateway.name, valid_until=None
        )

    def signed_entry(self, row: HomeInstitution) -> str:
        """A home institution's entry, signed by this gateway; made anew at most once a minute."""
        now = self._gateway.security()
        made = self._entries.get(row.institution)
        if made and made[0] == row.version and timedelta() <= now - made[2] < timedelta(minutes=1):
            return made[1]
        validity = timedelta(hours=self._gateway.settings.directory_validity_hours)
        entry = DirectoryEntry(
            iss=self._gateway.name,
            iat=int(now.timestamp()),
            profile=row.profile,
            state=row.state,
            key_set=row.key_set,
            valid_until=int((now + validity).timestamp()),
        )
        jws = jose.sign(
            entry.model_dump(mode="json"), self._gateway.keys.signing[0], typ=DIRECTORY_ENTRY_TYP
        )
        if len(self._entries) >= MAX_REMEMBERED:
            self._entries.clear()
        self._entries[row.institution] = (row.version, jws, now)
        return jws

    # -- others' -------------------------------------------------------------------------------------

    def remote(self, name: str) -> Known | Literal["absent"] | None:
        """What is believed of a peer's institution; None when nothing could be learned."""
        remembered = self._remote.get(name)
        if remembered is None:
            return None
        if remembered.known is None:
            return "absent"
        until = remembered.known.valid_until
        if until is not None and until <= self._gateway.security():
            return None
        return remembered.known

    def remote_entry(self, name: str) -> str | None:
        """The peer's own signed bytes."""
        return self._remote[name].entry if isinstance(self.remote(name), Known) else None

    def stale(self, names: Collection[str]) -> list[str]:
        """Those that should be asked for before anything is decided about them."""
        now = self._gateway.security()
        fresh = timedelta(seconds=self._gateway.settings.directory_cache_seconds)
        result = []
        for name in names:
            remembered = self._remote.get(name)
            allowed = fresh if remembered and remembered.known else ASK_AGAIN_AFTER
            if remembered is not None and now - remembered.asked_at < allowed:
                continue
            failed_at = self._failed_at.get(name)
            if failed_at is None or now - failed_at >= ASK_AGAIN_AFTER:
                result.append(name)
        return result

    async def refresh(self, wanted: dict[str, Peer]) -> None:
        """Learns what peers say of their institutions now; those that cannot be asked keep their last."""
        await asyncio.gather(*(self._refresh(name, peer) for name, peer in wanted.items()))

    async def _refresh(self, name: str, peer: Peer) -> None:
        now = self._gateway.security()
        try:
            jws = await self._gateway.peer_client(peer).directory_entry(name)
            known = read_entry(jws, name, peer)
        except RefusedError as error:
            if error.status == 404:
                self._remember(name, _Remote(None, "", now))
                return
            await self._fall_back(name, peer, now, "refused")
        except (RetryableError, _UnbelievableEntryError):
            await self._fall_back(name, peer, now, "unreachable")
        else:
            self._failed_at.pop(name, None)
            self._remember(name, _Remote(known, jws, now))
            await self._gateway.database.write(
                institutions.put_remote, RemoteEntry(name, peer.gateway, jws, now)
            )

    async def _fall_back(self, name: str, peer: Peer, now: datetime, reason: str) -> None:
        get_logger().warning("directory_entry_not_fetched", peer=peer.gateway, reason=reason)
        if len(self._failed_at) >= MAX_REMEMBERED:
            self._failed_at.clear()
        self._failed_at[name] = now
        if name in self._remote:
            return
        # What another process, or this one before it was restarted, had learned.
        for stored in await self._gateway.database.read(institutions.remote, [name]):
            try:
                known = read_entry(stored.entry, name, peer)
            except _UnbelievableEntryError:
                return
            self._remember(name, _Remote(known, stored.entry, stored.fetched_at))

    def _remember(self, name: str, remote: _Remote) -> None:
        if len(self._remote) >= MAX_REMEMBERED:
            self._remote.clear()
        self._remote[name] = remote


class _UnbelievableEntryError(Exception):
    pass


def read_entry(jws: str, name: str, peer: Peer) -> Known:
    """A peer's entry of one of its own institutions, verified down to the institution's identity key."""
    try:
        entry = DirectoryEntry.model_validate(
            jose.verify(jws, peer.signing, typ=DIRECTORY_ENTRY_TYP)
        )
        if entry.iss != peer.gateway or entry.profile.institution != name:
            raise _UnbelievableEntryError
        if country_of(name) not in peer.card.countries:
            raise _UnbelievableEntryError
        valid_until = datetime.fromtimestamp(entry.valid_until, tz=UTC)
        return _known(
            entry.profile,
            entry.state,
            entry.key_set,
            gateway=peer.gateway,
            valid_until=valid_until,
        )
    except (jose.JoseError, ValidationError, KeySetError):
        raise _UnbelievableEntryError from None


def _known(
    profile: InstitutionProfile,
    state: InstitutionState,
    key_set: SignedKeySet,
    *,
    gateway: str,
    valid_until: datetime | None,
) -> Known:
    opened = open_key_set(key_set.key_set, profile.institution)
    country = country_of(profile.institution)
    parties = {
        name: Party(name, country, profile.type, profile.mandates_of(name) or frozenset())
        for name in (profile.institution, *(unit.id for unit in profile.units))
    }
    return Known(
        institution=profile.institution,
        gateway=gateway,
        state=state,
        profile=profile,
        signing=opened.signing,
        fingerprint=opened.fingerprint,
        valid_until=valid_until,
        parties=parties,
        message_types=frozenset(profile.message_types),
    )


def listed(row: HomeInstitution, gateway: str, watches: Sequence[str]) -> ListedInstitution:
    """A row as people read it."""
    profile = row.profile
    return ListedInstitution(
        institution=row.institution,
        name=profile.name,
        country=profile.country,
        type=profile.type,
        mandates=profile.mandates,
        units=profile.units,
        message_types=profile.message_types,
        delivery=profile.delivery,
        state=row.state,
        gateway=gateway,
        fingerprint=row.fingerprint,
        updated_at=row.updated_at,
        watches=list(watches),
    )
