"""What one institution writes down beside a referral and nobody else reads: who died, who was told, who decides.

Domain rules 8 and 9. Until the family was told in person the referral goes on as it was, for everybody:
what would tell is refused, so no state, reason, event or message can say it.
"""

from collections.abc import Iterable, Sequence
from typing import Annotated, Final, Literal

from pydantic import Field, model_validator

from .identifiers import PartyId, Uuid
from .model import ContractModel, Moment, ShortText
from .person import Person
from .problem import ProblemError
from .searched_person import SearchedPersonAnswer

TELLING_REASONS: Final = frozenset({"death_notified"})
TELLING_OUTCOMES: Final = frozenset({"identity_of_remains_confirmed", "remains_delivered"})
"""What says that somebody died."""

ANSWERS_TO_RELATIVES: Final = frozenset(
    {
        "person_located_contact_agreed",
        "person_located_no_contact_wished",
        "identity_of_remains_confirmed",
    }
)
"""Outcomes of a search that answer whoever searches."""

SEARCH_SERVICES: Final = frozenset({"missing_migrant_search", "forensic_identification"})
SHIPPING_STATES: Final = frozenset({"scheduled", "completed"})
DECEASED_PROFILE: Final = "deceased_migrant"

_FORENSIC: Final = frozenset({"genetic", "dental", "fingerprints"})


class Identification(ContractModel):
    """Whose remains these are, as far as is known. Presumed and confirmed are two records.

    Attributes:
        reference: Number of the forensic report, or of the comparison at the laboratory. Never the data.
    """

    kind: Literal["identification"] = "identification"
    certainty: Literal["presumed", "confirmed"]
    method: Literal["belongings", "documents", "sight", "fingerprints", "dental", "genetic"]
    authority: ShortText
    reference: ShortText | None = None
    established_at: Moment

    @model_validator(mode="after")
    def _confirmed_by_forensics(self) -> "Identification":
        if self.certainty == "confirmed" and (
            self.method not in _FORENSIC or self.reference is None
        ):
            raise ValueError("confirmed needs a forensic method and the number of its report")
        return self


class FamilyTold(ContractModel):
    """The family was told in person: who told whom, when, where, and who was there for them.

    Attributes:
        told_by: Office or function, not a name.
        relatives: Who was told, by relation.
        accompanied_by: Such as a psychologist, the committee of relatives.
    """

    kind: Literal["family_told"] = "family_told"
    told_at: Moment
    told_by: ShortText
    relatives: Annotated[list[ShortText], Field(min_length=1, max_length=10)]
    place: ShortText
    accompanied_by: Annotated[list[ShortText], Field(min_length=1, max_length=10)]
    in_person: Literal[True]


class RemainsDecision(ContractModel):
    """Who decides about the body, and what. While it is disputed nothing is shipped.

    Attributes:
        heard: Relations that were asked.
        decided_by: The relation whom the law of the place of death entitles.
    """

    kind: Literal["remains_decision"] = "remains_decision"
    state: Literal["disputed", "decided"]
    heard: Annotated[list[ShortText], Field(min_length=1, max_length=10)]
    choice: Literal["body", "ashes"] | None = None
    decided_by: ShortText | None = None
    law: ShortText | None = None
    at: Moment

    @model_validator(mode="after")
    def _decided_by_somebody(self) -> "RemainsDecision":
        said = (self.choice, self.decided_by, self.law)
        if self.state == "decided" and None in said:
            raise ValueError("a decision names the choice, who decided and under which law")
        if self.state == "disputed" and said != (None, None, None):
            raise ValueError("what is disputed has no choice, decider or law yet")
        return self


class Kinship(ContractModel):
    """Who searches was verified to be a relative, before anything is answered."""

    kind: Literal["kinship"] = "kinship"
    relation: ShortText
    evidence: Literal["civil_registry", "genetic_reference", "authority_statement"]
    reference: ShortText | None = None
    verified_by: ShortText
    verified_at: Moment


SealedRecordInput = Annotated[
    Identification | FamilyTold | RemainsDecision | Kinship | SearchedPersonAnswer,
    Field(discriminator="kind"),
]


class SealedRecord(ContractModel):
    """One of them, as it was written. It is never changed and never removed."""

    id: Uuid
    referral_id: Uuid
    recorded_by: PartyId
    recorded_at: Moment
    record: SealedRecordInput


Record = Identification | FamilyTold | RemainsDecision | Kinship | SearchedPersonAnswer


def check_may_be_said(
    records: Iterable[Record], *, outcome: str | None = None, reason: str | None = None
) -> None:
    """Refuses what would tell of a death before the family was told, or names remains on a presumption.

    Args:
        records: What was written down beside the referral.
        outcome: Of a counter-referral.
        reason: Of any step, wish or refusal that leaves.

    Raises:
        ProblemError: `family_not_told` or `identity_not_confirmed`.
    """
    if outcome not in TELLING_OUTCOMES and reason not in TELLING_REASONS:
        return
    known = list(records)
    if not any(isinstance(record, FamilyTold) for record in known):
        raise ProblemError("family_not_told")
    if outcome == "identity_of_remains_confirmed" and not any(
        isinstance(record, Identification) and record.certainty == "confirmed" for record in known
    ):
        raise ProblemError("identity_not_confirmed")


def check_may_ship(records: Iterable[Record], *, to: str) -> None:
    """Refuses to go on with the remains while relatives disagree; the last word counts.

    Raises:
        ProblemError: `remains_disputed`.
    """
    decisions = [record for record in records if isinstance(record, RemainsDecision)]
    if to in SHIPPING_STATES and decisions and decisions[-1].state == "disputed":
        raise ProblemError("remains_disputed")


def check_kinship(records: Iterable[Record], *, outcome: str | None, services: set[str]) -> None:
    """Refuses to answer a search before it is known that a relative searches.

    Raises:
        ProblemError: `kinship_not_verified`.
    """
    if outcome not in ANSWERS_TO_RELATIVES or SEARCH_SERVICES.isdisjoint(services):
        return
    if not any(isinstance(record, Kinship) for record in records):
        raise ProblemError("kinship_not_verified")


def check_the_dead(persons: Sequence[Person], *, by_relatives: set[str]) -> None:
    """`NN` stands for remains alone, and relatives decide for the dead alone.

    Args:
        persons: Of one referral.
        by_relatives: Keys of persons for whom a relative gave consent as such.

    Raises:
        ProblemError: `relative_not_entitled`, or `unidentified_is_for_remains`.
    """
    for person in persons:
        if person.case_profile == DECEASED_PROFILE:
            continue
        if person.identity is not None and person.identity.unidentified:
            raise ProblemError("unidentified_is_for_remains")
        if person.person_id in by_relatives:
            raise ProblemError("relative_not_entitled")


def may_be_matched(*, purpose: str, services: Iterable[str]) -> bool:
    """Whether a record of this kind may ever be proposed as somebody's duplicate or match.

    Somebody who is searched for is found by people who ask, never by a machine that compares.
    """
    return purpose != "tracing_of_missing" and SEARCH_SERVICES.isdisjoint(services)
