"""Lists of revoked attestations, as institutions signed them."""

from datetime import datetime

from sqlalchemy import Connection, select, update

from relevo.servicekit.database import insert_or_ignore

from .tables import revocation_list


def get(connection: Connection, institution: str) -> str | None:
    columns = revocation_list.c
    query = select(columns.status_list).where(columns.institution == institution)
    return connection.scalar(query)


def put(connection: Connection, institution: str, status_list: str, issued_at: datetime) -> None:
    """Keeps a list unless a newer one is there."""
    values = {"status_list": status_list, "issued_at": issued_at}
    if insert_or_ignore(connection, revocation_list, [{"institution": institution, **values}]):
        return
    columns = revocation_list.c
    connection.execute(
        update(revocation_list)
        .where(columns.institution == institution, columns.issued_at <= issued_at)
        .values(**values)
    )
