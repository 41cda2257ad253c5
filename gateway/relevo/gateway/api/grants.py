"""Are these grants still live? Asked by peers before they release content."""

from typing import Annotated, Final

from fastapi import APIRouter, Request

from relevo.contracts.exchange import GrantStatusAnswer, GrantStatusQuestion
from relevo.contracts.scopes import Scope
from relevo.gateway.operations import liveness, relay
from relevo.servicekit.access_token import Caller
from relevo.servicekit.openapi import answer, request_example
from relevo.servicekit.problems import problem_responses
from relevo.servicekit.require_scope import require

from .dependencies import service_of

router = APIRouter(tags=["grants"])

_ID: Final = "7d1b6c2e-52a7-4c3e-9a55-0d7f4c1e9b10"


@router.post(
    "/v1/grant-status",
    summary="Ask the status of grants",
    description="This gateway is authoritative for grants whose issuers are at home here; answers may be "
    "kept for five minutes. `unknown` is said of grants that were never recorded here.",
    responses=answer(
        200,
        "In the order of the question.",
        {"grants": [{"grant_id": _ID, "state": "active", "as_of": "2026-03-02T15:04:05Z"}]},
    )
    | problem_responses("not_yours"),
    openapi_extra=request_example({"grant_ids": [_ID]}),
)
async def post_grant_status(
    request: Request,
    body: GrantStatusQuestion,
    caller: Annotated[Caller, require(Scope.FEDERATION_RELAY)],
) -> GrantStatusAnswer:
    gateway = service_of(request).gateway
    await relay.peer_named(gateway, caller.institution)
    return await liveness.answer(gateway, body)
