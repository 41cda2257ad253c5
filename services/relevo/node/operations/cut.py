"""What of some records may leave: checked against every consent, cut to what each lets through."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from relevo.contracts import coverage
from relevo.contracts.consent import Consent
from relevo.contracts.envelope import LegalBasis
from relevo.contracts.minimisation import minimise, withheld
from relevo.contracts.pathways.loader import Pathway
from relevo.contracts.person import Person, excluded_countries
from relevo.contracts.problem import ProblemError
from relevo.contracts.vocabularies.loader import in_code_order
from relevo.servicekit.access_token import Caller

from .visibility import may_touch


@dataclass(frozen=True)
class Asked:
    """What somebody wants to send.

    Attributes:
        also_known: Others of the same referral, whose protection needs bind as well.
    """

    receiver: str
    purpose: str
    persons: Sequence[Person]
    share: list[str]
    consent_ids: Sequence[str]
    basis: LegalBasis | None
    also_known: Sequence[Person] = ()


@dataclass(frozen=True)
class Cut:
    """What may leave, and under what.

    Attributes:
        records: The consents, one for each adult.
        share: Data categories, in code order.
        excluded: Countries that must not learn of it.
        leaving: The sections of each person that leave.
        left_out: Sections that the records have and that stay.
    """

    records: list[Consent]
    share: list[str]
    excluded: set[str]
    leaving: list[dict[str, Any]]
    left_out: list[str]


def cut(
    caller: Caller,
    asked: Asked,
    route: Pathway,
    consents: Mapping[str, tuple[Consent, str]],
    *,
    now: datetime,
) -> Cut:
    """Decides what may leave.

    Args:
        caller: Who sends it.
        asked: What shall leave.
        route: The pathway that it goes on.
        consents: Records and their owners, by id.
        now: Business time.

    Raises:
        ProblemError: What consent or the country-of-origin rule has against it.
    """
    records = _consents(consents, caller, asked)
    share = in_code_order("data_category", asked.share)
    excluded = excluded_countries([*asked.persons, *asked.also_known])
    coverage.check_country_of_origin(asked.receiver, excluded_countries=excluded, consents=records)
    for record in records:
        coverage.check_consent(
            record, receiver=asked.receiver, purpose=asked.purpose, categories=share, now=now
        )
    leaving = [minimise(person, allowed=share, wanted=route.wanted) for person in asked.persons]
    left_out = {
        section
        for person, sent in zip(asked.persons, leaving, strict=True)
        for section in withheld(person, sent)
    }
    return Cut(records, share, excluded, leaving, sorted(left_out))


def _consents(
    known: Mapping[str, tuple[Consent, str]], caller: Caller, asked: Asked
) -> list[Consent]:
    records = [
        known[consent_id][0]
        for consent_id in dict.fromkeys(asked.consent_ids)
        if consent_id in known and may_touch(caller, known[consent_id][1])
    ]
    people = {person.person_id for person in asked.persons}
    if len(records) != len(set(asked.consent_ids)):
        raise ProblemError("consent_missing")
    if asked.basis is None and {record.person_id for record in records} != people:
        # Somebody without a consent of her own, or a consent of somebody who is not in it.
        raise ProblemError("consent_missing")
    return records
