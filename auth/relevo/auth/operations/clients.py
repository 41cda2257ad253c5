"""Administer clients: the same functions for the API and for the command line."""

from sqlalchemy import Connection

from relevo.auth.domain.client import Client, ClientRegistration, ClientState, KeySet
from relevo.auth.domain.client_credentials import scopes_within
from relevo.auth.storage import clients
from relevo.contracts.problem import FieldError, ProblemError

from .context import Issuer


def add_client(issuer: Issuer, registration: ClientRegistration, *, by: str) -> Client:
    """Registers a client.

    Args:
        issuer: Where.
        registration: Who it is, its public keys, and what it may ask for.
        by: Who registers it, for the history: a client id, or the operator's account.

    Raises:
        ProblemError: `enforcement_only_hands_over`, or `client_exists`.
    """
    excess = set(registration.scopes) - scopes_within(registration.mandates, registration.scopes)
    if excess:
        errors = [
            FieldError(pointer=f"/scopes/{position}", detail="Not for an enforcement unit.")
            for position, scope in enumerate(registration.scopes)
            if scope in excess
        ]
        raise ProblemError("enforcement_only_hands_over", errors=errors)
    return issuer.database.write_now(_add, issuer, registration, by)


def get_client(issuer: Issuer, client_id: str) -> Client:
    """One client.

    Raises:
        ProblemError: `not_found`.
    """
    return issuer.database.read_now(_get, client_id)


def list_clients(issuer: Issuer, *, after: str = "", limit: int = 100) -> list[Client]:
    """Clients by name, those after a name."""
    return issuer.database.read_now(clients.get_many, after=after, limit=limit)


def suspend_client(issuer: Issuer, client_id: str, *, by: str) -> Client:
    """No token from now on; resource servers refuse those it has within a minute.

    Raises:
        ProblemError: `not_found`.
    """
    return issuer.database.write_now(_set_state, issuer, client_id, ClientState.SUSPENDED, by)


def resume_client(issuer: Issuer, client_id: str, *, by: str) -> Client:
    """Tokens again, accepted everywhere within a minute. Those from before the suspension stay dead.

    Raises:
        ProblemError: `not_found`.
    """
    return issuer.database.write_now(_set_state, issuer, client_id, ClientState.ACTIVE, by)


def replace_client_keys(issuer: Issuer, client_id: str, jwks: KeySet, *, by: str) -> Client:
    """The client's keys from now on; list the old one too as long as it is still in use.

    Raises:
        ProblemError: `not_found`.
    """
    return issuer.database.write_now(_set_keys, issuer, client_id, jwks, by)


def _get(connection: Connection, client_id: str) -> Client:
    client = clients.get(connection, client_id)
    if client is None:
        raise ProblemError("not_found")
    return client


def _add(
    connection: Connection, issuer: Issuer, registration: ClientRegistration, by: str
) -> Client:
    now = issuer.clock.security()
    if not clients.add(connection, registration, now=now):
        raise ProblemError("client_exists", client_id=registration.client_id)
    clients.record_change(connection, registration.client_id, "registered", by=by, now=now)
    return _get(connection, registration.client_id)


def _set_state(
    connection: Connection, issuer: Issuer, client_id: str, state: ClientState, by: str
) -> Client:
    client = _get(connection, client_id)
    if client.state is state:
        return client
    now = issuer.clock.security()
    clients.set_state(connection, client_id, state, now=now)
    clients.record_change(connection, client_id, state.value, by=by, now=now)
    return _get(connection, client_id)


def _set_keys(
    connection: Connection, issuer: Issuer, client_id: str, jwks: KeySet, by: str
) -> Client:
    _get(connection, client_id)
    now = issuer.clock.security()
    clients.set_keys(connection, client_id, jwks, now=now)
    clients.record_change(connection, client_id, "keys replaced", by=by, now=now)
    return _get(connection, client_id)
