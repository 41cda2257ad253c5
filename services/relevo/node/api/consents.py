"""`/v1/consents`: what a person allowed, kept at the institution that asked her."""

from typing import Annotated

from fastapi import APIRouter, Path

from relevo.contracts.consent import Consent, ConsentInput, Withdrawal
from relevo.contracts.identifiers import Uuid
from relevo.contracts.scopes import Scope
from relevo.node.operations import consent
from relevo.servicekit.access_token import Caller
from relevo.servicekit.problems import problem_responses
from relevo.servicekit.require_scope import require

from . import examples
from .dependencies import IdempotencyKey, NodeHere

router = APIRouter(prefix="/v1/consents", tags=["consents"])

ConsentId = Annotated[Uuid, Path(description="The consent's id.", examples=[examples.CONSENT_ID])]


@router.post(
    "",
    status_code=201,
    summary="Record a consent",
    responses=problem_responses(
        "invalid_input",
        "not_yours",
        "idempotency_key_required",
        "idempotency_key_reused",
        "idempotency_key_in_flight",
    ),
    openapi_extra={"requestBody": {"content": {"application/json": {"example": examples.CONSENT}}}},
)
async def post_consent(
    body: ConsentInput,
    key: IdempotencyKey,
    node: NodeHere,
    caller: Annotated[Caller, require(Scope.CONSENTS_WRITE)],
) -> Consent:
    return await consent.record_consent(node, caller, body, key=key.key, digest=key.digest)


@router.get(
    "/{consent_id}",
    summary="Read a consent",
    responses=problem_responses("not_found", "not_yours", "invalid_input"),
)
async def get_consent(
    consent_id: ConsentId,
    node: NodeHere,
    caller: Annotated[Caller, require(Scope.CONSENTS_READ)],
) -> Consent:
    return await consent.read_consent(node, caller, consent_id)


@router.post(
    "/{consent_id}/withdraw",
    summary="Withdraw a consent",
    description="Nothing more leaves under it, and everyone who received something is told. "
    "Asking again changes nothing.",
    responses=problem_responses("not_found", "not_yours", "invalid_input", "illegal_transition"),
    openapi_extra={
        "requestBody": {
            "content": {"application/json": {"example": {"said_at": "2026-03-03T10:00:00Z"}}}
        }
    },
)
async def post_withdrawal(
    consent_id: ConsentId,
    body: Withdrawal,
    node: NodeHere,
    caller: Annotated[Caller, require(Scope.CONSENTS_WRITE)],
) -> Consent:
    return await consent.withdraw_consent(node, caller, consent_id, body)
