"""A complaint without a name: a placeholder for the person, and a code on paper for whoever complains.

Nothing that names, reaches or links her leaves. Two complaints of one intake share no key: every
referral has an id, a reference code and grants of its own, and a person's local key never travels.
"""

from typing import Final

from .consent import ContactRules
from .pathways.schema import Pathway
from .person import SECTIONS
from .problem import FieldError, ProblemError
from .referral import ReferralSubmission

NAMELESS: Final = frozenset(
    {"service_history", "location_municipality", "travel_and_return", "protection_concern"}
)
"""Sections that may speak of what happened without saying to whom."""

UNREACHABLE: Final = ContactRules(prohibited=True)


def check_anonymous(submission: ReferralSubmission, route: Pathway) -> None:
    """Refuses what would tell who complains.

    Raises:
        ProblemError: `anonymity_not_offered`, or `invalid_input` pointing at what names her.
    """
    if not submission.anonymous:
        return
    if not route.anonymous:
        raise ProblemError("anonymity_not_offered", pathway=route.id)
    errors = [
        FieldError(pointer=f"/persons/{place}/{section}", detail="tells who complains")
        for place, person in enumerate(submission.persons)
        for section in SECTIONS
        if section not in NAMELESS and getattr(person, section) is not None
    ]
    if submission.part_of is not None:
        errors.append(FieldError(pointer="/part_of", detail="would link this with another matter"))
    if submission.attachments:
        errors.append(FieldError(pointer="/attachments", detail="a file may tell who complains"))
    if errors:
        raise ProblemError("invalid_input", errors=errors)
