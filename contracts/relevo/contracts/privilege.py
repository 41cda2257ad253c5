"""What stands between a person and her lawyer never reaches a consulate or a state (domain rule 18).

Asked when a record is cut, when the message leaves, and at the receiver's door. The gateway asks it too.
"""

from collections.abc import Collection
from functools import cache
from typing import Any, Final

from .person import category_of_need
from .problem import ProblemError
from .vocabularies.loader import code_list, in_code_order

PRIVILEGED: Final = frozenset({"legal_case"})
"""Data categories under legal privilege."""


@cache
def is_state_body(institution_type: str) -> bool:
    """Whether institutions of this type belong to a state. A type that nobody knows counts as one."""
    listed = code_list("institution_type")
    return institution_type not in listed or listed.get(institution_type).state_body


def check_privilege(receiver: str, receiver_type: str | None, categories: Collection[str]) -> None:
    """Refuses privileged categories to a state body.

    Args:
        receiver: Whom it is for.
        receiver_type: As the directory has it; None while nobody can be asked: asked again when it leaves.
        categories: What shall leave.

    Raises:
        ProblemError: `privileged`.
    """
    named = PRIVILEGED & set(categories)
    if named and receiver_type is not None and is_state_body(receiver_type):
        raise ProblemError(
            "privileged", receiver=receiver, categories=in_code_order("data_category", named)
        )


def without_privileged(sections: dict[str, Any]) -> dict[str, Any]:
    """The sections of a person without what is privileged."""
    left = {name: value for name, value in sections.items() if name not in PRIVILEGED}
    needs = sections.get("specific_needs")
    if needs is not None:
        left["specific_needs"] = [n for n in needs if category_of_need(n) not in PRIVILEGED]
    return left
