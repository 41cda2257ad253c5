"""Institutions: those at home here, and those that peers vouch for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from relevo.contracts.institution import (
    InstitutionProfile,
    InstitutionState,
    PublicKey,
    SignedKeySet,
)
from relevo.servicekit.database import insert_or_ignore

from .tables import approval, institution, remote_institution


@dataclass(frozen=True, slots=True)
class HomeInstitution:
    """A row of the home directory."""

    institution: str
    version: int
    state: InstitutionState
    profile: InstitutionProfile
    key_set: SignedKeySet
    client_key: PublicKey
    fingerprint: str
    registration_digest: str
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class RemoteEntry:
    """A directory entry as a peer signed it."""

    institution: str
    gateway: str
    entry: str
    fetched_at: datetime


def versions(connection: Connection, ids: Sequence[str]) -> dict[str, int]:
    """Which of these are at home here, and the version of each row."""
    rows = connection.execute(
        select(institution.c.institution, institution.c.version).where(
            institution.c.institution.in_(ids)
        )
    )
    return dict(rows.all())


def get_many(connection: Connection, ids: Sequence[str]) -> list[HomeInstitution]:
    """Rows of the home directory; those that are not there are left out."""
    rows = connection.execute(select(institution).where(institution.c.institution.in_(ids)))
    return [_home(row) for row in rows.mappings()]


def get(connection: Connection, name: str) -> HomeInstitution | None:
    found = get_many(connection, [name])
    return found[0] if found else None


def page(
    connection: Connection, *, country: str | None, after: str, limit: int
) -> list[HomeInstitution]:
    """Listed institutions by name; those that have only applied are not."""
    query = select(institution).where(
        institution.c.institution > after, institution.c.state.not_in(["applied", "approved"])
    )
    if country is not None:
        query = query.where(institution.c.country == country)
    rows = connection.execute(query.order_by(institution.c.institution).limit(limit))
    return [_home(row) for row in rows.mappings()]


def put(connection: Connection, entry: HomeInstitution) -> None:
    """Writes a row; `version` is one more than the stored one, 1 for a new row."""
    values = {
        "version": entry.version,
        "state": entry.state,
        "country": entry.profile.country,
        "profile": entry.profile.model_dump(mode="json"),
        "key_set": entry.key_set.model_dump(mode="json"),
        "client_key": entry.client_key.model_dump(mode="json"),
        "fingerprint": entry.fingerprint,
        "registration_digest": entry.registration_digest,
        "updated_at": entry.updated_at,
    }
    changed = connection.execute(
        update(institution).where(institution.c.institution == entry.institution).values(**values)
    ).rowcount
    if not changed:
        connection.execute(insert(institution).values(institution=entry.institution, **values))


def approve(
    connection: Connection, name: str, digest: str, *, approved_by: str, now: datetime
) -> list[str]:
    """Notes an approval; returns everybody who approved this very registration."""
    insert_or_ignore(
        connection,
        approval,
        [
            {
                "institution": name,
                "registration_digest": digest,
                "approved_by": approved_by,
                "approved_at": now,
            }
        ],
    )
    return list(
        connection.scalars(
            select(approval.c.approved_by)
            .where(approval.c.institution == name, approval.c.registration_digest == digest)
            .order_by(approval.c.approved_at, approval.c.approved_by)
        )
    )


def remote(connection: Connection, ids: Sequence[str]) -> list[RemoteEntry]:
    rows = connection.execute(
        select(
            remote_institution.c.institution,
            remote_institution.c.gateway,
            remote_institution.c.entry,
            remote_institution.c.fetched_at,
        ).where(remote_institution.c.institution.in_(ids))
    )
    return [RemoteEntry(*row) for row in rows]


def put_remote(connection: Connection, entry: RemoteEntry) -> None:
    connection.execute(
        delete(remote_institution).where(remote_institution.c.institution == entry.institution)
    )
    insert_or_ignore(
        connection,
        remote_institution,
        [
            {
                "institution": entry.institution,
                "gateway": entry.gateway,
                "entry": entry.entry,
                "fetched_at": entry.fetched_at,
            }
        ],
    )


def _home(values: RowMapping) -> HomeInstitution:
    return HomeInstitution(
        institution=values["institution"],
        version=values["version"],
        state=values["state"],
        profile=InstitutionProfile.model_validate(values["profile"]),
        key_set=SignedKeySet.model_validate(values["key_set"]),
        client_key=PublicKey.model_validate(values["client_key"]),
        fingerprint=values["fingerprint"],
        registration_digest=values["registration_digest"],
        updated_at=values["updated_at"],
    )
