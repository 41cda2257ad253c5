"""A gateway with its issuer: made ready, told whom to serve, and run as one process."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

from relevo.auth import main as auth_main
from relevo.auth.config import AuthSettings
from relevo.auth.domain.client import ClientRegistration
from relevo.auth.operations import clients
from relevo.contracts.country_tables import Watches
from relevo.contracts.institution import InstitutionState, ListedInstitution, PeerGateway
from relevo.gateway import main as gateway_main
from relevo.gateway.config import GatewaySettings
from relevo.gateway.operations import appointments, keys, membership
from relevo.gateway.operations.context import IDENTITY, Gateway
from relevo.gateway.operations.membership import Applicant, Approval, IssuerClient
from relevo.servicekit import jose
from relevo.servicekit.clock import SystemClock
from relevo.servicekit.database import Database
from relevo.servicekit.migrations import upgrade
from relevo.servicekit.worker import Worker

from . import issuer_clients
from .beside import Beside, asking
from .issuer_settings import issuer_settings


def build(
    settings: GatewaySettings, auth: AuthSettings | None = None
) -> tuple[Beside, list[Worker]]:
    """The application of one process, and the workers to run beside it.

    Raises:
        MissingKeysError: The gateway was never made ready.
    """
    clock = gateway_main.make_clock(settings)
    issuer = auth_main.create_app(auth or issuer_settings(settings), clock=clock)
    gateway = gateway_main.create_app(settings, clock=clock, fetch=asking(issuer))

    def tell_issuer(institution: str, state: InstitutionState, by: str) -> None:
        beside = issuer.state.auth.issuer
        change = clients.resume_client if state == "active" else clients.suspend_client
        change(beside, institution, by=by)

    gateway.state.gateway.tell_issuer = tell_issuer
    workers: list[Worker] = gateway.state.workers
    return Beside(gateway, issuer), workers


def migrate(settings: GatewaySettings, auth: AuthSettings | None = None) -> None:
    """Brings the tables of gateway and issuer to this version."""
    database = Database(settings.database_url, pool_size=1)
    try:
        upgrade(database, gateway_main.PACKAGE)
    finally:
        database.close()
    issuer_clients.migrate_issuer(auth or issuer_settings(settings))


def prepare(settings: GatewaySettings, auth: AuthSettings | None = None) -> str:
    """Keys and databases; gives the fingerprint of the identity key. May be done again."""
    if not (settings.key_directory / keys.KEY_SET_FILE).exists():
        keys.init(settings, now=SystemClock().security())
    migrate(settings, auth)
    return fingerprint(settings)


def fingerprint(settings: GatewaySettings) -> str:
    """What people read to each other."""
    return jose.thumbprint(jose.load_key(settings.key_directory / f"{IDENTITY}.jwk"))


def rotate(settings: GatewaySettings, *, use: bool) -> int:
    """Announces the next signing key, or begins to use the one announced; the key set's new version.

    Raises:
        MissingKeysError: The gateway was never made ready.
        RotationError: One is announced already, or none is.
    """
    now = SystemClock().security()
    made = keys.use_next(settings, now=now) if use else keys.announce_next(settings, now=now)
    return made.version


def card(settings: GatewaySettings, *, agreement: str) -> PeerGateway:
    """What a peer needs to know of this gateway.

    Raises:
        MissingKeysError: The gateway was never made ready.
    """
    return keys.card(settings, agreement=agreement)


def add_peer(
    settings: GatewaySettings, card: PeerGateway, *, by: str, auth: AuthSettings | None = None
) -> None:
    """Notes an agreement with another gateway, and lets it relay here.

    Raises:
        RegistrationError: It is this gateway's own card, or claims a country of ours.
    """
    with _opened(settings) as gateway:
        client = membership.add_peer(gateway, card.model_dump_json(), approved_by=by)
    _register(settings, client, by=by, auth=auth)


def applicant(settings: GatewaySettings, registration: str) -> Applicant:
    """Who asks to join; approves nothing.

    Raises:
        RegistrationError: Nobody should approve this; says why.
    """
    with _opened(settings) as gateway:
        return membership.applicant(gateway, registration)


def approve(
    settings: GatewaySettings, registration: str, *, by: str, auth: AuthSettings | None = None
) -> Approval:
    """Notes one person's approval; with the second one the institution may use the gateway.

    Raises:
        RegistrationError: Nobody should approve this; says why.
    """
    with _opened(settings) as gateway:
        approval = membership.approve(gateway, registration, approved_by=by)
    if approval.client is not None:
        _register(settings, approval.client, by=by, auth=auth)
    return approval


def suspend(
    settings: GatewaySettings, institution: str, *, by: str, auth: AuthSettings | None = None
) -> None:
    """Takes nothing more from an institution and hands it nothing; its node gets no tokens, either.

    Raises:
        ProblemError: `not_found` or `illegal_transition`.
    """
    _change_state(settings, institution, "suspended")
    issuer_clients.suspend(auth or issuer_settings(settings), institution, by=by)


def resume(
    settings: GatewaySettings, institution: str, *, by: str, auth: AuthSettings | None = None
) -> None:
    """Lets a suspended institution back. The gateway takes its node's new tokens within a minute.

    Raises:
        ProblemError: `not_found` or `illegal_transition`.
    """
    _change_state(settings, institution, "active")
    issuer_clients.resume(auth or issuer_settings(settings), institution, by=by)


def _change_state(
    settings: GatewaySettings, institution: str, state: Literal["active", "suspended"]
) -> None:
    with _opened(settings) as gateway:
        gateway.database.write_now(membership.change_state, gateway, institution, state)


def watch(
    settings: GatewaySettings, institution: str, pathways: Sequence[str], *, by: str, client: str
) -> ListedInstitution:
    """Appoints an institution to watch these routes, and no others, for their coordination table.

    Raises:
        ProblemError: `not_found`, or `invalid_input`.
    """
    wanted = Watches(pathways=list(pathways), approved_by=by)
    with _opened(settings) as gateway:
        return gateway.database.write_now(
            appointments.change_watches, gateway, institution, wanted, client
        )


def _register(
    settings: GatewaySettings, client: IssuerClient, *, by: str, auth: AuthSettings | None
) -> None:
    issuer_clients.register_service(
        auth or issuer_settings(settings),
        ClientRegistration.model_validate(
            {
                "client_id": client.client_id,
                "institution": client.institution,
                "mandates": client.mandates,
                "scopes": client.scopes,
                "audiences": (client.audience,),
                "jwks": issuer_clients.key_set(client.key),
                "dpop_bound_access_tokens": True,
            }
        ),
        by=f"approved by {by}",
    )


@contextmanager
def _opened(settings: GatewaySettings) -> Iterator[Gateway]:
    gateway = gateway_main.make_gateway(settings)
    try:
        yield gateway
    finally:
        asyncio.run(gateway.aclose())
