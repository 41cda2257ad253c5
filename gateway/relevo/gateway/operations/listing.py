"""The directory as others read it: pages for people, signed entries for nodes, cards of gateways."""

from typing import Final

from sqlalchemy import Connection

from relevo.contracts.identifiers import country_of
from relevo.contracts.institution import DirectoryPage, PeerGateway
from relevo.contracts.problem import ProblemError
from relevo.contracts.sensitive_routes import is_unlisted
from relevo.gateway.storage import institutions, watches
from relevo.gateway.storage.institutions import HomeInstitution
from relevo.servicekit.http_client import RefusedError, RetryableError

from . import keys
from .context import Gateway
from .directory import Directory, Known, listed

_HIDDEN: Final = frozenset({"applied", "approved"})


async def page(
    gateway: Gateway,
    *,
    country: str | None,
    mandate: str | None,
    cursor: str | None,
    limit: int,
    from_peer: bool,
) -> DirectoryPage:
    """Institutions by id; those of a peer's country are asked of the peer.

    Raises:
        ProblemError: `gateway_unreachable`, the peer cannot be asked now.
    """
    if country is not None and not gateway.is_home(country):
        peers = await gateway.database.read(gateway.peers)
        peer = peers.by_country.get(country)
        if peer is None or from_peer:
            return DirectoryPage(institutions=[])
        asked = {"country": country, "mandate": mandate, "cursor": cursor, "limit": str(limit)}
        params = {name: value for name, value in asked.items() if value is not None}
        try:
            return await gateway.peer_client(peer).institutions(params)
        except (RetryableError, RefusedError) as error:
            raise ProblemError("gateway_unreachable") from error
    return await gateway.database.read(
        _page, gateway, country=country, mandate=mandate, after=cursor or "", limit=limit
    )


def _page(
    connection: Connection,
    gateway: Gateway,
    *,
    country: str | None,
    mandate: str | None,
    after: str,
    limit: int,
) -> DirectoryPage:
    found: list[HomeInstitution] = []
    while len(found) <= limit:
        rows = institutions.page(connection, country=country, after=after, limit=limit + 1)
        found += [
            row
            for row in rows
            if not is_unlisted(row.profile) and (mandate is None or mandate in _mandates(row))
        ]
        if len(rows) <= limit:
            break
        after = rows[-1].institution
    watched = watches.of_many(connection, [row.institution for row in found[:limit]])
    return DirectoryPage(
        institutions=[
            listed(row, gateway.name, watched.get(row.institution, [])) for row in found[:limit]
        ],
        next_cursor=found[limit - 1].institution if len(found) > limit else None,
    )


def _mandates(row: HomeInstitution) -> set[str]:
    return set(row.profile.mandates).union(*(unit.mandates for unit in row.profile.units))


async def entry(
    gateway: Gateway, directory: Directory, institution: str, *, from_peer: bool
) -> str:
    """The signed entry of one institution: ours, or the peer's own bytes handed on.

    Raises:
        ProblemError: `not_found`, or `gateway_unreachable` when a peer cannot be asked now.
    """
    country = country_of(institution)
    if gateway.is_home(country):
        row = await gateway.database.read(institutions.get, institution)
        if row is None or row.state in _HIDDEN:
            raise ProblemError("not_found")
        return directory.signed_entry(row)
    peers = await gateway.database.read(gateway.peers)
    peer = peers.by_country.get(country)
    if peer is None or from_peer:
        # A peer asks the institution's own gateway.
        raise ProblemError("not_found")
    if directory.stale([institution]):
        await directory.refresh({institution: peer})
    found = directory.remote(institution)
    if found == "absent":
        raise ProblemError("not_found")
    if not isinstance(found, Known):
        raise ProblemError("gateway_unreachable")
    return directory.remote_entry(institution) or ""


async def gateways(gateway: Gateway) -> list[PeerGateway]:
    """This gateway and those it has agreements with."""
    peers = await gateway.database.read(gateway.peers)
    own = keys.card(gateway.settings, agreement="itself")
    return [own, *(peer.card for peer in peers.by_name.values())]
