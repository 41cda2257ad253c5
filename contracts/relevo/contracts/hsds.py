"""Human Services Data Specification 3 (Open Referral): the objects that a service directory is made of.

Field names are those of the specification's JSON schemas, 3.0 to 3.2. Members that are not declared
here are kept as they came, and nothing is converted, so that a document comes back without loss:
`model_dump(mode="json", exclude_unset=True)` is what was read.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

Identifier = Annotated[str, Field(min_length=1, max_length=200)]
"""A UUID by the specification; other publishers' identifiers are kept as they are."""
Number = int | float
Weekday = Literal["MO", "TU", "WE", "TH", "FR", "SA", "SU"]


class HsdsModel(BaseModel):
    """Takes what the specification allows, and whatever else a publisher added."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)
    __pydantic_extra__: dict[str, JsonValue]

    id: Identifier


class TaxonomyTerm(HsdsModel):
    """One term of a classification; `taxonomy` says which, best by a URI."""

    code: str | None = None
    name: str
    description: str
    parent_id: str | None = None
    taxonomy: str | None = None
    language: str | None = None
    taxonomy_id: str | None = None
    term_uri: str | None = None


class Attribute(HsdsModel):
    """Links an object to a term."""

    link_id: str | None = None
    taxonomy_term_id: str | None = None
    link_type: str | None = None
    link_entity: str | None = None
    value: str | None = None
    label: str | None = None
    taxonomy_term: TaxonomyTerm | None = None


class Described(HsdsModel):
    """Whatever may carry terms."""

    attributes: list[Attribute] | None = None


class Phone(Described):
    """A number of an office."""

    number: str | None = None
    extension: Number | None = None
    type: str | None = None
    description: str | None = None


class Contact(Described):
    """Whom to ask for. The gateway takes a title or a department, and no person's name."""

    name: str | None = None
    title: str | None = None
    department: str | None = None
    email: str | None = None
    phones: list[Phone] | None = None


class Language(Described):
    """A language in which a service is given without an interpreter."""

    name: str | None = None
    code: str | None = None
    note: str | None = None


class Schedule(Described):
    """When a service or place is open: an RFC 5545 rule, member by member.

    Attributes:
        timezone: Hours east of UTC.
        opens_at: HH:MM, best with an offset: `09:00-06:00`.
    """

    valid_from: str | None = None
    valid_to: str | None = None
    dtstart: str | None = None
    timezone: Number | None = None
    until: str | None = None
    count: Number | None = None
    wkst: Weekday | None = None
    freq: Literal["WEEKLY", "MONTHLY"] | None = None
    interval: Number | None = None
    byday: str | None = None
    byweekno: str | None = None
    bymonthday: str | None = None
    byyearday: str | None = None
    description: str | None = None
    opens_at: str | None = None
    closes_at: str | None = None
    schedule_link: str | None = None
    attending_type: str | None = None
    notes: str | None = None


class Address(Described):
    """Where a location is."""

    attention: str | None = None
    address_1: str
    address_2: str | None = None
    city: str
    region: str | None = None
    state_province: str
    postal_code: str
    country: str
    address_type: Literal["physical", "postal", "virtual"]


class Accessibility(Described):
    """How a place is reached by people with a disability."""

    description: str | None = None
    details: str | None = None
    url: str | None = None


class Location(Described):
    """A place, or a virtual one."""

    location_type: Literal["physical", "postal", "virtual"]
    url: str | None = None
    name: str | None = None
    alternate_name: str | None = None
    description: str | None = None
    transportation: str | None = None
    latitude: Number | None = None
    longitude: Number | None = None
    external_identifier: str | None = None
    external_identifier_type: str | None = None
    languages: list[Language] | None = None
    addresses: list[Address] | None = None
    contacts: list[Contact] | None = None
    accessibility: list[Accessibility] | None = None
    phones: list[Phone] | None = None
    schedules: list[Schedule] | None = None


class ServiceArea(Described):
    """For whom, by territory. We read a place code such as `GT-01` in `extent` or at the end of `uri`."""

    name: str | None = None
    description: str | None = None
    extent: str | None = None
    extent_type: str | None = None
    uri: str | None = None


class ServiceAtLocation(Described):
    """A service as it is given in one place."""

    description: str | None = None
    service_areas: list[ServiceArea] | None = None
    contacts: list[Contact] | None = None
    phones: list[Phone] | None = None
    schedules: list[Schedule] | None = None
    location: Location | None = None


class RequiredDocument(Described):
    """A paper that is asked for."""

    document: str | None = None
    uri: str | None = None


class CostOption(Described):
    """What it costs."""

    option: str | None = None
    currency: str | None = None
    amount: Number | None = None
    amount_description: str | None = None


class Funding(Described):
    """Who pays for it."""

    source: str | None = None


class Program(Described):
    """Services that belong together."""

    name: str | None = None
    alternate_name: str | None = None
    description: str | None = None


class Unit(Described):
    """What a capacity is counted in."""

    name: str | None = None
    scheme: str | None = None
    identifier: str | None = None
    uri: str | None = None


class ServiceCapacity(Described):
    """How many units are free (3.1)."""

    unit: Unit | None = None
    available: Number
    maximum: Number | None = None
    description: str | None = None
    updated: str


class Organization(Described):
    """Who gives services."""

    name: str
    alternate_name: str | None = None
    description: str
    email: str | None = None
    website: str | None = None
    year_incorporated: Number | None = None
    legal_status: str | None = None
    logo: str | None = None
    uri: str | None = None
    parent_organization_id: str | None = None
    funding: list[Funding] | None = None
    contacts: list[Contact] | None = None
    phones: list[Phone] | None = None
    locations: list[Location] | None = None
    programs: list[Program] | None = None


class Service(Described):
    """One service of one organization, with all that belongs to it.

    Attributes:
        assured_date: When its publisher last checked it, YYYY-MM-DD.
    """

    name: str
    alternate_name: str | None = None
    description: str | None = None
    url: str | None = None
    email: str | None = None
    status: Literal["active", "inactive", "defunct", "temporarily closed"]
    interpretation_services: str | None = None
    application_process: str | None = None
    fees_description: str | None = None
    accreditations: str | None = None
    eligibility_description: str | None = None
    minimum_age: Number | None = None
    maximum_age: Number | None = None
    assured_date: str | None = None
    assurer_email: str | None = None
    alert: str | None = None
    phones: list[Phone] | None = None
    schedules: list[Schedule] | None = None
    service_areas: list[ServiceArea] | None = None
    service_at_locations: list[ServiceAtLocation] | None = None
    languages: list[Language] | None = None
    organization: Organization | None = None
    funding: list[Funding] | None = None
    cost_options: list[CostOption] | None = None
    program: Program | None = None
    required_documents: list[RequiredDocument] | None = None
    contacts: list[Contact] | None = None
    capacities: list[ServiceCapacity] | None = None

    def document(self) -> dict[str, Any]:
        """What was read, member by member."""
        return self.model_dump(mode="json", exclude_unset=True)

    def locations(self) -> list[Location]:
        """Where it is given."""
        return [link.location for link in self.service_at_locations or () if link.location]
