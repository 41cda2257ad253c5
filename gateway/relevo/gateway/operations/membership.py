"""Who may join: institutions, approved by two persons, and peer gateways, by agreement."""

import asyncio
import hashlib
from dataclasses import dataclass, replace
from typing import Any, Final

from pydantic import ValidationError
from sqlalchemy import Connection

from relevo.contracts.identifiers import country_of, institution_of
from relevo.contracts.institution import (
    REGISTRATION_TYP,
    InstitutionProfile,
    InstitutionState,
    PeerGateway,
    PublicKey,
    Registration,
    SignedKeySet,
    Welcome,
)
from relevo.contracts.problem import ProblemError
from relevo.contracts.scopes import Scope
from relevo.gateway.domain.delivery import own_target
from relevo.gateway.domain.key_sets import KeySetError, OpenedKeySet, digest_of, open_key_set
from relevo.gateway.domain.ledger import institution_leaf
from relevo.gateway.exceptions import RegistrationError
from relevo.gateway.storage import deliveries, institutions, peers
from relevo.gateway.storage.institutions import HomeInstitution
from relevo.gateway.storage.ledger import Entry
from relevo.servicekit import jose
from relevo.servicekit.logging import get_logger

from .context import Gateway
from .keys import own_key_set, public_key

APPROVERS: Final = 2
INSTITUTION_SCOPES: Final = (
    Scope.MESSAGES_SEND,
    Scope.MESSAGES_RECEIVE,
    Scope.REFERRALS_STATUS,
    Scope.FOLLOW_UPS_REQUEST,
    Scope.DIRECTORY_READ,
    Scope.DIRECTORY_WRITE,
    Scope.LEDGER_READ,
    Scope.COORDINATION_READ,
)
PEER_SCOPES: Final = (
    Scope.FEDERATION_RELAY,
    Scope.REFERRALS_STATUS,
    Scope.FOLLOW_UPS_REQUEST,
    Scope.LEDGER_READ,
    Scope.DIRECTORY_READ,
)

_MOVES: Final[dict[InstitutionState, frozenset[InstitutionState]]] = {
    "active": frozenset({"suspended", "left"}),
    "suspended": frozenset({"active", "left"}),
}
"""What a person may do to an institution that is on the network."""


@dataclass(frozen=True)
class IssuerClient:
    """A client that must be registered at the gateway's issuer: whoever composes the services does it."""

    client_id: str
    institution: str
    scopes: tuple[str, ...]
    audience: str
    key: PublicKey
    mandates: tuple[str, ...] = ()

    @property
    def jwks(self) -> dict[str, Any]:
        """The client's key set."""
        return {"keys": [self.key.model_dump()]}


@dataclass(frozen=True)
class Approval:
    """Where an application stands. `client` and `welcome` are there once enough have approved."""

    institution: str
    fingerprint: str
    state: InstitutionState
    approved_by: list[str]
    missing: int
    client: IssuerClient | None = None
    welcome: Welcome | None = None


@dataclass(frozen=True)
class Applicant:
    """Who asks to join, as its own signed request says."""

    profile: InstitutionProfile
    fingerprint: str


def applicant(gateway: Gateway, registration_jws: str) -> Applicant:
    """What a person looks at before she telephones.

    Raises:
        RegistrationError: Nobody should approve this; says why.
    """
    registration, keys = read_registration(gateway, registration_jws)
    return Applicant(registration.profile, keys.fingerprint)


def approve(gateway: Gateway, registration_jws: str, *, approved_by: str) -> Approval:
    """Notes one person's approval; the second one makes the institution active.

    Whoever approves has compared the fingerprint with the institution out of band.

    Raises:
        RegistrationError: Nobody should approve this; says why.
    """
    registration, keys = read_registration(gateway, registration_jws)
    return gateway.database.write_now(
        _approve, gateway, registration_jws.strip(), registration, keys, _name(approved_by)
    )


def read_registration(gateway: Gateway, registration_jws: str) -> tuple[Registration, OpenedKeySet]:
    """A registration request that the institution signed with its own identity key.

    Raises:
        RegistrationError: It is not one, or not for this gateway.
    """
    try:
        _, unverified = jose.peek(registration_jws.strip())
        registration = Registration.model_validate(unverified)
        keys = open_key_set(registration.key_set, registration.iss)
        jose.verify(registration_jws.strip(), [keys.identity], typ=REGISTRATION_TYP)
    except (jose.JoseError, ValidationError, KeySetError) as error:
        raise RegistrationError(f"not a registration request: {error}") from None
    profile = registration.profile
    if profile.institution != registration.iss or registration.client_key.use != "sig":
        raise RegistrationError("the request is not for the institution that signed it")
    if profile.country != country_of(profile.institution) or not gateway.is_home(profile.country):
        raise RegistrationError(f"{profile.institution} is not at home at {gateway.name}")
    if not any(key.use == "enc" for key in keys.claims.keys):
        raise RegistrationError("the key set holds no key to seal for")
    if (
        profile.node_url is not None
        and not profile.node_url.startswith("https://")
        and not gateway.settings.allow_private_addresses
    ):
        raise RegistrationError("the node's URL must be https")
    return registration, keys


def _approve(
    connection: Connection,
    gateway: Gateway,
    registration_jws: str,
    registration: Registration,
    keys: OpenedKeySet,
    approved_by: str,
) -> Approval:
    name, now = registration.iss, gateway.business()
    digest = hashlib.sha256(registration_jws.encode()).hexdigest()
    stored = institutions.get(connection, name)
    if stored is not None and stored.registration_digest != digest:
        _check_newer(stored, keys)
    approvers = institutions.approve(connection, name, digest, approved_by=approved_by, now=now)
    enough = len(approvers) >= APPROVERS
    joined = stored is not None and stored.state in {"active", "suspended"}
    if not enough and joined:
        # The former registration stays in force until the new one is approved.
        return _approval(gateway, registration, keys, "applied", approvers)
    state: InstitutionState = "applied"
    if enough:
        state = "suspended" if stored is not None and stored.state == "suspended" else "active"
    already = stored is not None and stored.registration_digest == digest and stored.state == state
    if not already:
        row = HomeInstitution(
            institution=name,
            version=stored.version + 1 if stored else 1,
            state=state,
            profile=registration.profile,
            key_set=SignedKeySet(key_set=registration.key_set),
            client_key=registration.client_key,
            fingerprint=keys.fingerprint,
            registration_digest=digest,
            updated_at=now,
        )
        institutions.put(connection, row)
        _follow_delivery(connection, stored, row)
        gateway.record(connection, [_entry(gateway, row)])
    get_logger().info("institution_approved", institution=name, state=state, count=len(approvers))
    return _approval(gateway, registration, keys, state, approvers)


def _follow_delivery(
    connection: Connection, former: HomeInstitution | None, row: HomeInstitution
) -> None:
    """What waits for an institution waits where it now looks."""
    if former is not None and former.profile.delivery != row.profile.delivery:
        deliveries.move(
            connection,
            own_target(row.institution, former.profile.delivery),
            own_target(row.institution, row.profile.delivery),
        )


def _check_newer(stored: HomeInstitution, keys: OpenedKeySet) -> None:
    former = open_key_set(stored.key_set.key_set, stored.institution)
    if stored.state == "left":
        raise RegistrationError(f"{stored.institution} has left the network")
    if keys.claims.version < former.claims.version:
        raise RegistrationError("the key set is older than the one that is listed")
    if keys.claims.version == former.claims.version and keys.claims.keys != former.claims.keys:
        # Nodes keep what they pinned for a version, and would never look at these keys.
        raise RegistrationError("the key set holds other keys under the version that is listed")


def _approval(
    gateway: Gateway,
    registration: Registration,
    keys: OpenedKeySet,
    state: InstitutionState,
    approvers: list[str],
) -> Approval:
    missing = max(0, APPROVERS - len(approvers))
    approval = Approval(registration.iss, keys.fingerprint, state, approvers, missing)
    if missing:
        return approval
    client = IssuerClient(
        client_id=registration.iss,
        institution=registration.iss,
        scopes=INSTITUTION_SCOPES,
        audience=gateway.settings.base_url,
        key=registration.client_key,
        mandates=tuple(registration.profile.mandates),
    )
    return replace(approval, client=client, welcome=welcome(gateway, registration.iss))


def welcome(gateway: Gateway, client_id: str) -> Welcome:
    """All that a node needs to join."""
    return Welcome(
        gateway=gateway.name,
        gateway_url=gateway.settings.base_url,
        gateway_key_set=own_key_set(gateway.settings),
        gateway_client_key=public_key(gateway.keys.client),
        countries=gateway.settings.countries,
        client_id=client_id,
    )


def _entry(gateway: Gateway, row: HomeInstitution) -> Entry:
    return Entry(
        "institution",
        institution_leaf(
            gateway=gateway.name,
            institution=row.institution,
            state=row.state,
            fingerprint=row.fingerprint,
            key_set_digest=digest_of(row.key_set.key_set),
            at=row.updated_at,
        ),
    )


def _name(approved_by: str) -> str:
    # The same person in other capitals is still one person.
    name = " ".join(approved_by.split()).casefold()
    if not name or len(name) > 200:
        raise RegistrationError("whoever approves must be named")
    return name


async def set_state(
    gateway: Gateway, institution: str, state: InstitutionState, *, by: str
) -> HomeInstitution:
    """Suspends an institution or lets it back: the directory first, which bites at once, then its tokens.

    Saying it again tells the issuer again, should that have failed.

    Raises:
        ProblemError: `not_found` or `illegal_transition`.
    """
    row = await gateway.database.write(change_state, gateway, institution, state)
    await asyncio.to_thread(gateway.tell_issuer, institution, state, by)
    return row


def change_state(
    connection: Connection, gateway: Gateway, institution: str, state: InstitutionState
) -> HomeInstitution:
    """`set_state` inside a transaction; also for the command line."""
    row = institutions.get(connection, institution_of(institution))
    if row is None or institution != row.institution:
        raise ProblemError("not_found")
    if row.state == state:
        return row
    if state not in _MOVES.get(row.state, frozenset()):
        raise ProblemError(
            "illegal_transition", subject="institution", from_state=row.state, to_state=state
        )
    changed = replace(row, state=state, version=row.version + 1, updated_at=gateway.business())
    institutions.put(connection, changed)
    gateway.record(connection, [_entry(gateway, changed)])
    get_logger().info("institution_changed", institution=institution, state=state)
    return changed


def add_peer(gateway: Gateway, card_json: str, *, approved_by: str) -> IssuerClient:
    """Notes an agreement with another gateway, by its card.

    Raises:
        RegistrationError: It is no card of another gateway, or claims a country of ours.
    """
    try:
        card = PeerGateway.model_validate_json(card_json)
        open_key_set(card.key_set, card.gateway)
    except (ValidationError, KeySetError) as error:
        raise RegistrationError(f"not a gateway's card: {type(error).__name__}") from None
    if card.gateway == gateway.name or any(map(gateway.is_home, card.countries)):
        raise RegistrationError("a peer serves other countries under another name")
    if not card.url.startswith("https://") and not gateway.settings.allow_private_addresses:
        raise RegistrationError("the peer's URL must be https")
    gateway.database.write_now(_add_peer, gateway, card, _name(approved_by))
    return IssuerClient(
        client_id=card.gateway,
        institution=card.gateway,
        scopes=PEER_SCOPES,
        audience=gateway.settings.base_url,
        key=card.client_key,
    )


def _add_peer(
    connection: Connection, gateway: Gateway, card: PeerGateway, approved_by: str
) -> None:
    known = gateway.peers(connection)
    for country in card.countries:
        other = known.by_country.get(country)
        if other is not None and other.gateway != card.gateway:
            raise RegistrationError(f"{country} is served by {other.gateway}")
    peers.put(connection, card, approved_by=approved_by, now=gateway.business())
