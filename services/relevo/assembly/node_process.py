"""A node with its issuer: made ready, joined to its gateway, and run as one process."""

from relevo.auth import main as auth_main
from relevo.auth.config import AuthSettings
from relevo.auth.domain.client import ClientRegistration
from relevo.contracts.institution import InstitutionProfile, Welcome
from relevo.contracts.scopes import Scope
from relevo.node import main as node_main
from relevo.node.config import NodeSettings
from relevo.node.operations import join as joining
from relevo.node.operations import pins
from relevo.node.operations.context import IDENTITY
from relevo.node.operations.join import Prepared
from relevo.node.operations.pins import Pin
from relevo.servicekit import jose
from relevo.servicekit.clock import SystemClock
from relevo.servicekit.database import Database
from relevo.servicekit.migrations import upgrade
from relevo.servicekit.worker import Worker

from . import issuer_clients
from .beside import Beside, asking
from .issuer_settings import issuer_settings


def build(settings: NodeSettings, auth: AuthSettings | None = None) -> tuple[Beside, list[Worker]]:
    """The application of one process, and the workers to run beside it.

    Raises:
        FileNotFoundError: The node was never made ready.
    """
    clock = node_main.make_clock(settings)
    issuer = auth_main.create_app(auth or issuer_settings(settings), clock=clock)
    node = node_main.create_app(settings, clock=clock, fetch=asking(issuer))
    return Beside(node, issuer), node_main.workers_of(node)


def migrate(settings: NodeSettings, auth: AuthSettings | None = None) -> None:
    """Brings the tables of node and issuer to this version."""
    database = Database(settings.database_url, pool_size=1)
    try:
        upgrade(database, node_main.PACKAGE)
    finally:
        database.close()
    joining.migrate_data_keys(settings)
    issuer_clients.migrate_issuer(auth or issuer_settings(settings))


def prepare(
    settings: NodeSettings, profile: InstitutionProfile, auth: AuthSettings | None = None
) -> Prepared:
    """Keys, databases, and the request with which the institution applies. May be done again."""
    joining.make_keys(settings)
    migrate(settings, auth)
    return joining.registration(settings, profile)


def fingerprint(settings: NodeSettings) -> str:
    """What people read to each other.

    Raises:
        FileNotFoundError: The node was never made ready.
    """
    return jose.thumbprint(jose.load_key(settings.key_directory / f"{IDENTITY}.jwk"))


def gateway_fingerprint(welcome: Welcome) -> str:
    """What the gateway's people should read out before anybody joins with this welcome.

    Raises:
        ProblemError: `key_changed`, the welcome is not what the gateway's identity key signed.
    """
    return joining.gateway_fingerprint(welcome)


def join(settings: NodeSettings, welcome: Welcome, auth: AuthSettings | None = None) -> str:
    """Joins a gateway, lets it deliver here unless this node fetches; gives its identity's fingerprint.

    Raises:
        ProblemError: `key_changed`, the welcome is not what the gateway's identity key signed.
    """
    database = Database(settings.database_url, pool_size=1)
    try:
        fingerprint = joining.join(database, welcome, SystemClock())
    finally:
        database.close()
    if settings.delivery == "mailbox":
        return fingerprint
    issuer_clients.register_service(
        auth or issuer_settings(settings),
        ClientRegistration(
            client_id=welcome.gateway,
            institution=welcome.gateway,
            scopes=(Scope.MESSAGES_DELIVER,),
            audiences=(settings.base_url,),
            jwks=issuer_clients.key_set(welcome.gateway_client_key),
            dpop_bound_access_tokens=True,
        ),
        by="relevo node join",
    )
    return fingerprint


def pin(settings: NodeSettings, institution: str, fingerprint: str, *, by: str) -> Pin:
    """Trusts an institution's identity key, because a person confirmed its fingerprint."""
    database = Database(settings.database_url, pool_size=1)
    try:
        return database.write_now(
            pins.pin, institution, fingerprint, confirmed_by=by, now=SystemClock().security()
        )
    finally:
        database.close()
