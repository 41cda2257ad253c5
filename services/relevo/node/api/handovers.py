"""`/v1/handovers`: a unit that enforces brought somebody; the reception unit reads it, and it alone."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query

from relevo.contracts.handover import Handover, HandoverInput, HandoverReceipt
from relevo.contracts.model import ContractModel
from relevo.contracts.scopes import Scope
from relevo.node.operations import handover
from relevo.servicekit.access_token import Caller
from relevo.servicekit.openapi import answer, link, request_example
from relevo.servicekit.problems import problem_responses
from relevo.servicekit.require_scope import require

from .dependencies import IDEMPOTENCY_KEY, IdempotencyKey, NodeHere

router = APIRouter(prefix="/v1/handovers", tags=["handovers"])

_ID: Final = "0198c7a0-2c11-7e40-9d35-7b0f62a4c811"
_BROUGHT: Final[dict[str, Any]] = {
    "received_by": "gt.igm.crr-tecun-uman",
    "brought_at": "2026-03-02T08:40:00Z",
    "place": {"country": "GT", "code": "GT-1204", "name": "Comitancillo"},
    "persons": 3,
    "age_bands": [{"band": "0-4", "persons": 1}, {"band": "18-59", "persons": 2}],
    "urgent_needs": ["primary_health"],
    "vulnerable": ["pregnant_or_lactating"],
}
_HELD: Final[dict[str, Any]] = {
    **_BROUGHT,
    "id": _ID,
    "brought_by": "gt.igm.control",
    "stored_at": "2026-03-02T08:55:00Z",
}


class HandoverPage(ContractModel):
    """Newest first."""

    handovers: list[Handover]
    next_cursor: str | None = None


@router.post(
    "",
    status_code=202,
    summary="Say that somebody was brought",
    description="The one thing that a unit that enforces may do. How many, how old, what they need at once, "
    "where and when; no names and no findings. What became of them is never told here.",
    responses=answer(202, "Kept. There is nothing more to read.", {"receipt": _ID})
    | problem_responses(
        "invalid_input",
        "idempotency_key_required",
        "idempotency_key_reused",
        "idempotency_key_in_flight",
    ),
    openapi_extra=request_example(_BROUGHT) | {"parameters": [IDEMPOTENCY_KEY]},
)
async def post_handover(
    body: HandoverInput,
    key: IdempotencyKey,
    node: NodeHere,
    caller: Annotated[Caller, require(Scope.HANDOVERS_SUBMIT)],
) -> HandoverReceipt:
    return await handover.submit_handover(node, caller, body, key=key.key, digest=key.digest)


@router.get(
    "",
    summary="List who was brought",
    description="To the reception unit that took them in, newest first.",
    responses=answer(
        200,
        "A page.",
        {"handovers": [_HELD], "next_cursor": None},
        link("list_handovers", "The next page.", cursor="$response.body#/next_cursor"),
    )
    | problem_responses("invalid_input", "not_yours"),
)
async def list_handovers(
    node: NodeHere,
    caller: Annotated[Caller, require(Scope.REFERRALS_READ)],
    cursor: Annotated[
        str | None, Query(max_length=200, description="`next_cursor` of the page before.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=200, description="Handovers a page.")] = 50,
) -> HandoverPage:
    page, following = await handover.list_handovers(node, caller, cursor=cursor, limit=limit)
    return HandoverPage(handovers=page, next_cursor=following)
