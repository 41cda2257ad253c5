"""What of a record is compared: a name as it sounds, a birth date, a municipality, papers. Nothing else."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from relevo.contracts.person import BirthDate, Identity, IdentityDocument, LocationMunicipality
from relevo.contracts.plain_text import plain
from relevo.contracts.sealed_records import may_be_matched

from .words import heard

_MARRIED: Final = ("de ", "del ")


@dataclass(frozen=True, slots=True)
class Subject:
    """One person of one record, ready to be compared.

    Attributes:
        given: As they sound; may hold a whole name that nobody divided.
        family: As they sound. A husband's name ("de Coj", after another family name) is none.
        papers: Type, country and number of each paper that has one.
    """

    given: tuple[str, ...]
    family: tuple[str, ...]
    birth_date: BirthDate | None = None
    sex: str | None = None
    municipality: str | None = None
    papers: frozenset[tuple[str, str, str]] = frozenset()


def subject_of(
    identity: Identity,
    *,
    municipality: LocationMunicipality | None = None,
    documents: Sequence[IdentityDocument] = (),
    purpose: str = "",
    services: Iterable[str] = (),
) -> Subject | None:
    """What is compared of this person.

    Args:
        identity: Who she is.
        municipality: Where she is from or going to.
        documents: Her papers.
        purpose: Of the referral that the person stands in, if any.
        services: Asked for in it.

    Returns:
        None for remains that nobody has identified, for a search for somebody who is missing, and for
        a name without a letter: these match nothing.
    """
    if identity.unidentified or not may_be_matched(purpose=purpose, services=services):
        return None
    given, family = heard(identity.given_names), _family(identity.family_names)
    if not given and not family:
        return None
    return Subject(
        given=given,
        family=family,
        birth_date=identity.birth_date,
        sex=identity.sex,
        municipality=_place(municipality),
        papers=frozenset(_papers(documents)),
    )


def _family(names: Sequence[str]) -> tuple[str, ...]:
    words: list[str] = []
    for name in names:
        # De la Cruz and De León are family names of their own where they stand first.
        if words and name.lower().startswith(_MARRIED):
            continue
        words += heard(name)
    return tuple(words)


def _place(municipality: LocationMunicipality | None) -> str | None:
    if municipality is None:
        return None
    if municipality.code is not None:
        return municipality.code
    name = "" if municipality.name is None else plain(municipality.name)
    return f"{municipality.country} {name}" if name else None


def _papers(documents: Sequence[IdentityDocument]) -> Iterable[tuple[str, str, str]]:
    for paper in documents:
        number = "" if paper.number is None else plain(paper.number).replace(" ", "")
        if paper.country is not None and number:
            yield paper.type, paper.country, number
