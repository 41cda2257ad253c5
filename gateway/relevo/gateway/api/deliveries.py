"""The desk of undelivered messages: send again, give back to the sender, or close."""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from fastapi import Path as PathParameter

from relevo.contracts.identifiers import Uuid
from relevo.contracts.model import ContractModel
from relevo.contracts.scopes import Scope
from relevo.gateway.domain.delivery import DeliveryState
from relevo.gateway.operations import desk
from relevo.gateway.operations.desk import Undelivered
from relevo.servicekit.access_token import Caller
from relevo.servicekit.openapi import answer, link
from relevo.servicekit.problems import problem_responses
from relevo.servicekit.require_scope import require

from .dependencies import service_of

router = APIRouter(prefix="/v1/deliveries", tags=["deliveries"])

Officer = Annotated[Caller, require(Scope.DELIVERIES_ADMIN)]
_ID: Final = "01958c2e-7a10-7cc3-8f4e-2b9d6a1c0e57"
Named = Annotated[Uuid, PathParameter(description="The message's id.", examples=[_ID])]
_EXAMPLE: Final = {
    "id": _ID,
    "state": "dead",
    "message_type": "referral.submitted/1",
    "triage": "red",
    "sender": "mx.albergue-tapachula",
    "receiver": "gt.igm.crr",
    "attempts": 240,
    "problem": "invalid_token",
    "last_error": "invalid_token",
    "accepted_at": "2026-03-02T15:04:05Z",
    "expires_at": "2026-04-01T15:04:05Z",
}
_FIRST: Final = "$response.body#/deliveries/0/id"
_RESPONSES: Final = problem_responses("not_found", "illegal_transition")


class DeliveryPage(ContractModel):
    """A page, oldest first; `next_cursor` is absent on the last."""

    deliveries: list[Undelivered]
    next_cursor: str | None = None


@router.get(
    "",
    summary="List undelivered messages",
    description="What no attempt could hand over, and why. Nothing here says whom a message is about.",
    responses=answer(
        200,
        "A page.",
        {"deliveries": [_EXAMPLE]},
        {
            **link("post_retry", "Send the first again.", message_id=_FIRST),
            **link("get_deliveries", "The next page.", cursor="$response.body#/next_cursor"),
        },
    ),
)
async def get_deliveries(
    request: Request,
    _caller: Officer,
    state: Annotated[DeliveryState, Query(examples=["dead"])] = "dead",
    cursor: Annotated[
        Uuid | None, Query(description="`next_cursor` of the page before.", examples=[_ID])
    ] = None,
    limit: Annotated[int, Query(ge=1, le=200, examples=[100])] = 100,
) -> DeliveryPage:
    found, following = await desk.page(
        service_of(request).gateway, state=state, cursor=cursor, limit=limit
    )
    return DeliveryPage(deliveries=found, next_cursor=following)


@router.post(
    "/{message_id}/retry",
    summary="Send it again",
    description="The same bytes, as if for the first time. Done twice it happens once.",
    responses=answer(200, "Waiting for its receiver again.", {**_EXAMPLE, "state": "queued"})
    | problem_responses("not_found", "illegal_transition", "envelope_expired"),
)
async def post_retry(request: Request, caller: Officer, message_id: Named) -> Undelivered:
    return await desk.retry(service_of(request).gateway, message_id, client=caller.client_id)


@router.post(
    "/{message_id}/return",
    summary="Give it back to the sender",
    description="A receipt `dead` with the cause travels to the sender, who can make a new message.",
    responses=answer(200, "On its way back.", {**_EXAMPLE, "state": "returned"}) | _RESPONSES,
)
async def post_return(request: Request, caller: Officer, message_id: Named) -> Undelivered:
    return await desk.give_back(service_of(request).gateway, message_id, client=caller.client_id)


@router.post(
    "/{message_id}/close",
    summary="Take it off the desk",
    description="Settled in another way, such as by telephone. The sender hears nothing.",
    responses=answer(200, "Closed.", {**_EXAMPLE, "state": "closed"}) | _RESPONSES,
)
async def post_close(request: Request, caller: Officer, message_id: Named) -> Undelivered:
    return await desk.close(service_of(request).gateway, message_id, client=caller.client_id)
