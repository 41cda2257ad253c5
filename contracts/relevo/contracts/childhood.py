"""Who is treated as a child, until when, and which duties follow (domain rule 3).

Doubt means child. Everything here reads one record and a date, so that the sender's node, the
receiver's node and whoever checks them afterwards come to the same answer.
"""

import calendar
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Literal

from pydantic import Field

from .identifiers import Country, PartyId, Uuid, country_of, institution_of
from .model import ContractModel, Flag, Moment, ShortText
from .person import BirthDate, Person
from .problem import ProblemError

ADULT_AT: Final = 18
_DOUBT_YEARS: Final = 2
"""An estimated year may be wrong by this much; until it is over the person counts as a child."""
_MIDNIGHT: Final = time(6, 0, tzinfo=UTC)
"""Where the day begins in the region: six hours behind UTC, all year in most of it."""

_ALONE: Final = frozenset(
    {
        "separated_with_relative",
        "separated_with_unrelated_adult",
        "unaccompanied",
        "child_headed_household",
        "age_disputed",
        "unknown",
    }
)
_CHILD_PROFILE: Final = "unaccompanied_or_separated_child"
AUTHORITY_MANDATE: Final = "child_protection"
AUTHORITY_TYPE: Final = "child_protection_authority"


class BestInterests(ContractModel):
    """An assessment or determination of a child's best interests, by whom and when.

    Attributes:
        reference: The assessment's own number. What it says stays where it was made.
    """

    kind: Literal["assessment", "determination"]
    made_by: PartyId | ShortText
    made_at: Moment
    reference: ShortText | None = None


class AboutChildren(ContractModel):
    """What is said once of the children of a referral.

    Attributes:
        country: Where they are now; the country of the node that refers when it is not said.
        authority_implicated: Then the alternate is told, and the authority itself learns nothing.
        told_in: The referral of this node with which the authority was told of them before.
        best_interests: Without it the authority of a country of origin is told nothing.
    """

    country: Country | None = None
    authority_implicated: Flag = False
    told_in: Uuid | None = None
    best_interests: BestInterests | None = None


class AuthorityTold(ContractModel):
    """What a receiver learns of the notice: that it was made, and to whom."""

    authority: PartyId
    at: Moment


class ToldOfChildren(ContractModel):
    """What travels with a referral that is about children. It lets the receiver check again.

    Attributes:
        country: Where they are.
        told: Empty when nobody could be told from here: the receiver then tells.
    """

    country: Country
    told: list[AuthorityTold] = Field(default=[], max_length=4)
    best_interests: BestInterests | None = None


def adult_on(birth: BirthDate) -> date:
    """The first day on which the person is surely 18, by the precision of the date."""
    parts = [int(part) for part in birth.value.split("-")]
    year, month = parts[0], parts[1] if len(parts) > 1 else 12
    day = parts[2] if len(parts) > 2 else calendar.monthrange(year, month)[1]
    year += ADULT_AT + (_DOUBT_YEARS if birth.precision == "estimated" else 0)
    if (month, day) == (2, 29) and not calendar.isleap(year):
        return date(year, 3, 1)
    return date(year, month, day)


def start_of(day: date) -> datetime:
    """The moment at which a day begins in the region."""
    return datetime.combine(day, _MIDNIGHT)


def adult_at(person: Person) -> datetime | None:
    """When the person comes of age; None while nobody knows."""
    birth = None if person.identity is None else person.identity.birth_date
    if birth is None or _age_is_disputed(person):
        return None
    return start_of(adult_on(birth))


def is_child(person: Person, now: datetime) -> bool:
    """Whether the rules about children hold for this person.

    A disputed age is a child's, whatever a paper says. Without a birth date, whoever is recorded as a
    child or with a child's care situation is one.
    """
    if _age_is_disputed(person):
        return True
    known = adult_at(person)
    if known is not None:
        return now < known
    return person.child_data is not None or person.case_profile == _CHILD_PROFILE


def is_alone(person: Person, now: datetime) -> bool:
    """Whether this is an unaccompanied or separated child, or may be one."""
    if not is_child(person, now):
        return False
    if person.child_data is not None:
        return person.child_data.child_care_status in _ALONE
    return person.case_profile == _CHILD_PROFILE


def _age_is_disputed(person: Person) -> bool:
    return person.child_data is not None and person.child_data.child_care_status == "age_disputed"


def children_alone(persons: Iterable[Person], now: datetime) -> list[Person]:
    """The unaccompanied and separated children among these."""
    return [person for person in persons if is_alone(person, now)]


def check_authority_of_origin(
    persons: Sequence[Person],
    *,
    receiver: str,
    receiver_is_authority: bool,
    child_is_in: str,
    best_interests: BestInterests | None,
    now: datetime,
) -> None:
    """The authority of the country of origin learns nothing before a best-interests assessment.

    Raises:
        ProblemError: `best_interests_needed`.
    """
    if not receiver_is_authority or country_of(receiver) == child_is_in:
        return
    if any(is_child(person, now) for person in persons) and (
        best_interests is None or best_interests.made_at > now + timedelta(minutes=5)
    ):
        raise ProblemError("best_interests_needed", receiver=receiver)


def authority_to_tell(
    authority: str | None, alternate: str | None, *, implicated: bool
) -> str | None:
    """Whom the notice goes to: the alternate when the authority itself is implicated."""
    return alternate if implicated else authority


def is_one_of(party: str, others: Iterable[str | None]) -> bool:
    """Whether a party is one of these institutions, by whichever unit."""
    return institution_of(party) in {institution_of(other) for other in others if other}
