"""The gateway's office appoints who watches a route for its coordination table; nobody appoints itself."""

from sqlalchemy import Connection

from relevo.contracts.country_tables import Watches
from relevo.contracts.institution import ListedInstitution
from relevo.contracts.pathways.loader import pathways
from relevo.contracts.problem import FieldError, ProblemError
from relevo.gateway.storage import institutions, watches
from relevo.gateway.storage.institutions import HomeInstitution
from relevo.servicekit.logging import get_logger

from .context import Gateway
from .directory import listed


async def set_watches(
    gateway: Gateway, institution: str, wanted: Watches, *, client: str
) -> ListedInstitution:
    """Which routes an institution watches from now on, and who decided so.

    Args:
        gateway: Where it is at home.
        institution: Who watches.
        wanted: All its routes, and the person who approved them.
        client: Through what it was said.

    Raises:
        ProblemError: `not_found`; `invalid_input` for a route that is not known here.
    """
    return await gateway.database.write(change_watches, gateway, institution, wanted, client)


async def shown(gateway: Gateway, row: HomeInstitution) -> ListedInstitution:
    """An institution as the directory lists it, with what it watches."""
    found = await gateway.database.read(watches.of_many, [row.institution])
    return listed(row, gateway.name, found.get(row.institution, []))


def change_watches(
    connection: Connection, gateway: Gateway, institution: str, wanted: Watches, client: str
) -> ListedInstitution:
    """`set_watches` inside a transaction; also for the command line."""
    row = institutions.get(connection, institution)
    if row is None or row.state not in {"active", "suspended"}:
        raise ProblemError("not_found")
    faults = [
        FieldError(pointer=f"/pathways/{place}", detail="not a pathway of this gateway")
        for place, name in enumerate(wanted.pathways)
        if name not in pathways()
    ]
    if faults:
        raise ProblemError("invalid_input", errors=faults)
    now, by = gateway.business(), f"{' '.join(wanted.approved_by.split())} ({client})"
    before = set(watches.of_many(connection, [institution]).get(institution, []))
    after = set(wanted.pathways)
    watches.end(connection, institution, before - after, by=by, now=now)
    watches.appoint(connection, institution, after - before, by=by, now=now)
    if before != after:
        get_logger().info("watches_changed", institution=institution, count=len(after))
    return listed(row, gateway.name, sorted(after))
