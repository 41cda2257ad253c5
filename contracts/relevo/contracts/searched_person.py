"""Somebody is searched for: whoever finds that person asks that person first (domain rules 2 and 9).

Until there is an answer, nothing leaves that says that the person was found, or where.
"""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Final, Literal

from pydantic import Field, model_validator

from .model import ContractModel, Moment, ShortText
from .problem import ProblemError

Answer = Literal["contact_agreed", "alive_only", "nothing"]
"""May be put in touch; may be told to be alive and no more; wants nobody to know anything."""

SEARCHES: Final = frozenset(
    {"locate_detained_or_ill_person", "missing_migrant_search", "restoring_family_links"}
)
"""Services by which somebody looks for somebody else."""

_NEEDED: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "person_located_contact_agreed": frozenset({"contact_agreed"}),
        "person_located_no_contact_wished": frozenset({"contact_agreed", "alive_only"}),
        "released_from_detention": frozenset({"contact_agreed"}),
        "removed_from_country": frozenset({"contact_agreed"}),
    }
)
_TELLING_REASONS: Final = frozenset(
    {
        "person_detained",
        "person_moved_in_country",
        "person_remigrated",
        "returned_again",
        "declined_by_person",
    }
)
"""Reasons that tell that somebody was found, or where. `individual_not_found` tells nothing."""


class SearchedPersonAnswer(ContractModel):
    """What the searched person said. Kept at the node that asked; it never travels.

    Attributes:
        asked_by: Desk or visiting lawyer, not a name.
        way: A monitored telephone is not enough for more than being alive.
    """

    kind: Literal["searched_person_answer"] = "searched_person_answer"
    answer: Answer
    asked_at: Moment
    asked_by: ShortText
    way: Literal["in_person", "private_call", "monitored_call", "in_writing"] = "in_person"
    words: ShortText | None = Field(default=None, description="In the person's own words.")

    @model_validator(mode="after")
    def _heard_freely(self) -> "SearchedPersonAnswer":
        if self.way == "monitored_call" and self.answer == "contact_agreed":
            raise ValueError("on a monitored line nobody agrees freely; ask again in private")
        return self


def check_may_tell(
    *,
    services: Collection[str],
    outcome: str | None,
    reason: str | None,
    answer: SearchedPersonAnswer | None,
) -> None:
    """Whether an outcome or a reason may go to whoever searches.

    Args:
        services: What was asked for in this referral.
        outcome: Of the counter-referral, if there is one.
        reason: Of the step, if there is one.
        answer: What the searched person last said, if anybody asked.

    Raises:
        ProblemError: `searched_person_not_asked`, or `searched_person_said_no`.
    """
    located = (outcome or "").startswith("person_located_")
    if not located and SEARCHES.isdisjoint(services):
        return
    needed = _NEEDED.get(outcome or "")
    if needed is None and reason in _TELLING_REASONS:
        needed = frozenset({"contact_agreed"})
    if needed is None:
        return
    if answer is None:
        raise ProblemError("searched_person_not_asked")
    if answer.answer not in needed:
        raise ProblemError("searched_person_said_no")
