"""What may leave: the record, cut to what is shared, allowed and asked for."""

from collections.abc import Collection
from typing import Any

from .person import SECTIONS, Person


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
    whole = person.model_dump(mode="json", exclude_none=True, include=set(leaving))
    return {section: whole[section] for section in leaving if section in whole}


def withheld(person: Person, sent: dict[str, Any]) -> list[str]:
    """Sections that the record has and the receiver does not get."""
    return [s for s in SECTIONS if getattr(person, s) is not None and s not in sent]
