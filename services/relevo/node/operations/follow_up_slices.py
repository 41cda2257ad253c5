"""Slices under which the result of a follow-up may go to those whom a person named for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from relevo.contracts.consent import Consent
from relevo.contracts.follow_up import FOLLOW_UP_PURPOSE
from relevo.contracts.identifiers import institution_of
from relevo.contracts.institution import InstitutionProfile
from relevo.contracts.message_types.referral_submitted import FollowUpGrant
from relevo.contracts.pathways.schema import Pathway
from relevo.contracts.person import Person
from relevo.contracts.privilege import PRIVILEGED
from relevo.contracts.vocabularies.loader import in_code_order
from relevo.node.storage.grants import HeldGrant

from .context import Node
from .cut import Cut, parties_named
from .slices import sign_slice

RESULT_CATEGORIES: Final = ("service_history",)
"""What a result tells by default: how it ended, how she is, how many needs stand."""


@dataclass(frozen=True)
class NamedForFollowUp:
    """Whom one consent names for follow-up, and whose it is.

    Attributes:
        person: Place of the person in the referral; None when she is not in it.
        parties: Empty unless she opted in.
    """

    record: Consent
    person: int | None
    parties: list[str]


def named_for_follow_up(
    record: Consent,
    route: Pathway,
    persons: Sequence[Person],
    *,
    holder: str,
    may_leave: Cut,
    profiles: Mapping[str, InstitutionProfile],
) -> NamedForFollowUp:
    """Whom this consent names, on a route that allows it and for a receiver that she lets do it."""
    places = [place for place, p in enumerate(persons, 1) if p.person_id == record.person_id]
    parties: list[str] = []
    if places and route.allows_follow_up and _may_follow_up(record, holder):
        parties = parties_named(record, "follow_up", may_leave, profiles)
    return NamedForFollowUp(record, places[0] if places else None, parties)


def sign_follow_up_slices(
    node: Node, named: NamedForFollowUp, *, referral_id: str, holder: str
) -> list[tuple[FollowUpGrant, HeldGrant]]:
    """One slice for each party: what the receiver carries, and what this node keeps."""
    signed = []
    for party in named.parties:
        grant = sign_slice(
            node,
            named.record,
            referral_id=referral_id,
            sender=holder,
            receiver=party,
            purpose=FOLLOW_UP_PURPOSE,
            categories=_categories(named.record, party),
        )
        signed.append((FollowUpGrant(person=named.person or 1, grant=grant.jws), grant))
    return signed


def _may_follow_up(record: Consent, holder: str) -> bool:
    """Whether she lets the receiver itself do it: what she said of the unit outranks its institution."""
    entries = [e for e in record.recipients if e.party == holder and not e.only] or [
        e for e in record.recipients if e.party == institution_of(holder) and not e.only
    ]
    return any(entry.purposes is None or FOLLOW_UP_PURPOSE in entry.purposes for entry in entries)


def _categories(record: Consent, party: str) -> list[str]:
    """The default, and what she wrote beside this party's name and allows at all; privileged things never."""
    written = {
        category
        for entry in record.recipients
        if entry.party == party and "follow_up" in entry.only
        for category in entry.categories or ()
    }
    allowed = (written & set(record.categories)) - PRIVILEGED
    return in_code_order("data_category", {*RESULT_CATEGORIES, *allowed})
