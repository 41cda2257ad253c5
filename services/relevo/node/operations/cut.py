"""What of some records may leave: checked against every consent, cut to what each lets through."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from relevo.contracts import coverage, implicated
from relevo.contracts.consent import Consent, ConsentInput
from relevo.contracts.envelope import LegalBasis
from relevo.contracts.families import check_adults, until_of_age
from relevo.contracts.identifiers import institution_of
from relevo.contracts.implicated import Implicated
from relevo.contracts.institution import InstitutionProfile
from relevo.contracts.jurisdictions.loader import Side, check_basis
from relevo.contracts.minimisation import minimise, withheld
from relevo.contracts.pathways.schema import Pathway
from relevo.contracts.person import Person, excluded_countries, implicated_in
from relevo.contracts.privilege import check_privilege
from relevo.contracts.problem import ProblemError
from relevo.contracts.sealed_records import check_the_dead
from relevo.contracts.sensitive_routes import check_share
from relevo.contracts.vocabularies.loader import in_code_order
from relevo.servicekit.access_token import Caller

from .visibility import may_touch


@dataclass(frozen=True)
class Asked:
    """What somebody wants to send.

    Attributes:
        also_known: Others of the same referral, whose protection needs bind as well.
        profile: The receiver's institution; None while nobody can tell.
    """

    receiver: str
    purpose: str
    persons: Sequence[Person]
    share: list[str]
    consent_ids: Sequence[str]
    basis: LegalBasis | None
    also_known: Sequence[Person] = ()
    profile: InstitutionProfile | None = None


@dataclass(frozen=True)
class Cut:
    """What may leave, and under what.

    Attributes:
        records: The consents, one for each adult.
        share: Data categories, in code order.
        excluded: Countries that must not learn of it.
        leaving: The sections of each person that leave.
        left_out: Sections that the records have and that stay.
        requested: Whether each person asked for this receiver herself, as a consulate needs.
        kept_away: Who is implicated in what happened to any of them.
    """

    records: list[Consent]
    share: list[str]
    excluded: set[str]
    leaving: list[dict[str, Any]]
    left_out: list[str]
    requested: bool
    kept_away: list[Implicated]


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
        ProblemError: What consent has against it, or a rule about countries of origin, consulates, who
            is implicated, families, who has come of age, or privilege.
    """
    known = [*asked.persons, *asked.also_known]
    records = until_of_age(_consents(consents, caller, asked, now=now), known, now=now)
    check_the_dead(
        known,
        by_relatives={r.person_id for r in records if r.given_by.capacity == "relative"},
    )
    share = in_code_order("data_category", asked.share)
    check_privilege(asked.receiver, None if asked.profile is None else asked.profile.type, share)
    check_share(share, sender_mandates=caller.mandates)
    excluded = excluded_countries(known)
    kept_away = [*implicated_in(known), *(one for r in records for one in r.implicated)]
    implicated.check_receiver(kept_away, asked.receiver)
    for record in records:
        check_giver(record, kept_away)
    coverage.check_country_of_origin(
        asked.receiver, purpose=asked.purpose, excluded_countries=excluded, consents=records
    )
    for record in records:
        coverage.check_consent(
            record,
            receiver=asked.receiver,
            purpose=asked.purpose,
            categories=share,
            now=now,
            profile=asked.profile,
        )
    requested = _requested(asked, records)
    leaving = [
        implicated.without_their_numbers(
            minimise(person, allowed=share, wanted=route.wanted), kept_away
        )
        for person in asked.persons
    ]
    left_out = {
        section
        for person, sent in zip(asked.persons, leaving, strict=True)
        for section in withheld(person, sent)
    }
    return Cut(records, share, excluded, leaving, sorted(left_out), requested, kept_away)


def check_giver(given: ConsentInput, kept_away: Sequence[Implicated]) -> None:
    """Nobody who is implicated says yes for her, or is whom one calls about her.

    Raises:
        ProblemError: `implicated_person_excluded` or `implicated_party_excluded`.
    """
    giver = given.given_by
    if giver.capacity == "guardian" and implicated.is_person_implicated(
        kept_away, relation=giver.relation, name=giver.name
    ):
        raise ProblemError("implicated_person_excluded", role="consent_giver")
    if giver.authority is not None:
        implicated.check_receiver(kept_away, giver.authority)
    if any(
        implicated.is_number_implicated(kept_away, number)
        for number in given.contact_rules.only_numbers
    ):
        raise ProblemError("implicated_person_excluded", role="contact")


def check_law(
    basis: LegalBasis | None,
    *,
    purpose: str,
    sender: tuple[str, InstitutionProfile | None],
    receiver: tuple[str, InstitutionProfile],
) -> None:
    """Whether the law lets this leave without consent.

    Raises:
        ProblemError: `basis_not_lawful`, naming the rule.
    """
    if basis is None:
        return
    check_basis(basis, purpose=purpose, sender=_side(*sender), receiver=_side(*receiver))


def _side(party: str, profile: InstitutionProfile | None) -> Side:
    if profile is None:
        return Side(party, None)
    return Side(party, profile.type, profile.mandates_of(party) or ())


def parties_named(
    record: Consent,
    use: str,
    may_leave: Cut,
    profiles: Mapping[str, InstitutionProfile],
) -> list[str]:
    """Whom a consent names for `status` or `follow_up`, as far as the rules that protect her let it."""
    parties = [entry.party for entry in record.recipients if entry.party is not None]
    consulates = {
        party
        for party in parties
        if (profile := profiles.get(institution_of(party))) is not None
        and coverage.is_consulate(profile, party)
    }
    named = coverage.named_for(
        record, use, excluded_countries=may_leave.excluded, consulates=consulates
    )
    return implicated.without_implicated(may_leave.kept_away, named)


def unasked_institutions(records: Sequence[Consent]) -> set[str]:
    """Institutions that consents name for status or follow-up though nobody asked for them herself."""
    return {
        institution_of(entry.party)
        for record in records
        for entry in record.recipients
        if entry.party is not None and entry.only and not entry.requested_by_person
    }


def _requested(asked: Asked, records: list[Consent]) -> bool:
    """Whether she asked for this receiver herself.

    Raises:
        ProblemError: `consulate_not_requested`, and it is known to be a consulate.
    """
    try:
        coverage.check_requested(asked.receiver, consents=records)
    except ProblemError:
        if asked.profile is not None and coverage.is_consulate(asked.profile, asked.receiver):
            raise
        return False
    return True


def _consents(
    known: Mapping[str, tuple[Consent, str]], caller: Caller, asked: Asked, *, now: datetime
) -> list[Consent]:
    records = [
        known[consent_id][0]
        for consent_id in dict.fromkeys(asked.consent_ids)
        if consent_id in known and may_touch(caller, known[consent_id][1])
    ]
    people = {person.person_id for person in asked.persons}
    if len(records) != len(set(asked.consent_ids)):
        raise ProblemError("consent_missing")
    basis = None if asked.basis is None else asked.basis.basis
    if not asked.also_known:  # who is in it was settled when it was referred
        check_adults(asked.persons, records, basis=basis, now=now)
    if asked.basis is None and {record.person_id for record in records} != people:
        # Somebody without a consent of her own, or a consent of somebody who is not in it.
        raise ProblemError("consent_missing")
    return records
