"""Whose identity key is trusted, and who said so."""

from datetime import datetime

from sqlalchemy import Connection

from relevo.contracts.identifiers import institution_of
from relevo.contracts.institution import DirectoryPage
from relevo.contracts.problem import ProblemError
from relevo.node.storage import peers
from relevo.node.storage.peers import Pin
from relevo.servicekit.access_token import Caller
from relevo.servicekit.http_client import RefusedError, RetryableError

from .context import Node
from .directory import Directory
from .visibility import party_of

__all__ = ["Pin", "confirm", "list_institutions", "list_pins", "pin"]


async def list_pins(node: Node, caller: Caller) -> list[Pin]:
    """Every identity key that this node trusts."""
    party_of(node, caller)
    return await node.database.read(peers.all_pins)


async def confirm(
    node: Node,
    directory: Directory,
    caller: Caller,
    institution: str,
    fingerprint: str,
    confirmed_by: str,
) -> Pin:
    """Trusts an identity key that a person confirmed, from now on and instead of any before."""
    party_of(node, caller)
    confirmed = await node.database.write(
        pin, institution, fingerprint, confirmed_by=confirmed_by, now=node.clock.security()
    )
    directory.forget(institution_of(institution))
    node.wake()
    return confirmed


def pin(
    connection: Connection, institution: str, fingerprint: str, *, confirmed_by: str, now: datetime
) -> Pin:
    """The transaction of `confirm`; also for the command line on the institution's own machine."""
    value = Pin(institution, fingerprint, 0, confirmed_by, now)
    peers.put_pin(connection, value)
    return value


async def list_institutions(
    node: Node, caller: Caller, *, country: str | None, mandate: str | None, cursor: str | None
) -> DirectoryPage:
    """A page of the directory.

    Raises:
        ProblemError: `gateway_unreachable`, or what the gateway refused.
    """
    party_of(node, caller)
    asked = {"country": country, "mandate": mandate, "cursor": cursor}
    try:
        return await node.gateway.institutions({k: v for k, v in asked.items() if v is not None})
    except RetryableError as error:
        raise ProblemError("gateway_unreachable") from error
    except RefusedError as error:
        raise ProblemError("invalid_input") from error
