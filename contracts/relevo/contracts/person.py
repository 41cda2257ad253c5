"""What one institution may tell another about a person, one section per data category.

A section's name is its category (vocabulary `data_category`), and every field in it belongs to that
category, so consent and minimisation never have to guess. Nothing is required but what a pathway
asks for; unknown is a code or an absence, never an invented value.
"""

from collections.abc import Iterable
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from .identifiers import Country
from .implicated import Implicated
from .interpreter import Interpreter
from .model import ContractModel, Flag, LongText, Moment, ShortText
from .placeholders import is_a_number, stands_for_no_name
from .standards.languages import NOT_FOR_FORMS
from .standards.places import fault_of
from .vocabularies.codes import (
    CaseProfile,
    ChildCareStatus,
    DocumentType,
    Household,
    ReturnMode,
    ReturnType,
    Sex,
    SpecificNeed,
)  # fmt: skip
from .vocabularies.loader import code_list


def _stands_for_itself(code: str) -> str:
    if code in NOT_FOR_FORMS:
        raise ValueError("not for a whole group of languages: name it in language_group")
    return code


LanguageCode = Annotated[
    str, StringConstraints(pattern=r"^[a-z]{3}$"), AfterValidator(_stands_for_itself)
]
"""ISO 639-3. A group without a code of its own (Mixteco, Náhuatl) goes to `language_group`."""


class BirthDate(ContractModel):
    """A date with the precision it is really known to."""

    value: Annotated[str, StringConstraints(pattern=r"^[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?$")] = Field(
        description="ISO 8601: 1993, 1993-05 or 1993-05-17."
    )
    precision: Literal["day", "month", "year", "estimated"]

    @model_validator(mode="after")
    def _is_a_date(self) -> "BirthDate":
        parts = [int(part) for part in self.value.split("-")]
        if not 1905 <= parts[0] <= 2100:
            raise ValueError("a birth year from 1905 on; leave it out when unknown")
        wanted = {"day": 3, "month": 2, "year": 1}.get(self.precision)
        if wanted is not None and len(parts) != wanted:
            raise ValueError("value and precision differ")
        if len(parts) > 1 and not 1 <= parts[1] <= 12:
            raise ValueError("no such month")
        if len(parts) > 2 and not 1 <= parts[2] <= _days(parts[0], parts[1]):
            raise ValueError("no such day")
        return self

    @property
    def looks_unknown(self) -> bool:
        """The first of January: often what was written when nobody knew the day. Kept, and asked again."""
        return self.value.endswith("-01-01")


def _days(year: int, month: int) -> int:
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in {4, 6, 9, 11} else 31


class Identity(ContractModel):
    """Who she is. Surnames as many as she uses: two, one or none.

    Attributes:
        unidentified: These are the remains of somebody whom nobody has identified. Then, and only then,
            may `NN` or `XX` stand for the name.
    """

    given_names: ShortText
    family_names: Annotated[list[ShortText], Field(max_length=4)] = []
    as_written: ShortText | None = Field(
        default=None, description="As the paper has it, when it differs."
    )
    birth_date: BirthDate | None = None
    sex: Sex | None = None
    nationalities: Annotated[list[Country], Field(max_length=5)] = []
    unidentified: Flag = False

    @model_validator(mode="after")
    def _is_a_name(self) -> "Identity":
        if self.unidentified:
            return self
        if stands_for_no_name(self.given_names):
            raise ValueError("this stands for no name; one name is enough, whichever is known")
        if any(stands_for_no_name(name) for name in self.family_names):
            raise ValueError("a family name that stands for none; leave it out")
        return self


class ChosenName(ContractModel):
    name: ShortText


class IdentityDocument(ContractModel):
    type: DocumentType
    country: Country | None = None
    number: ShortText | None = None
    state: Literal["valid", "expired", "lost", "stolen", "retained"] = "valid"

    @model_validator(mode="after")
    def _is_no_a_number(self) -> "IdentityDocument":
        # A passport number may look like one.
        if self.type != "passport" and self.number is not None and is_a_number(self.number):
            raise ValueError("an A-number is not asked for and not kept")
        return self


class IdentityDocuments(ContractModel):
    documents: Annotated[list[IdentityDocument], Field(max_length=10)]


class Contact(ContractModel):
    phones: Annotated[list[ShortText], Field(max_length=5)] = []
    emails: Annotated[list[ShortText], Field(max_length=5)] = []
    confirmed_at: Moment | None = None


class ThirdPartyContact(ContractModel):
    relation: ShortText
    name: ShortText | None = None
    phones: Annotated[list[ShortText], Field(max_length=5)] = []


class LocationMunicipality(ContractModel):
    """Where she is from or going to, no nearer than a municipality."""

    country: Country
    code: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}-[0-9A-Z]{2,6}$")] | None = Field(
        default=None,
        description="Country, hyphen, the national list's code: `GT-1204`. Codes collide between countries.",
    )
    edition: ShortText | None = Field(default=None, description="Edition of the national list.")
    name: ShortText | None = None

    @model_validator(mode="after")
    def _code_of_its_country(self) -> "LocationMunicipality":
        fault = None if self.code is None else fault_of(self.country, self.code, self.edition)
        if fault is not None:
            raise ValueError(fault)
        return self


class LocationPrecise(ContractModel):
    address: ShortText


class Family(ContractModel):
    household: Household | None = None
    summary: LongText | None = None


class ChildOpinion(ContractModel):
    """What the child says, asked alone and in the child's own language. It decides nothing by itself.

    Attributes:
        words: In the child's own words.
    """

    age_band: Literal["under_6", "6_to_13", "14_to_17"]
    words: LongText | None = None
    asked_alone: Flag = False
    interpreter: Interpreter | None = None
    asked_at: Moment


class ChildData(ContractModel):
    child_care_status: ChildCareStatus
    summary: LongText | None = None
    opinion: ChildOpinion | None = None


class TravelAndReturn(ContractModel):
    return_type: ReturnType | None = None
    return_mode: ReturnMode | None = None
    expected_at: Moment | None = None
    point_of_entry: ShortText | None = None


class EthnicityLanguage(ContractModel):
    languages: Annotated[list[LanguageCode], Field(max_length=10)] = []
    language_group: ShortText | None = None
    people: ShortText | None = None
    needs_interpreter: Flag = False
    can_read: Flag | None = None


class SensitiveNotes(ContractModel):
    """A summary of one special category, as short as the receiver can work with."""

    summary: LongText


class ProtectionConcern(SensitiveNotes):
    """What endangers her, and who is implicated in it."""

    implicated: Annotated[list[Implicated], Field(max_length=10)] = []


class EducationWork(ContractModel):
    schooling: ShortText | None = None
    occupation: ShortText | None = None
    wishes: ShortText | None = None


class ServiceHistory(ContractModel):
    summary: LongText


class Person(ContractModel):
    """One person of a referral; each section is one data category.

    `person_id` is the sending institution's own key: it ties the record to its consent, never travels,
    and is replaced on the way by the person's position in the list. Each of `specific_needs` belongs to
    the data category that its vocabulary names, and travels with that category alone.
    """

    person_id: Annotated[
        str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._:-]+$")
    ]
    case_profile: CaseProfile | None = None
    specific_needs: Annotated[list[SpecificNeed], Field(max_length=30)] = []
    identity: Identity | None = None
    chosen_name: ChosenName | None = None
    identity_document: IdentityDocuments | None = None
    contact: Contact | None = None
    third_party_contact: ThirdPartyContact | None = None
    location_municipality: LocationMunicipality | None = None
    location_precise: LocationPrecise | None = None
    family: Family | None = None
    child_data: ChildData | None = None
    travel_and_return: TravelAndReturn | None = None
    health: SensitiveNotes | None = None
    mental_health: SensitiveNotes | None = None
    sexual_reproductive_health: SensitiveNotes | None = None
    gbv_trafficking: SensitiveNotes | None = None
    sogiesc: SensitiveNotes | None = None
    ethnicity_language: EthnicityLanguage | None = None
    protection_concern: ProtectionConcern | None = None
    asylum_claim: SensitiveNotes | None = None
    migration_status: SensitiveNotes | None = None
    legal_case: SensitiveNotes | None = None
    financial: SensitiveNotes | None = None
    education_work: EducationWork | None = None
    service_history: ServiceHistory | None = None


class FieldNote(ContractModel):
    """Something to ask again. Never repeats a value."""

    pointer: str = Field(description="JSON Pointer (RFC 6901) into the record.")
    code: Literal["birth_date_looks_unknown"]


def notes_on(identity: Identity | None, pointer: str) -> list[FieldNote]:
    """What in an identity looks like something that nobody knew."""
    if identity is None or identity.birth_date is None or not identity.birth_date.looks_unknown:
        return []
    return [FieldNote(pointer=f"{pointer}/birth_date", code="birth_date_looks_unknown")]


def notes_on_persons(persons: Iterable[dict[str, Any]]) -> list[FieldNote]:
    """The same for the sections of a referral's persons."""
    return [
        note
        for place, person in enumerate(persons)
        if person.get("identity") is not None
        for note in notes_on(
            Identity.model_validate(person["identity"]), f"/persons/{place}/identity"
        )
    ]


UNCATEGORISED: Final = frozenset({"person_id", "case_profile", "specific_needs"})
"""Fields that are no section: the first two stay, and a need goes by its own category."""

SECTIONS: Final[tuple[str, ...]] = tuple(
    name for name in Person.model_fields if name not in UNCATEGORISED
)
"""Sections of a person; each is a code of `data_category`."""

PROTECTION_PROFILES: Final = frozenset(
    {"international_protection_need", "resettlement_or_relocation"}
)
PROTECTION_NEEDS: Final = frozenset({"international_protection_need", "threatened_at_origin"})


def has_protection_need(person: Person) -> bool:
    """Whether the country-of-origin rule holds for this person."""
    if person.asylum_claim is not None or person.case_profile in PROTECTION_PROFILES:
        return True
    return not PROTECTION_NEEDS.isdisjoint(person.specific_needs)


def category_of_need(need: str) -> str:
    """The data category that a specific need belongs to, so that consent can exclude it."""
    category = code_list("specific_need").get(need).category
    if category is None:
        raise LookupError(f"{need} has no data category")
    return category


_PAPERS_OF_NATIONALITY: Final = frozenset({"national_id", "passport", "consular_id"})


def nationalities(person: Person) -> set[str]:
    """Every country whose national she says she is, or whose passport or national ID she has."""
    said = set() if person.identity is None else set(person.identity.nationalities)
    papers = person.identity_document.documents if person.identity_document is not None else []
    return said | {
        paper.country
        for paper in papers
        if paper.country is not None and paper.type in _PAPERS_OF_NATIONALITY
    }


def excluded_countries(persons: Iterable[Person]) -> set[str]:
    """Countries of nationality that must learn nothing: those of everyone with a protection need."""
    return {
        country
        for person in persons
        if has_protection_need(person)
        for country in nationalities(person)
    }


def implicated_in(persons: Iterable[Person]) -> list[Implicated]:
    """Who is implicated in what endangers these persons."""
    return [
        one
        for person in persons
        if person.protection_concern is not None
        for one in person.protection_concern.implicated
    ]
