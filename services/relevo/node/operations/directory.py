"""Who somebody is, with which keys: asked of the gateway, believed only as far as the pin goes."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Final

import structlog
from joserfc.jwk import OKPKey
from pydantic import ValidationError
from sqlalchemy import Connection

from relevo.contracts.identifiers import institution_of
from relevo.contracts.institution import (
    DIRECTORY_ENTRY_TYP,
    KEY_SET_TYP,
    DirectoryEntry,
    InstitutionProfile,
    InstitutionState,
    KeySet,
    ListedInstitution,
    SignedKeySet,
    Welcome,
)
from relevo.contracts.problem import ProblemError
from relevo.node.storage import peers
from relevo.servicekit import jose
from relevo.servicekit.http_client import RefusedError, RetryableError

from .context import Node

_log = structlog.get_logger()
_PATIENCE_SECONDS: Final = 3.0
_QUIET: Final = timedelta(seconds=2)
_MOST_OFFERED: Final = 20
_STALE_REFUSED_AFTER: Final = timedelta(days=30)


@dataclass(frozen=True)
class Peer:
    """An institution as this node knows it, its keys checked against the pin."""

    institution: str
    profile: InstitutionProfile
    state: InstitutionState
    signing: list[OKPKey]
    encryption: OKPKey
    fingerprint: str
    gateways: tuple[str, ...] = ()
    """Those that a message to it passes."""


class Directory:
    """Answers who a party is. Keeps what it learned, so that a node whose link is down still works."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._known: dict[str, tuple[Peer, datetime]] = {}
        self._profiles: dict[str, tuple[InstitutionProfile, datetime]] = {}
        self._gateways: dict[str, list[OKPKey]] = {}
        self._quiet_until = datetime.min.replace(tzinfo=UTC)
        self._asking: dict[str, asyncio.Lock] = {}

    async def peer(self, party: str) -> Peer:
        """The institution that a party belongs to.

        Raises:
            ProblemError: `receiver_unknown`, `key_not_pinned`, `key_changed`, or
                `gateway_unreachable` when nothing is known yet and nobody can be asked.
        """
        institution = institution_of(party)
        try:
            async with self._asking.setdefault(institution, asyncio.Lock()):
                return await self._peer(institution)
        finally:
            if institution not in self._known:
                self._asking.pop(institution, None)

    async def _peer(self, institution: str) -> Peer:
        now = self._node.clock.security()
        known = self._known.get(institution)
        fresh = timedelta(seconds=self._node.settings.directory_cache_seconds)
        if known is not None and now - known[1] < fresh:
            return known[0]
        try:
            jws = await self._ask(institution, now)
        except RefusedError as error:
            if error.status == 404:
                self.forget(institution)
                raise ProblemError("receiver_unknown", receiver=institution) from error
            raise ProblemError("gateway_unreachable") from error
        except RetryableError as error:
            return await self._remembered(institution, known, now, error)
        peer = await self._believe(institution, jws, now)
        await self._node.database.write(peers.put_entry, institution, jws, now=now)
        self._known[institution] = (peer, now)
        return peer

    async def _ask(self, institution: str, now: datetime) -> str:
        # With the link down, a caseworker must not wait for it with every referral.
        if now < self._quiet_until:
            raise RetryableError("link_down")
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                return await self._node.gateway.directory_entry(institution)
        except (TimeoutError, RetryableError) as error:
            self._quiet_until = now + _QUIET
            raise RetryableError("link_down") from error

    async def peer_if_known(self, party: str) -> Peer | None:
        """Like `peer`, but None when nobody can be asked now: the message waits in the outbox."""
        try:
            return await self.peer(party)
        except ProblemError as error:
            if error.name == "gateway_unreachable":
                return None
            raise

    async def profile(self, party: str) -> InstitutionProfile | None:
        """What an institution says it is, its keys not believed yet; None while nobody can tell."""
        institution = institution_of(party)
        now = self._node.clock.security()
        fresh = timedelta(seconds=self._node.settings.directory_cache_seconds)
        read = self._profiles.get(institution)
        if read is not None and now - read[1] < fresh:
            return read[0]
        try:
            jws = await self._ask(institution, now)
            found = (await self._verified_entry(jws)).profile
        except (RefusedError, RetryableError, ProblemError):
            return await self._profile_as_kept(institution)
        if found.institution != institution:
            return None
        await self._node.database.write(peers.put_entry, institution, jws, now=now)
        self._profiles[institution] = (found, now)
        return found

    async def _profile_as_kept(self, institution: str) -> InstitutionProfile | None:
        kept = await self._node.database.read(peers.profiles, [institution])
        return kept.get(institution)

    async def offer(self, mandates: Sequence[str], *, countries: Sequence[str]) -> list[str]:
        """Parties of these countries that hold any of these mandates; none while nobody can tell."""
        found: dict[str, None] = {}
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                for country, mandate in product(countries, mandates):
                    if len(found) >= _MOST_OFFERED:
                        break
                    page = await self._node.gateway.institutions(
                        {"country": country, "mandate": mandate}
                    )
                    for listed in page.institutions:
                        found |= dict.fromkeys(_holders(listed, mandate))
        except (TimeoutError, RefusedError, RetryableError):
            _log.info("nobody_offered")
        return list(found)[:_MOST_OFFERED]

    async def signing_keys(self, institution: str) -> list[OKPKey]:
        """What an institution signs with. Our own needs neither a question nor a pin.

        Raises:
            ProblemError: As `peer`.
        """
        if institution == self._node.institution:
            return self._node.keys.signing
        return (await self.peer(institution)).signing

    def forget(self, institution: str) -> None:
        """Asks anew next time."""
        self._known.pop(institution, None)

    async def _remembered(
        self, institution: str, known: tuple[Peer, datetime] | None, now: datetime, error: Exception
    ) -> Peer:
        if known is not None and now - known[1] < _STALE_REFUSED_AFTER:
            return known[0]
        stored = await self._node.database.read(peers.get_entry, institution)
        if stored is None or now - stored[1] >= _STALE_REFUSED_AFTER:
            raise ProblemError("gateway_unreachable") from error
        peer = await self._believe(institution, stored[0], now)
        self._known[institution] = (peer, stored[1])
        return peer

    async def _believe(self, institution: str, jws: str, now: datetime) -> Peer:
        entry = await self._verified_entry(jws)
        if entry.profile.institution != institution:
            raise ProblemError("receiver_unknown", receiver=institution)
        identity, keys = read_key_set(entry.key_set, institution)
        fingerprint = jose.thumbprint(identity)
        await self._node.database.write(self._check_pin, entry, fingerprint, keys.version, now)
        return Peer(
            institution=institution,
            profile=entry.profile,
            state=entry.state,
            signing=[_import(key.model_dump()) for key in keys.keys if key.use == "sig"],
            encryption=next(_import(key.model_dump()) for key in keys.keys if key.use == "enc"),
            fingerprint=fingerprint,
            gateways=((await self.home()).gateway, entry.iss),
        )

    def _check_pin(
        self,
        connection: Connection,
        entry: DirectoryEntry,
        fingerprint: str,
        version: int,
        now: datetime,
    ) -> None:
        institution = entry.profile.institution
        pin = peers.get_pin(connection, institution)
        if pin is None:
            if self._node.settings.pinning == "confirmed":
                raise ProblemError("key_not_pinned", institution=institution)
            confirmed_by = None
        elif pin.fingerprint != fingerprint:
            if not _endorsed(entry.key_set, pin.fingerprint):
                raise ProblemError("key_changed", institution=institution)
            confirmed_by = pin.confirmed_by
        elif version < pin.key_set_version:
            # An older set could bring back a key that was retired because it leaked.
            raise ProblemError("key_changed", institution=institution)
        elif version == pin.key_set_version:
            return
        else:
            confirmed_by = pin.confirmed_by
        peers.put_pin(connection, peers.Pin(institution, fingerprint, version, confirmed_by, now))

    async def _verified_entry(self, jws: str) -> DirectoryEntry:
        try:
            _, claims = jose.peek(jws)
            keys = await self.gateway_keys(str(claims.get("iss", "")))
            verified = jose.verify(jws, keys, typ=DIRECTORY_ENTRY_TYP)
            return DirectoryEntry.model_validate(verified)
        except (jose.JoseError, ValidationError) as error:
            self._gateways = {}
            _log.warning("directory_entry_not_believed")
            raise ProblemError("gateway_unreachable") from error

    async def gateway_keys(self, gateway: str) -> list[OKPKey]:
        """Signing keys of the home gateway, or of one that it has an agreement with; else none."""
        if gateway not in self._gateways:
            self._gateways = await self._gateway_keys()
        return self._gateways.get(gateway, [])

    async def gateway_keys_anew(self, gateway: str) -> list[OKPKey]:
        """The same, asked again: the gateway may have a new key."""
        self._gateways = {}
        return await self.gateway_keys(gateway)

    async def _gateway_keys(self) -> dict[str, list[OKPKey]]:
        welcome = await self.home()
        keys = {welcome.gateway: _signing_keys(welcome.gateway_key_set, welcome.gateway)}
        try:
            for peer in await self._node.gateway.gateways():
                if peer.gateway != welcome.gateway:
                    keys.setdefault(peer.gateway, _signing_keys(peer.key_set, peer.gateway))
                elif _is_newer(peer.key_set, welcome):
                    keys[peer.gateway] = _signing_keys(peer.key_set, peer.gateway)
        except (RetryableError, RefusedError):
            _log.warning("peer_gateways_unknown")
        return keys

    async def home(self) -> Welcome:
        """The gateway that this node joined.

        Raises:
            ProblemError: `gateway_unreachable`, the node has not joined.
        """
        welcome = await self._node.database.read(peers.get_welcome)
        if welcome is None:
            raise ProblemError("gateway_unreachable")
        return welcome


def _holders(listed: ListedInstitution, mandate: str) -> list[str]:
    """The institution and its units, as far as they are active and hold a mandate."""
    if listed.state != "active":
        return []
    units = [unit.id for unit in listed.units if mandate in unit.mandates]
    return [listed.institution, *units] if mandate in listed.mandates else units


def read_key_set(signed: SignedKeySet, owner: str) -> tuple[OKPKey, KeySet]:
    """An identity key and the working keys that it signed.

    Raises:
        ProblemError: `key_changed`, the set is not what the identity key signed.
    """
    try:
        _, unverified = jose.peek(signed.key_set)
        identity = _import(unverified["identity_key"])
        keys = KeySet.model_validate(jose.verify(signed.key_set, [identity], typ=KEY_SET_TYP))
    except (jose.JoseError, ValidationError, KeyError) as error:
        raise ProblemError("key_changed", institution=owner) from error
    uses = {key.use for key in keys.keys}
    if keys.iss != owner or (not owner.startswith("gateway.") and uses != {"sig", "enc"}):
        raise ProblemError("key_changed", institution=owner)
    return identity, keys


def _endorsed(signed: SignedKeySet, pinned: str) -> bool:
    # The same claims, signed by the identity key before: its public part rides in the header.
    if signed.endorsement is None:
        return False
    try:
        header, _ = jose.peek(signed.endorsement)
        previous = jose.import_public_key(header.get("jwk"), curve="Ed25519")
        _, claims = jose.peek(signed.key_set)
        return (
            jose.thumbprint(previous) == pinned
            and jose.verify(signed.endorsement, [previous], typ=KEY_SET_TYP) == claims
        )
    except jose.JoseError:
        return False


def _is_newer(key_set: str, welcome: Welcome) -> bool:
    """Whether the gateway that was joined signed this set later, with the identity people compared."""
    identity, keys = read_key_set(SignedKeySet(key_set=key_set), welcome.gateway)
    known, joined = read_key_set(SignedKeySet(key_set=welcome.gateway_key_set), welcome.gateway)
    return jose.thumbprint(identity) == jose.thumbprint(known) and keys.version > joined.version


def _signing_keys(key_set: str, gateway: str) -> list[OKPKey]:
    _, keys = read_key_set(SignedKeySet(key_set=key_set), gateway)
    return [_import(key.model_dump()) for key in keys.keys if key.use == "sig"]


def _import(jwk: dict[str, object]) -> OKPKey:
    return jose.import_public_key(jwk)
