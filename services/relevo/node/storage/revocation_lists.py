"""Lists of revoked attestations of other institutions, as they were when they were last asked for."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, select, update

from relevo.servicekit.database import insert_or_ignore

from .attestation_tables import attestation, revocation_list


def get_many(
    connection: Connection, institutions: Collection[str]
) -> dict[str, tuple[str, datetime]]:
    """Those that are kept, each with when it was asked for."""
    columns = revocation_list.c
    query = select(revocation_list).where(columns.institution.in_(list(institutions)))
    return {row.institution: (row.status_list, row.read_at) for row in connection.execute(query)}


def put(connection: Connection, institution: str, status_list: str, *, read_at: datetime) -> None:
    values = {"status_list": status_list, "read_at": read_at}
    if not insert_or_ignore(connection, revocation_list, [{"institution": institution, **values}]):
        columns = revocation_list.c
        connection.execute(
            update(revocation_list).where(columns.institution == institution).values(**values)
        )


def any_attested(connection: Connection) -> bool:
    """Whether this institution ever attested anything."""
    return connection.scalar(select(attestation.c.id).limit(1)) is not None
