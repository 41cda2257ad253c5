"""Records that may be one person's, shown to people; and when they may say that it is so.

A machine proposes and never merges. Kinship that a list names, and twins, are two people whatever
anybody says.
"""

from typing import Final, Literal

from .identifiers import Uuid
from .lifecycles.returnee import State
from .matching.compare import Comparison
from .matching.compare import Field as ComparedField
from .matching.likeness import Agreement
from .model import ContractModel, Flag, Moment
from .problem import ProblemError
from .returnee import MergeGround

Likeness = Literal["likely", "possible", "siblings"]
"""`siblings` is no proposal: born together, of one family, with given names alike but not one."""

_RULES_OUT_SIBLINGS: Final[frozenset[MergeGround]] = frozenset({"asked", "same_paper"})


class FieldEvidence(ContractModel):
    """What one field says, without its value.

    Attributes:
        field: `whole_name` where given and family names cannot be told apart.
        agreement: `shorter`: one leaves out what the other has. `near`: another spelling, a part of a
            date, a day and month exchanged.
    """

    field: ComparedField
    agreement: Agreement


class Candidate(ContractModel):
    """Another record that may be hers. It is read like any other, by its id."""

    returnee_id: Uuid
    state: State
    manifest_id: Uuid | None = None
    created_at: Moment
    likeness: Likeness
    evidence: list[FieldEvidence]


class Candidates(ContractModel):
    """The likeliest first.

    Attributes:
        compared: False where nothing was looked for: some records match nothing, and it is not said why.
    """

    returnee_id: Uuid
    compared: Flag
    candidates: list[Candidate] = []


Kinship = Literal["none", "one_group", "named"]
"""`named`: a record or a list says so. `one_group`: both came in one family, or as siblings."""


def check_one_person(comparison: Comparison | None, kinship: Kinship, ground: MergeGround) -> None:
    """Refuses a merge of people who are two, or whom nobody asked.

    Args:
        comparison: Of both records; None where they cannot be compared.
        kinship: How a list or an officer says that they belong together.
        ground: How it is known that they are one.

    Raises:
        ProblemError: `two_people`, whatever the ground: the records name them as relatives, or one
            family holds both under two given names or birth dates. `siblings_not_ruled_out`: what is
            written down speaks of two, and nobody asked her or saw one paper.
    """
    two = comparison is None or comparison.level == "no" or comparison.may_be_siblings
    if kinship == "named" or (kinship == "one_group" and two):
        raise ProblemError("two_people")
    if two and ground not in _RULES_OUT_SIBLINGS:
        raise ProblemError("siblings_not_ruled_out")
