"""What a sensitive route protects without being asked: where a safe house is, and whom nobody calls.

Violence, trafficking, sexual health, asylum (domain rule 12), and what never leaves on any route.
"""

from collections.abc import Collection
from typing import Final, Literal

from .consent import ConsentInput, ContactRules
from .institution import InstitutionProfile
from .problem import ProblemError
from .vocabularies.loader import in_code_order

NEVER_LEAVE: Final = frozenset({"genetic_forensic", "criminal_record"})
"""Categories that pass no gateway, whatever anybody consented to. Of a genetic comparison only the
laboratory's reference number travels."""

SAFE_HOUSE_MANDATES: Final = frozenset({"gbv_services", "anti_trafficking"})

Sensitivity = Literal["open", "sealed"]


def check_askable(given: ConsentInput) -> None:
    """Nobody is asked to sign for what will never leave: she would believe that it does.

    Raises:
        ProblemError: `category_never_consented`, naming the categories.
    """
    named = {*given.categories, *(c for entry in given.recipients for c in entry.categories or ())}
    if never := NEVER_LEAVE & named:
        raise ProblemError(
            "category_never_consented", categories=in_code_order("data_category", never)
        )


def check_share(categories: Collection[str], *, sender_mandates: Collection[str]) -> None:
    """Refuses what no message may carry.

    Args:
        categories: What shall leave.
        sender_mandates: Of the unit that sends. Where somebody stays who is looked after by a safe
            house is where the house is.

    Raises:
        ProblemError: `category_never_leaves` or `address_never_leaves`.
    """
    never = NEVER_LEAVE & set(categories)
    if never:
        raise ProblemError(
            "category_never_leaves", categories=in_code_order("data_category", never)
        )
    if "location_precise" in categories and is_safe_house(sender_mandates):
        raise ProblemError("address_never_leaves")


def check_place(place: str | None, *, sensitivity: Sensitivity, mandates: Collection[str]) -> None:
    """Refuses an appointment's place where it could be that of a safe house.

    Raises:
        ProblemError: `address_never_leaves`.
    """
    if place is not None and sensitivity == "sealed" and is_safe_house(mandates):
        raise ProblemError("address_never_leaves")


def is_safe_house(mandates: Collection[str]) -> bool:
    """Whether a unit with these mandates may keep a house that nobody must find."""
    return not SAFE_HOUSE_MANDATES.isdisjoint(mandates)


def is_unlisted(profile: InstitutionProfile) -> bool:
    """Whether lists leave this institution out. Who knows its id still reaches it."""
    return profile.type == "shelter" and is_safe_house(profile.mandates)


def contact_rules_on(sensitivity: Sensitivity, rules: ContactRules) -> ContactRules:
    """How she may be reached on a route: where she said nothing of it, a sealed one prohibits it."""
    if sensitivity == "sealed" and rules == ContactRules():
        return ContactRules(prohibited=True)
    return rules
