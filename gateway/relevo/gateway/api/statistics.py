"""`/v1/statistics` and `/v1/coordination/{pathway}`: figures that name nobody."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi import Path as PathParameter
from fastapi.responses import JSONResponse

from relevo.contracts.country_tables import COUNTRY_COLUMNS, Coordination, CountryTable, country_csv
from relevo.contracts.identifiers import PathwayId
from relevo.contracts.scopes import Scope
from relevo.gateway.operations import statistics
from relevo.servicekit import statistics_examples as shown
from relevo.servicekit.access_token import Caller
from relevo.servicekit.openapi import answer
from relevo.servicekit.problems import problem_responses
from relevo.servicekit.require_scope import require

from .dependencies import service_of

router = APIRouter(tags=["statistics"])

_CSV: Final = "text/csv"
_TABLE: Final[dict[str, Any]] = {
    "period": "2025",
    "by": ["pathway", "state"],
    "counted_at": "2026-01-31T00:00:00Z",
    "minimum": 5,
    "sealed_minimum": 10,
    "rows": [
        {"country": "GT", "pathway": "gt-izabal-health", "state": "completed", "count": 212, "times": []},
        {"country": "GT", "pathway": "gt-izabal-health", "state": "not_shown", "count": 37, "times": []},
    ],
    "digests": [shown.DIGEST],
}  # fmt: skip
_ANSWER: Final = answer(200, "The table.", _TABLE)
_ANSWER[200]["content"][_CSV] = {
    "schema": {"type": "string"},
    "example": f"{','.join(COUNTRY_COLUMNS)}\r\nGT,gt-izabal-health,completed,,212,,,,,,\r\n",
}


@router.get(
    "/v1/statistics",
    summary="Read the figures of a country",
    description="Of referrals whose codes are at home here, that began in the period, as they stood "
    "`statistics_settling_days` after its end: by route, coarse state, and the clock that had run out. Whom they are "
    "about a gateway does not know. The same figures for ever: the first time they are asked for they are kept. "
    "Groups below the minimum, also for an institution that takes its own away, are in `not_shown` or nowhere. "
    "With `Accept: text/csv` as lines of text.",
    response_model=CountryTable,
    response_model_exclude_none=True,
    responses=_ANSWER | problem_responses("invalid_input", "not_found", "period_not_published"),
)
async def get_statistics(
    request: Request,
    caller: Annotated[Caller, require(Scope.STATISTICS_READ)],
    period: shown.PeriodAsked,
    by: Annotated[
        str,
        Query(
            description="`pathway`, `state`, `clock`, with commas; `clock` with `state` alone.",
            max_length=60,
            examples=["pathway,state"],
        ),
    ] = "",
    accept: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> Response:
    gateway = service_of(request).gateway
    table = await statistics.read_statistics(gateway, caller.institution, period, by)
    if accept is not None and accept.split(";")[0].strip().lower() == _CSV:
        return Response(country_csv(table), media_type=_CSV)
    return JSONResponse(table.model_dump(mode="json", exclude_none=True))


@router.get(
    "/v1/coordination/{pathway}",
    summary="Read a watched route's figures",
    description=shown.COORDINATED,
    response_model_exclude_none=True,
    responses=answer(200, "The page.", shown.COORDINATION)
    | problem_responses("invalid_input", "not_found", "period_not_published"),
)
async def get_coordination(
    request: Request,
    caller: Annotated[Caller, require(Scope.COORDINATION_READ)],
    pathway: Annotated[PathwayId, PathParameter(examples=["gt-izabal-health"])],
    period: shown.PeriodAsked,
) -> Coordination:
    gateway = service_of(request).gateway
    return await statistics.read_coordination(gateway, caller.institution, pathway, period)
