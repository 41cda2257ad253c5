"""Hop 6 for institutions without an open port: they lease their messages and acknowledge each."""

from typing import Annotated, Final

from fastapi import APIRouter, Request, Response
from fastapi import Path as PathParameter
from pydantic import TypeAdapter

from relevo.contracts.exchange import BatchAnswer, MailboxLease, MailboxRequest
from relevo.contracts.identifiers import Uuid
from relevo.contracts.scopes import Scope
from relevo.servicekit.access_token import Caller
from relevo.servicekit.openapi import answer, link, request_example
from relevo.servicekit.problems import problem_responses
from relevo.servicekit.require_scope import require

from .dependencies import service_of

router = APIRouter(prefix="/v1/mailbox/leases", tags=["mailbox"])

Owner = Annotated[Caller, require(Scope.MESSAGES_RECEIVE)]
_LEASE_ID: Final = "6f1c1f0e-3f0b-4d0a-9f57-2d8f5c0f6a11"
_MESSAGE_ID: Final = "01958c2e-7b21-7dd4-9a5f-3c0e7b2d1f68"
_ENVELOPE: Final = "eyJhbGciOiJFZDI1NTE5IiwidHlwIjoicmVsZXZvLWVudmVsb3BlK2p3dCJ9.e30.c2ln"
_LEASES: Final = TypeAdapter(MailboxLease)


@router.post(
    "",
    summary="Lease what waits",
    description="For an institution whose entry says `delivery: mailbox`. Answers as soon as something "
    "waits, and after `wait_seconds` at the latest. Withdrawals come first, then red, yellow and the rest.",
    response_model=MailboxLease,
    openapi_extra=request_example({"limit": 100, "wait_seconds": 20}),
    responses=answer(
        200,
        "A lease; without `lease_id`, nothing waits.",
        {
            "lease_id": _LEASE_ID,
            "expires_at": "2026-03-02T15:05:05Z",
            "envelopes": [_ENVELOPE],
            "receipts": [],
        },
        link(
            "post_acknowledgement",
            "Say what became of each.",
            lease_id="$response.body#/lease_id",
        ),
    )
    | problem_responses("receiver_not_active"),
)
async def post_lease(request: Request, caller: Owner, body: MailboxRequest) -> Response:
    lease = await service_of(request).mailboxes.lease(
        caller.institution,
        limit=body.limit,
        wait_seconds=body.wait_seconds,
        gone=request.is_disconnected,
    )
    return Response(_LEASES.dump_json(lease, warnings=False), media_type="application/json")


@router.post(
    "/{lease_id}/acknowledgements",
    status_code=204,
    summary="Acknowledge a lease",
    description="One answer for each envelope, in the order of the lease: `accepted`, `duplicate`, or "
    "`refused` with a problem. A refusal of the kind that passes (5xx) lets the message come again; any "
    "other ends it, and its sender is told. Receipts of the lease are acknowledged with it.",
    openapi_extra=request_example({"answers": [{"message_id": _MESSAGE_ID, "result": "accepted"}]}),
    responses=problem_responses("not_found", "invalid_input"),
)
async def post_acknowledgement(
    request: Request,
    caller: Owner,
    lease_id: Annotated[
        Uuid, PathParameter(description="As the lease said it.", examples=[_LEASE_ID])
    ],
    body: BatchAnswer,
) -> None:
    await service_of(request).mailboxes.acknowledge(caller.institution, lease_id, body)
