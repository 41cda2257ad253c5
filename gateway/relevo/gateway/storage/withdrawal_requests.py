"""Requests to withdraw that wait for the institution that referred somebody."""

from collections.abc import Collection

from sqlalchemy import Connection, delete, func, select

from relevo.contracts.withdrawal import WaitingRequest
from relevo.servicekit.database import insert_or_ignore

from .tables import withdrawal_request

_MOST_OF_A_CODE = 10


def put(connection: Connection, request: WaitingRequest, *, institution: str | None) -> None:
    """Keeps a request for an institution. For none it does the same work and keeps nothing."""
    columns = withdrawal_request.c
    waiting = connection.scalar(
        select(func.count()).where(columns.reference_code == request.reference_code)
    )
    row = request.model_dump() | {"institution": institution or ""}
    insert_or_ignore(connection, withdrawal_request, [row])
    if institution is None or (waiting or 0) >= _MOST_OF_A_CODE:
        connection.execute(delete(withdrawal_request).where(columns.id == request.id))


def of_institution(connection: Connection, institution: str, *, limit: int) -> list[WaitingRequest]:
    """The oldest ones."""
    columns = withdrawal_request.c
    rows = connection.execute(
        select(columns.id, columns.reference_code, columns.phrase_check, columns.received_at)
        .where(columns.institution == institution)
        .order_by(columns.received_at, columns.id)
        .limit(limit)
    ).mappings()
    return [WaitingRequest(**row) for row in rows]


def take(connection: Connection, institution: str, ids: Collection[str]) -> None:
    """Forgets what its institution has."""
    if ids:
        connection.execute(
            delete(withdrawal_request).where(
                withdrawal_request.c.institution == institution, withdrawal_request.c.id.in_(ids)
            )
        )
