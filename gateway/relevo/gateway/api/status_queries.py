"""What became of a referral. The code stands in the body: it never gets into a log or a URL."""

from typing import Annotated

from fastapi import APIRouter, Request

from relevo.contracts.problem import ProblemError
from relevo.contracts.scopes import Scope
from relevo.contracts.status import SignedStatusQuery, Status
from relevo.gateway.operations import relay
from relevo.gateway.operations.arrivals import Source
from relevo.servicekit.access_token import Caller
from relevo.servicekit.openapi import answer, request_example
from relevo.servicekit.problems import problem_responses
from relevo.servicekit.require_scope import require

from .dependencies import is_gateway, service_of

router = APIRouter(tags=["status"])


@router.post(
    "/v1/status-queries",
    summary="Ask a referral's state by reference code",
    description="The query is signed by the asking institution. A code that does not exist, and one that "
    "does not concern the asker, are answered with the same bytes. Peer gateways also need "
    "`federation:relay`, and pass on what their institutions signed.",
    responses=answer(
        200,
        "What somebody named for it may know.",
        {
            "reference_code": "MX-3G9230VQVSQ",
            "state": "received",
            "triage": "green",
            "since": "2026-03-02T16:41:00Z",
        },
    )
    | problem_responses(
        "not_found",
        "not_yours",
        "sender_not_active",
        "envelope_malformed",
        "envelope_signature_invalid",
        "envelope_wrong_audience",
        "envelope_expired",
        "envelope_from_future",
        "too_many_requests",
        "gateway_unreachable",
    ),
    openapi_extra=request_example(
        {"query": "eyJhbGciOiJFZDI1NTE5IiwidHlwIjoicmVsZXZvLXN0YXR1cy1xdWVyeStqd3QifQ.e30.c2ln"}
    ),
)
async def post_status_query(
    request: Request,
    body: SignedStatusQuery,
    caller: Annotated[Caller, require(Scope.REFERRALS_STATUS)],
) -> Status:
    service = service_of(request)
    if not is_gateway(caller):
        return await service.status_desk.answer(Source(institution=caller.institution), body)
    if Scope.FEDERATION_RELAY not in caller.scopes:
        raise ProblemError("insufficient_scope", scope=Scope.FEDERATION_RELAY.value)
    peer = await relay.peer_named(service.gateway, caller.institution)
    return await service.status_desk.answer(Source(peer=peer), body)
