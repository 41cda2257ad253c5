"""Clients with their keys parsed, kept in memory as long as their rows do not change."""

from collections.abc import Collection, Mapping

from sqlalchemy import Connection

from relevo.auth.authlib_server import KnownClient
from relevo.auth.storage import clients

from .context import Issuer

_MOST_KEPT = 10_000


def known_clients(
    connection: Connection, issuer: Issuer, client_ids: Collection[str]
) -> Mapping[str, KnownClient]:
    """Those of the clients that exist, as they are in this transaction."""
    versions = clients.versions(connection, client_ids) if client_ids else {}
    found: dict[str, KnownClient] = {}
    for client_id, version in versions.items():
        kept = issuer.known_clients.get(client_id)
        if kept is None or kept.version != version:
            client = clients.get(connection, client_id)
            if client is None:
                continue
            kept = KnownClient(client, version)
            if len(issuer.known_clients) >= _MOST_KEPT:
                issuer.known_clients.clear()
            issuer.known_clients[client_id] = kept
        found[client_id] = kept
    return found
