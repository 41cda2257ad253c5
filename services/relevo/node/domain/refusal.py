"""What a gateway said when it refused a message: which of it is kept, and the problem that people read.

A gateway is another institution's. Only ids and codes of what it says are kept; the words are ours.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from relevo.contracts.identifiers import PartyId
from relevo.contracts.problem import Problem, ProblemError
from relevo.contracts.problem_types import PROBLEM_TYPES

_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+-]{0,119}")
_MOST_IN_LIST: Final = 10
_PARTY: Final = TypeAdapter[str](PartyId)


def kept_members(name: str, members: Mapping[str, Any]) -> dict[str, Any]:
    """The members that the problem type documents, as far as they are codes or lists of codes.

    Args:
        name: The problem type, as the gateway named it.
        members: What stood beside it, from outside.
    """
    kind = PROBLEM_TYPES.get(name)
    if kind is None:
        return {}
    kept: dict[str, Any] = {}
    for member in kind.members:
        value = members.get(member)
        if isinstance(value, list | tuple):
            fits = _is_party if member == "offered" else _is_code
            kept[member] = [one for one in value if fits(one)][:_MOST_IN_LIST]
        elif _is_code(value):
            kept[member] = value
    return kept


def _is_code(value: object) -> bool:
    return isinstance(value, str) and _CODE.fullmatch(value) is not None


def _is_party(value: object) -> bool:
    try:
        _PARTY.validate_python(value, strict=True)
    except ValidationError:
        return False
    return True


def as_problem(name: str, members: Mapping[str, Any]) -> Problem | None:
    """The refusal in both languages; None when it is of no documented type or not enough is known of it.

    Args:
        name: The problem type.
        members: What is known of it. What the type does not document is left out.
    """
    kind = PROBLEM_TYPES.get(name)
    if kind is None:
        return None
    try:
        said = {key: value for key, value in members.items() if key in kind.members}
        return ProblemError(name, **said).problem()
    except KeyError:
        return None
