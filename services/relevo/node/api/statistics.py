"""`/v1/statistics`, and `/v1/coordination/{pathway}` of the gateway: figures that name nobody."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Path, Query, Response
from fastapi.responses import JSONResponse

from relevo.contracts.country_tables import Coordination
from relevo.contracts.identifiers import PathwayId
from relevo.contracts.scopes import Scope
from relevo.contracts.statistics_table import StatisticsTable, csv
from relevo.node.operations import coordination, statistics
from relevo.servicekit import statistics_examples as shown
from relevo.servicekit.access_token import Caller
from relevo.servicekit.openapi import answer
from relevo.servicekit.problems import problem_responses
from relevo.servicekit.require_scope import require

from .dependencies import NodeHere

router = APIRouter(tags=["statistics"])

_CSV: Final = "text/csv"
_TABLE: Final[dict[str, Any]] = {
    "period": "2025",
    "by": ["pathway", "outcome"],
    "counted_at": "2026-01-31T00:00:00Z",
    "minimum": 5,
    "sealed_minimum": 10,
    "rows": [
        {
            "direction": "sent",
            "pathway": "gt-retorno-al-hogar",
            "outcome": "completed",
            "count": 31,
            "times": [],
        },
        {
            "direction": "sent",
            "pathway": "gt-retorno-al-hogar",
            "outcome": "not_shown",
            "count": 12,
            "times": [],
        },
    ],
    "digests": [shown.DIGEST],
}

_ANSWER: Final = answer(200, "The table.", _TABLE)
_ANSWER[200]["content"][_CSV] = {
    "schema": {"type": "string"},
    "example": "direction,pathway,outcome,case_profile,count,without_feedback_percent,overdue_percent\r\n"
    "sent,gt-retorno-al-hogar,completed,,31,,\r\n",
}


@router.get(
    "/v1/coordination/{pathway}",
    summary="Read a watched route's figures",
    description=f"Asked of the home gateway. {shown.COORDINATED}",
    response_model_exclude_none=True,
    responses=answer(200, "The page.", shown.COORDINATION)
    | problem_responses(
        "invalid_input", "not_found", "not_yours", "period_not_published", "gateway_unreachable"
    ),
)
async def get_coordination(
    node: NodeHere,
    caller: Annotated[Caller, require(Scope.COORDINATION_READ)],
    pathway: Annotated[PathwayId, Path(examples=["gt-izabal-health"])],
    period: shown.PeriodAsked,
) -> Coordination:
    return await coordination.read(node, caller, pathway, period)


@router.get(
    "/v1/statistics",
    summary="Read the figures of a period",
    description="Of referrals that began in it, as they stood `statistics_settling_days` after its end. The "
    "same figures for ever: the first time they are asked for they are kept. Groups below the minimum, and "
    "what would tell of them, are in `not_shown` or nowhere. With `Accept: text/csv` as lines of text.",
    response_model=StatisticsTable,
    response_model_exclude_none=True,
    responses=_ANSWER | problem_responses("invalid_input", "not_yours", "period_not_published"),
)
async def get_statistics(
    node: NodeHere,
    caller: Annotated[Caller, require(Scope.STATISTICS_READ)],
    period: Annotated[
        str,
        Query(description="2025, 2025-Q4 or 2025-12.", max_length=8, examples=["2025"]),
    ],
    by: Annotated[
        str,
        Query(
            description="`pathway`, `outcome`, `case_profile`, with commas; the last two never together.",
            max_length=60,
            examples=["pathway,outcome"],
        ),
    ] = "",
    accept: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> Response:
    table = await statistics.read_statistics(node, caller, period, by)
    if accept is not None and accept.split(";")[0].strip().lower() == _CSV:
        return Response(csv(table), media_type=_CSV)
    return JSONResponse(table.model_dump(mode="json", exclude_none=True))
