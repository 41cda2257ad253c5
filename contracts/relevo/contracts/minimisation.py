"""What may leave: the record, cut to what is shared, allowed and asked for."""

from collections.abc import Collection
from typing import Any

from .person import SECTIONS, Person, category_of_need
from .vocabularies.loader import in_code_order


def minimise(
    person: Person, *, allowed: Collection[str], wanted: Collection[str]
) -> dict[str, Any]:
    """The sections of a record that may leave, and nothing else.

    Args:
        person: The whole record, as the sending institution knows it.
        allowed: Data categories that the grants allow.
        wanted: Data categories that the receiver's pathway asks for.

    Returns:
        JSON-ready sections, each named by its category. The person's local key is never among them.
    """
    leaving = [section for section in SECTIONS if section in allowed and section in wanted]
    needs = [
        need
        for need in person.specific_needs
        if category_of_need(need) in set(allowed) & set(wanted)
    ]
    whole = person.model_dump(mode="json", exclude_none=True, include=set(leaving))
    sections = {section: whole[section] for section in leaving if section in whole}
    for one in sections.get("protection_concern", {}).get("implicated", []):
        one.pop("person_id", None)  # our own key
    return {**sections, "specific_needs": needs} if needs else sections


def withheld(person: Person, sent: dict[str, Any]) -> list[str]:
    """Data categories that the record has something of and the receiver does not get all of."""
    kept = {section for section in SECTIONS if getattr(person, section) is not None} - sent.keys()
    unsent = set(person.specific_needs) - set(sent.get("specific_needs", []))
    return in_code_order("data_category", kept | {category_of_need(need) for need in unsent})
