"""The receiver's node checks again what the sender's node should have kept.

It marks and tells, and never drops anybody's help; only what is privileged is not stored where a state
would read it (domain rules 3, 4 and 18).
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from relevo.contracts.childhood import (
    AUTHORITY_MANDATE,
    check_authority_of_origin,
    children_alone,
    is_child,
)
from relevo.contracts.envelope import Envelope
from relevo.contracts.identifiers import country_of
from relevo.contracts.message_types.referral_submitted import ReferralSubmitted
from relevo.contracts.person import Person
from relevo.contracts.privilege import PRIVILEGED, is_state_body, without_privileged
from relevo.contracts.problem import ProblemError
from relevo.node.storage.coming_of_age import ComingOfAge
from relevo.node.storage.referrals import StoredReferral

from .open_envelope import Opened


def is_privileged(envelope: Envelope) -> bool:
    """Whether a message holds something between a person and her lawyer."""
    return not PRIVILEGED.isdisjoint(envelope.categories)


def at_the_door(item: Opened, own_type: str | None) -> Opened:
    """The message without what is privileged, where a state would store it."""
    if own_type is None or not is_state_body(own_type) or not is_privileged(item.envelope):
        return item
    body = item.body
    left: dict[str, object] = {}
    if hasattr(body, "persons"):
        left["persons"] = [
            Person.model_validate(without_privileged(person.model_dump(exclude_none=True)))
            for person in body.persons
        ]
    if hasattr(body, "attachments"):
        left["attachments"] = [one for one in body.attachments if one.category not in PRIVILEGED]
    return replace(item, body=body.model_copy(update=left), dropped=True)


def look_again(item: Opened, body: ReferralSubmitted, *, now: datetime) -> list[str]:
    """What is found against the rules."""
    envelope = item.envelope
    marks = []
    authority = envelope.purpose == AUTHORITY_MANDATE
    if children_alone(body.persons, now) and not _told(body):
        marks.append("child_authority_not_told")
    if authority and not _may_know(envelope, body, now):
        marks.append("best_interests_missing")
    if _lacks_grant(item, body, now):
        marks.append("adult_without_grant")
    if item.dropped:
        marks.append("privileged_dropped")
    return marks


def ages_of(stored: StoredReferral, body: ReferralSubmitted) -> list[ComingOfAge]:
    """When the first of those comes of age for whom somebody else said yes."""
    known = [terms.comes_of_age_at for terms in body.terms if terms.comes_of_age_at is not None]
    return [ComingOfAge("referral", stored.id, stored.owner, min(known))] if known else []


def _told(body: ReferralSubmitted) -> bool:
    return body.children is not None and bool(body.children.told)


def _may_know(envelope: Envelope, body: ReferralSubmitted, now: datetime) -> bool:
    said = body.children
    try:
        check_authority_of_origin(
            body.persons,
            receiver=envelope.aud,
            receiver_is_authority=True,
            child_is_in=country_of(envelope.iss) if said is None else said.country,
            best_interests=None if said is None else said.best_interests,
            now=now,
        )
    except ProblemError:
        return False
    return True


def _lacks_grant(item: Opened, body: ReferralSubmitted, now: datetime) -> bool:
    """Whether an adult of a family came without a grant of her own; a basis may stand in for it."""
    if len(body.persons) < 2 or item.envelope.basis is not None:
        return False
    given_by: Sequence[int | None] = [terms.person for terms in body.terms]
    return any(
        _is_adult(person, now) and place not in given_by
        for place, person in enumerate(body.persons, start=1)
    )


def _is_adult(person: Person, now: datetime) -> bool:
    return not is_child(person, now)
