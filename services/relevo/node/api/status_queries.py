"""`/v1/status-queries`: what became of a referral of somebody else's, by its reference code."""

from typing import Annotated

from fastapi import APIRouter

from relevo.contracts.scopes import Scope
from relevo.contracts.status import Status, StatusQuestion
from relevo.node.operations.ask_status import ask_status
from relevo.servicekit.access_token import Caller
from relevo.servicekit.openapi import answer, request_example
from relevo.servicekit.problems import problem_responses
from relevo.servicekit.require_scope import require

from . import examples
from .dependencies import DirectoryHere, NodeHere

router = APIRouter(prefix="/v1/status-queries", tags=["status"])


@router.post(
    "",
    summary="Ask a referral's state",
    description="Answered to whom the person named for it. Anybody else gets the answer of a code that does "
    "not exist. The code stands in the body, so it is in no log and no history.",
    responses=answer(
        200,
        "What somebody named for it may know.",
        {
            "reference_code": examples.REFERENCE_CODE,
            "state": "received",
            "triage": "green",
            "since": "2026-03-02T16:41:00Z",
        },
    )
    | problem_responses(
        "not_found", "not_yours", "invalid_input", "gateway_unreachable", "too_many_requests"
    ),
    openapi_extra=request_example({"reference_code": examples.REFERENCE_CODE}),
)
async def post_status_query(
    body: StatusQuestion,
    node: NodeHere,
    directory: DirectoryHere,
    caller: Annotated[Caller, require(Scope.REFERRALS_STATUS)],
) -> Status:
    return await ask_status(node, directory, caller, body)
