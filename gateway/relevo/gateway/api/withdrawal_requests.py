"""Requests to withdraw, by whoever holds the paper. Code and phrase stand in no URL and no log."""

from typing import Annotated

from fastapi import APIRouter, Request

from relevo.contracts.problem import ProblemError
from relevo.contracts.scopes import Scope
from relevo.contracts.withdrawal import (
    FetchRequests,
    SignedWithdrawalRequest,
    WaitingRequests,
    WithdrawalTaken,
)
from relevo.gateway.operations import relay
from relevo.gateway.operations.arrivals import Source
from relevo.servicekit.access_token import Caller
from relevo.servicekit.openapi import answer, request_example
from relevo.servicekit.problems import problem_responses
from relevo.servicekit.require_scope import require

from .dependencies import is_gateway, service_of

router = APIRouter(prefix="/v1/withdrawal-requests", tags=["withdrawal"])


@router.post(
    "",
    summary="Pass on a request to withdraw",
    description="Signed by the institution at which somebody asked. The answer is the same whether the code "
    "exists or not and whatever the phrase was. Peer gateways also need `federation:relay`.",
    responses=answer(200, "Taken, and nothing more is said.", {"taken": True})
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
        {"query": "eyJhbGciOiJFZDI1NTE5IiwidHlwIjoicmVsZXZvLXdpdGhkcmF3YWwifQ.e30.c2ln"}
    ),
)
async def post_withdrawal_request(
    request: Request,
    body: SignedWithdrawalRequest,
    caller: Annotated[Caller, require(Scope.REFERRALS_STATUS)],
) -> WithdrawalTaken:
    service = service_of(request)
    if not is_gateway(caller):
        source = Source(institution=caller.institution)
        return await service.withdrawal_desk.take(source, body)
    if Scope.FEDERATION_RELAY not in caller.scopes:
        raise ProblemError("insufficient_scope", scope=Scope.FEDERATION_RELAY.value)
    peer = await relay.peer_named(service.gateway, caller.institution)
    return await service.withdrawal_desk.take(Source(peer=peer), body)


@router.post(
    "/waiting",
    summary="Fetch requests to withdraw",
    description="Those for referrals that this institution sent, oldest first. What it names as taken is "
    "forgotten before.",
    responses=answer(
        200,
        "What waits.",
        {
            "institution": "mx.albergue-tapachula",
            "requests": [
                {
                    "id": "0198c7a2-5b30-7a42-8e07-93d4c1f0aa17",
                    "reference_code": "MX-3G9230VQVSQ",
                    "phrase_check": "Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmE",
                    "received_at": "2026-03-07T15:04:05Z",
                }
            ],
        },
    )
    | problem_responses("not_yours"),
    openapi_extra=request_example({"taken": []}),
)
async def post_waiting_withdrawal_requests(
    request: Request,
    body: FetchRequests,
    caller: Annotated[Caller, require(Scope.MESSAGES_RECEIVE)],
) -> WaitingRequests:
    if is_gateway(caller):
        raise ProblemError("not_yours")
    return await service_of(request).withdrawal_desk.fetch(caller.institution, body)
