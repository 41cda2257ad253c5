"""The blind index: which records of a unit share a key, and nothing of what the key was made of.

Each key is kept as its HMAC under the vault's index key, with the unit's id in it: whoever has this
database and not the master key can neither read nor guess a name, nor tie two units' records. What
equal values do show is written down in docs/decisions/0035.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, func, insert, or_, select

from relevo.contracts.matching.blocking import EDITION, asked_keys, kept_keys
from relevo.contracts.matching.subject import Subject, subject_of
from relevo.contracts.person import Identity, IdentityDocument, LocationMunicipality

from .matching_tables import returnee_indexed, returnee_key
from .tables import returnee
from .vault import Vault

MATCHES_NOTHING = frozenset({"merged", "void"})
"""States of records that are nobody's candidate."""


@dataclass(frozen=True)
class IndexRows:
    """What the index holds of one record."""

    returnee_id: str
    edition: str
    blinds: frozenset[bytes]


def subject_in(body: dict[str, Any]) -> Subject | None:
    """What is compared of a record's body, if anything is."""
    details = body.get("details")
    if details is None:
        return None
    place = details.get("location_municipality")
    papers = (details.get("identity_document") or {}).get("documents", ())
    return subject_of(
        Identity.model_validate(details["identity"]),
        municipality=None if place is None else LocationMunicipality.model_validate(place),
        documents=[IdentityDocument.model_validate(paper) for paper in papers],
    )


def rows_of(
    vault: Vault, *, returnee_id: str, owner: str, state: str, body: dict[str, Any]
) -> IndexRows:
    """Makes the rows of a record; none for what matches nothing."""
    subject = None if state in MATCHES_NOTHING else subject_in(body)
    keys = frozenset[str]() if subject is None else kept_keys(subject)
    return IndexRows(returnee_id, edition(vault), blinded(vault, owner, keys))


def blinds_asked(vault: Vault, owner: str, subject: Subject) -> frozenset[bytes]:
    """What to look for, for this subject of this unit."""
    return blinded(vault, owner, asked_keys(subject))


def blinded(vault: Vault, owner: str, keys: Iterable[str]) -> frozenset[bytes]:
    return frozenset(vault.blind("returnee", owner, key) for key in keys)


def edition(vault: Vault) -> str:
    """Tells keys made as now from keys made under another master key, or of other parts of a name."""
    return vault.blind("edition", str(EDITION)).hex()


def put(connection: Connection, rows: Sequence[IndexRows]) -> None:
    """Replaces what the index holds of these records. Those kept apart stay out."""
    ids = [one.returnee_id for one in rows]
    apart = _apart(connection, ids)
    forget(connection, ids)
    connection.execute(
        delete(returnee_indexed).where(
            returnee_indexed.c.returnee_id.in_(ids), returnee_indexed.c.apart.is_(False)
        )
    )
    add(connection, [one for one in rows if one.returnee_id not in apart])


def add(connection: Connection, rows: Sequence[IndexRows]) -> None:
    """Stores what the index holds of new records."""
    marks = [
        {"returnee_id": one.returnee_id, "edition": one.edition, "apart": False} for one in rows
    ]
    keys = [
        {"blind": blind, "returnee_id": one.returnee_id} for one in rows for blind in one.blinds
    ]
    for table, values in ((returnee_indexed, marks), (returnee_key, keys)):
        if values:
            connection.execute(insert(table), values)


def forget(connection: Connection, ids: Collection[str]) -> None:
    """Takes the keys of these records out of the index."""
    connection.execute(delete(returnee_key).where(returnee_key.c.returnee_id.in_(sorted(ids))))


def keep_apart(connection: Connection, ids: Collection[str]) -> None:
    """Takes records out of the index for good."""
    forget(connection, ids)
    connection.execute(
        delete(returnee_indexed).where(returnee_indexed.c.returnee_id.in_(sorted(ids)))
    )
    connection.execute(
        insert(returnee_indexed),
        [{"returnee_id": one, "edition": "", "apart": True} for one in sorted(ids)],
    )


def is_apart(connection: Connection, returnee_id: str) -> bool:
    return bool(_apart(connection, [returnee_id]))


def _apart(connection: Connection, ids: Collection[str]) -> set[str]:
    query = select(returnee_indexed.c.returnee_id).where(
        returnee_indexed.c.returnee_id.in_(sorted(ids)), returnee_indexed.c.apart.is_(True)
    )
    return set(connection.scalars(query))


def sharing(
    connection: Connection, blinds: Collection[bytes], *, beside: str, limit: int
) -> list[str]:
    """Ids of the other records that share most of these, the most first."""
    shared = func.count().label("shared")
    query = (
        select(returnee_key.c.returnee_id, shared)
        .where(returnee_key.c.blind.in_(sorted(blinds)), returnee_key.c.returnee_id != beside)
        .group_by(returnee_key.c.returnee_id)
        .order_by(shared.desc(), returnee_key.c.returnee_id.desc())
        .limit(limit)
    )
    return [row.returnee_id for row in connection.execute(query)]


def outdated(connection: Connection, current: str, *, limit: int) -> list[str]:
    """Ids of records that the index does not hold, or holds as it was made before."""
    query = (
        select(returnee.c.id)
        .outerjoin(returnee_indexed, returnee_indexed.c.returnee_id == returnee.c.id)
        .where(_is_outdated(current))
        .order_by(returnee.c.id)
        .limit(limit)
    )
    return list(connection.scalars(query))


def count_outdated(connection: Connection, current: str) -> int:
    query = (
        select(func.count())
        .select_from(returnee)
        .outerjoin(returnee_indexed, returnee_indexed.c.returnee_id == returnee.c.id)
        .where(_is_outdated(current))
    )
    return connection.scalar(query) or 0


def _is_outdated(current: str) -> Any:
    marks = returnee_indexed.c
    return or_(marks.returnee_id.is_(None), (marks.edition != current) & marks.apart.is_(False))


def held_after(connection: Connection, after: str, *, limit: int) -> list[tuple[str, str]]:
    """Ids and data keys of records with keys in the index, in the order of their ids."""
    query = (
        select(returnee.c.id, returnee.c.data_key_id)
        .where(
            returnee.c.id > after,
            select(1).where(returnee_key.c.returnee_id == returnee.c.id).exists(),
        )
        .order_by(returnee.c.id)
        .limit(limit)
    )
    return [(row.id, row.data_key_id) for row in connection.execute(query)]
