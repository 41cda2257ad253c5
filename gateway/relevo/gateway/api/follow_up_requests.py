"""Who carries out a follow-up. The code stands in the body: it never gets into a log or a URL."""

from typing import Annotated

from fastapi import APIRouter, Request

from relevo.contracts.follow_up import FollowUpHolder, SignedFollowUpQuery
from relevo.contracts.problem import ProblemError
from relevo.contracts.scopes import Scope
from relevo.gateway.operations import relay
from relevo.gateway.operations.arrivals import Source
from relevo.servicekit.access_token import Caller
from relevo.servicekit.openapi import answer, request_example
from relevo.servicekit.problems import problem_responses
from relevo.servicekit.require_scope import require

from .dependencies import is_gateway, service_of

router = APIRouter(tags=["follow-up"])


@router.post(
    "/v1/follow-up-requests",
    summary="Ask who carries out a follow-up",
    description="Answered to whom the person named for follow-up, with the party to send "
    "`follow_up.requested` to. The query is signed by the asking institution; it and status queries use up "
    "one allowance. A code that does not exist, and one that does not name the asker, are answered with the "
    "same bytes. Peer gateways also need `federation:relay`, and pass on what their institutions signed.",
    responses=answer(
        200,
        "The party that received the referral.",
        {"reference_code": "MX-3G9230VQVSQ", "holder": "gt.igm.crr"},
    )
    | problem_responses(
        "not_found",
        "not_yours",
        "invalid_input",
        "sender_not_active",
        "envelope_malformed",
        "envelope_signature_invalid",
        "envelope_wrong_audience",
        "envelope_expired",
        "envelope_from_future",
        "too_many_requests",
        "gateway_unreachable",
    ),
    openapi_extra=request_example({"query": "eyJhbGciOiJFZDI1NTE5In0.e30.Zm9sbG93"}),
)
async def post_follow_up_request(
    request: Request,
    body: SignedFollowUpQuery,
    caller: Annotated[Caller, require(Scope.FOLLOW_UPS_REQUEST)],
) -> FollowUpHolder:
    service = service_of(request)
    if not is_gateway(caller):
        return await service.follow_up_desk.answer(Source(institution=caller.institution), body)
    if Scope.FEDERATION_RELAY not in caller.scopes:
        raise ProblemError("insufficient_scope", scope=Scope.FEDERATION_RELAY.value)
    peer = await relay.peer_named(service.gateway, caller.institution)
    return await service.follow_up_desk.answer(Source(peer=peer), body)
