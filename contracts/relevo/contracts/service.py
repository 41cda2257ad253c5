"""The service directory: what an institution says it does, and who can take somebody now.

A document of HSDS 3 (`hsds.py`) says what changes rarely. Our codes stand in it as attributes, each a
term of a taxonomy named after one of our code lists. What changes daily, the capacity, and who confirmed
the entry when, are said apart and kept beside the document.
"""

import hashlib
from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, Final, Literal

from pydantic import Field, StringConstraints

from .hsds import Attribute, Service, TaxonomyTerm
from .identifiers import Country, GatewayId, InstitutionId, PartyId
from .model import ContractModel, Flag, Moment, ShortText, Whole
from .problem import FieldError, ProblemError
from .vocabularies.codes import CaseProfile, ServiceType, Sex
from .vocabularies.loader import code_list, code_of, in_code_order

VOCABULARIES: Final = "https://relevo.example/vocabularies/"
LOCATION_TAXONOMY: Final = "https://relevo.example/taxonomies/location"
"""Terms `confidential`, whose address is told by word of mouth alone, and `unlisted`."""
_NAMESPACE_URL: Final = bytes.fromhex("6ba7b8119dad11d180b400c04fd430c8")
"""RFC 9562, appendix A."""
_READ_LISTS: Final = ("service_type", "sex", "case_profile")
_SAFE_NEEDS: Final = frozenset({"safe_house"})
_WHERE: Final = frozenset(
    {
        "addresses", "address", "address_1", "address_2", "attention", "city", "region",
        "postal_code", "latitude", "longitude", "transportation", "external_identifier",
    }
)  # fmt: skip
"""Members of HSDS that say where a house is."""

Capacity = Annotated[str, *code_of("service_capacity")]
ServiceId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._~-]{0,99}$")]
PlaceCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}(-[0-9]{1,6})?$")]
LanguageCode = Annotated[str, StringConstraints(pattern=r"^[a-z]{3}$")]
Takes = Literal["now", "ask", "no"]
"""Nothing speaks against it; somebody must ask first; it cannot, for the reasons given."""
WhyNot = Literal[
    "suspended", "no_mandate", "not_offered", "no_capacity", "waiting_list", "closed_now", "language",
    "outside_territory", "not_eligible:age", "not_eligible:sex", "not_eligible:profile",
]  # fmt: skip
WhyAsk = Literal[
    "stale", "assess_first", "capacity_unknown", "hours_unknown", "language_unknown", "interpreter",
    "territory_unknown", "eligibility_unknown",
]  # fmt: skip


class ServiceEntry(ContractModel):
    """What an institution puts into the directory.

    Attributes:
        party: Who takes referrals for it: the institution, unless a unit is named.
        confirmed_by: Which post or office checked it. Never a person's name.
    """

    service: Service
    party: PartyId | None = None
    confirmed_by: ShortText | None = None


class CapacityStatement(ContractModel):
    """What a service says of its places, and until when that holds. After that it is unknown."""

    capacity: Capacity
    until: Moment


class Confirmation(ContractModel):
    """That an entry was looked at and still holds."""

    confirmed_by: ShortText = Field(description="A post or office, never a person's name.")


class ServiceView(ContractModel):
    """An entry as the directory holds it. `capacity` is what holds now."""

    institution: InstitutionId
    party: PartyId
    country: Country
    gateway: GatewayId
    needs: list[ServiceType]
    capacity: Capacity
    capacity_until: Moment | None = None
    confirmed_by: ShortText
    confirmed_at: Moment
    due_at: Moment = Field(description="When it must have been confirmed again.")
    stale: Flag
    changed_at: Moment
    service: Service


class ServiceViews(ContractModel):
    """An institution's entries by id; `next_cursor` is absent on the last page."""

    services: list[ServiceView]
    next_cursor: str | None = None


class ServiceOffer(ContractModel):
    """One service, as an answer to a need."""

    institution: InstitutionId
    party: PartyId
    service: ServiceId
    name: str
    country: Country
    gateway: GatewayId
    takes: Takes
    why_not: list[WhyNot] = []
    why_ask: list[WhyAsk] = []
    capacity: Capacity
    capacity_until: Moment | None = None
    opens_at: Moment | None = Field(default=None, description="When it opens next, if closed.")
    languages: list[str] = []
    confirmed_by: ShortText
    confirmed_at: Moment


class ServicePage(ContractModel):
    """Services for a need, by institution and id; `next_cursor` is absent on the last page.

    Attributes:
        ask: Where safe houses meet the need: whom to ask, the same whether there is such a house or not.
    """

    services: list[ServiceOffer]
    ask: list[PartyId] = []
    next_cursor: str | None = None


class Question(ContractModel):
    """What is needed, for whom as far as it matters, and where. Never who it is."""

    need: ServiceType
    country: Country | None = None
    mandate: str | None = None
    place: PlaceCode | None = None
    language: LanguageCode | None = None
    age: Annotated[Whole, Field(ge=0, le=120)] | None = None
    sex: Sex | None = None
    profile: CaseProfile | None = None


class RevalidationItem(ContractModel):
    """An entry that must be confirmed. `stale` once it is overdue."""

    service: ServiceId
    name: str
    party: PartyId
    confirmed_by: ShortText
    confirmed_at: Moment
    due_at: Moment
    stale: Flag
    no_need: Flag = Field(description="It names no service_type, so nobody finds it.")


class RevalidationList(ContractModel):
    """What the institution must look at, the longest overdue first."""

    services: list[RevalidationItem]


def term(list_id: str, code: str, *, language: str = "es") -> TaxonomyTerm:
    """One of our codes as a term of HSDS.

    Raises:
        KeyError: The list has no such code.
    """
    entry = code_list(list_id).get(code)
    uri = f"{VOCABULARIES}{list_id}#{code}"
    return TaxonomyTerm(
        id=_uuid5(uri),
        code=code,
        name=entry.label(language),
        description=entry.definition or entry.label(language),
        taxonomy=VOCABULARIES + list_id,
        language=language,
        term_uri=uri,
    )


def attribute(service_id: str, list_id: str, code: str) -> Attribute:
    """Links a service to one of our codes."""
    made = term(list_id, code)
    return Attribute(
        id=_uuid5(f"{service_id}#{made.term_uri}"),
        link_id=service_id,
        link_entity="service",
        link_type=list_id,
        taxonomy_term_id=made.id,
        taxonomy_term=made,
    )


def _uuid5(uri: str) -> str:
    """The same id for the same thing, wherever it is written (RFC 9562 §5.5)."""
    digest = hashlib.sha1(_NAMESPACE_URL + uri.encode(), usedforsecurity=False).digest()
    number = int.from_bytes(digest[:16], "big")
    number = number & ~(0xF << 76) & ~(0x3 << 62) | (5 << 76) | (2 << 62)
    digits = f"{number:032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def codes(service: Service, list_id: str) -> list[str]:
    """The codes of one of our lists that a document links the service to."""
    known = code_list(list_id)
    return in_code_order(
        list_id, {code for _, code in _terms(service, VOCABULARIES + list_id) if code in known}
    )


def check_entry(service: Service, *, safe_house: bool) -> None:
    """Refuses what the directory must not hold.

    Args:
        service: As the institution sent it.
        safe_house: It takes people in under a mandate of safe houses, whatever the document says.

    Raises:
        ProblemError: `service_unlisted`, `address_never_leaves`, or `invalid_input` with the places of
            names of persons and of codes that our lists do not have.
    """
    document = service.document()
    marks = _location_marks(document)
    if "unlisted" in marks:
        raise ProblemError("service_unlisted")
    hidden = safe_house or "confidential" in marks
    hidden = hidden or not _SAFE_NEEDS.isdisjoint(codes(service, "service_type"))
    where = list(_places(document, _says_where)) if hidden else []
    if where:
        raise ProblemError("address_never_leaves", errors=_errors(where, "Leave it out."))
    names = list(_places(document, _names_somebody))
    faults = _errors(names, "A person's name. Give a title or a department instead.")
    faults += _errors(_unknown_codes(service), "Not a code of the list that it names.")
    if faults:
        raise ProblemError("invalid_input", errors=faults)


def without_names(document: Any) -> Any:
    """The document, its contacts reduced to posts and offices."""
    if isinstance(document, list):
        return [without_names(item) for item in document]
    if not isinstance(document, dict):
        return document
    kept = {key: without_names(value) for key, value in document.items()}
    for contact in kept.get("contacts") or () if isinstance(kept.get("contacts"), list) else ():
        if isinstance(contact, dict):
            contact.pop("name", None)
    return kept


def assured_on(service: Service) -> date | None:
    """The day on which its publisher says to have checked it; None when that cannot be read."""
    try:
        return date.fromisoformat((service.assured_date or "")[:10])
    except ValueError:
        return None


def _terms(service: Service, taxonomy: str) -> Iterator[tuple[int, str]]:
    for number, link in enumerate(service.attributes or ()):
        found = link.taxonomy_term
        if found is not None and found.taxonomy == taxonomy and found.code is not None:
            yield number, found.code


def _unknown_codes(service: Service) -> list[str]:
    return [
        f"/service/attributes/{number}/taxonomy_term/code"
        for list_id in _READ_LISTS
        for number, code in _terms(service, VOCABULARIES + list_id)
        if code not in code_list(list_id)
    ]


def _location_marks(document: Any) -> set[str]:
    found: set[str] = set()
    if isinstance(document, list):
        for item in document:
            found |= _location_marks(item)
    elif isinstance(document, dict):
        if document.get("taxonomy") == LOCATION_TAXONOMY and isinstance(document.get("code"), str):
            found.add(document["code"])
        for value in document.values():
            found |= _location_marks(value)
    return found


def _says_where(key: str, value: Any, _within: str) -> bool:
    return key in _WHERE and value not in (None, "", [])


def _names_somebody(key: str, value: Any, within: str) -> bool:
    return within == "contacts" and key == "name" and value not in (None, "")


def _places(document: Any, found: Any, path: str = "/service", within: str = "") -> Iterator[str]:
    """JSON pointers to members that a question about key, value and enclosing list is true of."""
    if isinstance(document, list):
        for number, item in enumerate(document):
            yield from _places(item, found, f"{path}/{number}", within)
    elif isinstance(document, dict):
        for key, value in document.items():
            here = f"{path}/{key.replace('~', '~0').replace('/', '~1')}"
            if found(key, value, within):
                yield here
            else:
                yield from _places(value, found, here, key)


def _errors(pointers: list[str], detail: str) -> list[FieldError]:
    return [FieldError(pointer=pointer, detail=detail) for pointer in pointers[:50]]


def same_id(service: Service, service_id: str) -> None:
    """Refuses a document that is put under another id than its own.

    Raises:
        ProblemError: `invalid_input`.
    """
    if service.id != service_id:
        fault = FieldError(pointer="/service/id", detail="The id in the address is another one.")
        raise ProblemError("invalid_input", errors=[fault])
