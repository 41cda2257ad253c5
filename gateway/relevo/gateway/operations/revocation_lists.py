"""Revoked attestations of institutions at home here: kept for whoever verifies, of whatever gateway."""

from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection

from relevo.contracts.attestation import STATUS_LIST_TYP, SignedRevocationList
from relevo.contracts.identifiers import country_of
from relevo.contracts.problem import FieldError, ProblemError
from relevo.gateway.storage import institutions, revocation_lists
from relevo.servicekit import jose
from relevo.servicekit.http_client import RefusedError, RetryableError

from .context import Gateway
from .directory import Directory

_AHEAD_SECONDS: Final = 300


async def put(
    gateway: Gateway,
    directory: Directory,
    caller: str,
    institution: str,
    given: SignedRevocationList,
) -> None:
    """Keeps an institution's own newest list; an older one changes nothing.

    Raises:
        ProblemError: `not_found` for anybody else's; `invalid_input`, it did not sign this.
    """

    def work(connection: Connection) -> None:
        home = directory.home(connection, [institution]) if caller == institution else {}
        if institution not in home or home[institution].state not in {"active", "suspended"}:
            raise ProblemError("not_found")
        signing = home[institution].signing
        try:
            claims = jose.verify(given.status_list, signing, typ=STATUS_LIST_TYP)
        except jose.JoseError:
            raise _not_signed() from None
        issued = claims.get("iat")
        latest = int(gateway.business().timestamp()) + _AHEAD_SECONDS
        if claims.get("iss") != institution or type(issued) is not int or not 0 < issued <= latest:
            raise _not_signed()
        at = datetime.fromtimestamp(issued, UTC)
        revocation_lists.put(connection, institution, given.status_list, at)

    await gateway.database.write(work)


def _not_signed() -> ProblemError:
    detail = "no list that this institution signed with a key of its directory entry"
    return ProblemError("invalid_input", errors=[FieldError(pointer="/status_list", detail=detail)])


async def get(gateway: Gateway, institution: str, *, from_peer: bool) -> SignedRevocationList:
    """The newest list that is known; those of a peer's institutions are asked of the peer.

    Raises:
        ProblemError: `not_found`, or `gateway_unreachable` when a peer cannot be asked now.
    """
    country = country_of(institution)
    if gateway.is_home(country):
        kept = await gateway.database.read(_listed, institution)
        if kept is None:
            raise ProblemError("not_found")
        return SignedRevocationList(status_list=kept)
    peers = await gateway.database.read(gateway.peers)
    peer = peers.by_country.get(country)
    if peer is None or from_peer:
        raise ProblemError("not_found")
    try:
        return await gateway.peer_client(peer).revocation_list(institution)
    except RefusedError as error:
        raise ProblemError("not_found") from error
    except RetryableError as error:
        raise ProblemError("gateway_unreachable") from error


def _listed(connection: Connection, institution: str) -> str | None:
    row = institutions.get(connection, institution)
    if row is None or row.state not in {"active", "suspended", "left"}:
        return None
    return revocation_lists.get(connection, institution)
