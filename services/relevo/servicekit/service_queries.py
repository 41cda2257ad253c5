"""What the service directory is asked, the same at a node and at its gateway."""

from typing import Annotated, Final

from fastapi import Path, Query
from pydantic import WithJsonSchema

from relevo.contracts.identifiers import Country, InstitutionId
from relevo.contracts.problem import ProblemError
from relevo.contracts.service import LanguageCode, PlaceCode, Question, ServiceId
from relevo.contracts.vocabularies.codes import CaseProfile, Mandate, ServiceType, Sex
from relevo.contracts.vocabularies.loader import code_list

from .service_examples import SERVICE_ID

FIND: Final = (
    "Each with whether it takes somebody **now**: `no` and why not, `ask` and what is uncertain, or `now`. "
    "Looked at are the institution and its mandate, capacity, hours on their own time zone, age, sex and "
    "profile, language and territory, as far as the question names them; never who the person is. Gateways "
    "answer for the institutions at home there; without a country, those of one's own gateway. Unlisted "
    "houses stand in no answer: where safe houses meet the need, `ask` names institutions whose mandate is "
    "to work with them, the same whether there is such a house or not."
)
PUT: Final = (
    "A document of HSDS 3 with all its members, kept as it came. What it is for stands in its attributes, "
    "as terms of the taxonomy `https://relevo.example/vocabularies/service_type`. Only the institution "
    "itself may: anybody else's entry is not found. A safe house's address is refused, and so are names of "
    "persons. An old `assured_date` stays old: putting an entry does not make it fresh."
)
LIST: Final = (
    "Whole documents, of an institution at home at this gateway, to be exported or compared."
)
REVALIDATE: Final = "Entries that nobody confirmed for a year, and those due within thirty days."
CAPACITY: Final = "Until a moment 92 days ahead at most; from then on it reads `unknown`."
CONFIRM: Final = "After somebody looked at it. Every entry must be, once a year."

_NEED: Final = {
    "type": "string",
    "title": "service_type",
    "enum": [entry.code for entry in code_list("service_type").codes],
    "examples": ["psychological_first_aid"],
}
Owner = Annotated[InstitutionId, Path(examples=["gt.igm"])]
Named = Annotated[ServiceId, Path(description="`id` of the document.", examples=[SERVICE_ID])]
Cursor = Annotated[
    str | None, Query(max_length=200, description="`next_cursor` of the page before.")
]
Limit = Annotated[int, Query(ge=1, le=100)]


async def question(
    need: Annotated[ServiceType, WithJsonSchema(_NEED), Query()],
    country: Annotated[Country | None, Query(description="ISO 3166-1 alpha-2.")] = None,
    mandate: Annotated[Mandate | None, Query(description="That the receiver must hold.")] = None,
    place: Annotated[
        PlaceCode | None, Query(description="Where she is, by the national list: `GT-0101`.")
    ] = None,
    language: Annotated[LanguageCode | None, Query(description="ISO 639-3.")] = None,
    age: Annotated[int | None, Query(ge=0, le=120, description="In years.")] = None,
    sex: Annotated[Sex | None, Query(description="A code of the list `sex`.")] = None,
    profile: Annotated[
        CaseProfile | None, Query(description="A code of the list `case_profile`.")
    ] = None,
) -> Question:
    """For `Depends`: the query parameters as one question."""
    return Question(
        need=need,
        country=country,
        mandate=mandate,
        place=place,
        language=language,
        age=age,
        sex=sex,
        profile=profile,
    )


def own_path(institution: str, service: str) -> str:
    """Where an entry stands; its parts are of a form that needs no escaping.

    Raises:
        ProblemError: `not_found`.
    """
    if not institution or not service or "/" in institution + service:
        raise ProblemError("not_found")
    return f"/v1/services/{institution}/{service}"
