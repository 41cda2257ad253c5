"""Families are whole by default, and each adult in them answers for herself (domain rule 4).

Pure answers: who lacks a consent of her own, whom a split takes from whom, and what it needs for that.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Final, Literal

from pydantic import Field, model_validator

from .childhood import adult_at, is_child, start_of
from .consent import Consent
from .identifiers import ReferenceCode, Uuid
from .model import ContractModel, LongText, Moment, ShortText, Whole
from .person import Person
from .problem import ProblemError
from .referral import ReferralSubmission
from .vocabularies.codes import ServiceType

CONFIRM_WITHIN: Final = timedelta(hours=1)

_WITHOUT_CONSENT: Final = frozenset({"vital_interest", "public_interest_mandate"})
"""Bases under which a family is referred before each adult can be asked."""

_FOR_A_CHILD: Final = frozenset({"guardian", "authority"})

SplitReason = Literal["safety_concern", "best_interests", "risk_to_life"]
SheetText = Literal["medical_transfer", "other_lodging", "other_office"]

SHEET_TEXTS: Final[Mapping[SheetText, Mapping[str, str]]] = {
    "medical_transfer": {
        "es": "Una parte de la familia tiene un traslado médico.",
        "en": "Part of the family has a medical transfer.",
    },
    "other_lodging": {
        "es": "Por cupo, una parte de la familia tiene otro alojamiento.",
        "en": "For lack of beds, part of the family is lodged elsewhere.",
    },
    "other_office": {
        "es": "Una parte de la familia hace un trámite en otra oficina.",
        "en": "Part of the family is at another office for a procedure.",
    },
}
"""What may be printed or said to those who stay. True of many families, and it tells nothing."""


class SplitRequest(ContractModel):
    """Somebody's safety needs one part of a family to go on apart from the other.

    The other adult is neither asked nor told. `referral` is the new referral of those who go, with
    their own consents; what is held here shows only those who stay.

    Attributes:
        persons: Who goes: places in the referral that is split, from 1.
        needs: Services of the referral that go with them and no longer show with the others.
        reason: `best_interests` needs its second person at once; the others within the hour.
        explanation: For whoever confirms. Never travels.
        recorded_by: Desk or shift, or the role of whoever decides.
        confirmed_by: The second person, when there is one already.
        sheet_text: What a printed sheet says to those who stay.
    """

    persons: Annotated[
        list[Annotated[Whole, Field(ge=1, le=30)]], Field(min_length=1, max_length=29)
    ]
    needs: Annotated[list[ServiceType], Field(max_length=20)] = []
    reason: SplitReason
    explanation: LongText | None = None
    recorded_by: ShortText
    confirmed_by: ShortText | None = None
    sheet_text: SheetText = "other_office"
    referral: ReferralSubmission

    @model_validator(mode="after")
    def _each_once(self) -> "SplitRequest":
        if len(set(self.persons)) != len(self.persons):
            raise ValueError("each person stands once")
        if len(self.referral.persons) != len(self.persons):
            raise ValueError("the referral is of those who go, and of nobody else")
        if self.referral.part_of is not None:
            raise ValueError("no lineage that the other side could read")
        return self


class SplitConfirmation(ContractModel):
    """A second person stands behind it."""

    confirmed_by: ShortText


class Split(ContractModel):
    """A split, as those who hold both parts read it. Nothing of it is part of either referral.

    Attributes:
        state: `unconfirmed` once the hour is over: escalated, never undone.
        stays: The referral of those who stay.
        goes: The referral of those who go.
        sheet: What may be printed for those who stay, by language.
    """

    id: Uuid
    state: Literal["waiting", "confirmed", "unconfirmed"]
    stays: Uuid
    goes: Uuid
    goes_reference_code: ReferenceCode
    reason: SplitReason
    explanation: LongText | None = None
    recorded_by: ShortText
    confirmed_by: ShortText | None = None
    sheet_text: SheetText
    sheet: dict[str, str]
    recorded_at: Moment
    confirm_by: Moment
    confirmed_at: Moment | None = None


def given_until(consent: Consent, persons: Sequence[Person]) -> datetime | None:
    """When what somebody else gave for one of these ends: at 18. None for her own word."""
    if consent.given_by.capacity not in _FOR_A_CHILD:
        return None
    known = [adult_at(person) for person in persons if person.person_id == consent.person_id]
    if consent.given_by.comes_of_age_on is not None:
        known.append(start_of(consent.given_by.comes_of_age_on))
    return min((moment for moment in known if moment is not None), default=None)


def until_of_age(
    consents: Sequence[Consent], persons: Sequence[Person], *, now: datetime
) -> list[Consent]:
    """The consents as they bind: what somebody else gave ends when the person is 18.

    Raises:
        ProblemError: `guardian_basis_ended`, the person is.
    """
    bound = []
    for consent in consents:
        until = given_until(consent, persons)
        if until is not None and until <= now:
            raise ProblemError("guardian_basis_ended")
        ends = consent.valid_until if until is None else min(until, consent.valid_until)
        bound.append(consent.model_copy(update={"valid_until": ends}))
    return bound


def check_adults(
    persons: Sequence[Person], consents: Sequence[Consent], *, basis: str | None, now: datetime
) -> None:
    """In a family every adult has a record and a consent of her own.

    Raises:
        ProblemError: `adult_needs_own_consent`, naming their places.
    """
    if len(persons) < 2 or basis in _WITHOUT_CONSENT:
        return
    own = {c.person_id for c in consents if c.given_by.capacity not in _FOR_A_CHILD}
    by_others = {c.person_id for c in consents if c.given_by.capacity in _FOR_A_CHILD}
    missing = [
        place
        for place, person in enumerate(persons, start=1)
        if person.person_id not in own
        and not is_child(person, now)
        and (person.person_id not in by_others or adult_at(person) is not None)
    ]
    if missing:
        raise ProblemError("adult_needs_own_consent", persons=missing)


def tears_apart(staying: Sequence[Person], going: Sequence[Person], *, now: datetime) -> bool:
    """Whether a split takes siblings from each other, or children from every adult they came with."""
    sides = [[is_child(person, now) for person in side] for side in (staying, going)]
    siblings = all(any(side) for side in sides)
    adults = any(not child for side in sides for child in side)
    return siblings or (adults and any(all(side) for side in sides))


def check_split(
    asked: SplitRequest, staying: Sequence[Person], going: Sequence[Person], *, now: datetime
) -> None:
    """Whether this split may be made now, by the reason and the second person it has.

    A risk to life is acted on first and confirmed afterwards.

    Raises:
        ProblemError: `split_needs_best_interests` or `second_person_needed`.
    """
    check_second(asked.recorded_by, asked.confirmed_by)
    if asked.reason == "risk_to_life":
        return
    if tears_apart(staying, going, now=now) and asked.reason != "best_interests":
        raise ProblemError("split_needs_best_interests")
    if asked.reason == "best_interests" and asked.confirmed_by is None:
        raise ProblemError("second_person_needed", recorded_by=asked.recorded_by)


def check_second(recorded_by: str, confirmed_by: str | None) -> None:
    """Nobody confirms what she decided herself.

    Raises:
        ProblemError: `second_person_needed`.
    """
    if confirmed_by is not None and _plain(confirmed_by) == _plain(recorded_by):
        raise ProblemError("second_person_needed", recorded_by=recorded_by)


def _plain(name: str) -> str:
    return " ".join(name.casefold().split())
