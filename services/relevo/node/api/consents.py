"""`/v1/consents`: what a person allowed, kept at the institution that asked her."""

from typing import Annotated, Final

from fastapi import APIRouter, Path

from relevo.contracts.consent import Consent, ConsentInput, Withdrawal
from relevo.contracts.identifiers import Uuid
from relevo.contracts.scopes import Scope
from relevo.node.operations import consent
from relevo.servicekit.access_token import Caller
from relevo.servicekit.openapi import answer, link, request_example
from relevo.servicekit.problems import problem_responses
from relevo.servicekit.require_scope import require

from . import examples
from .dependencies import IDEMPOTENCY_KEY, DirectoryHere, IdempotencyKey, NodeHere

router = APIRouter(prefix="/v1/consents", tags=["consents"])

ConsentId = Annotated[Uuid, Path(description="The consent's id.", examples=[examples.CONSENT_ID])]

_THIS: Final = "$response.body#/id"
_NEXT: Final = {
    **link("get_consent", "Read it again.", consent_id=_THIS),
    **link(
        "post_withdrawal", "When the person says no.", consent_id=_THIS, body=examples.WITHDRAWAL
    ),
    **link(
        "post_referral",
        "Refer her to somebody she named.",
        body={**examples.SUBMISSION, "consent_ids": [_THIS]},
    ),
}


@router.post(
    "",
    status_code=201,
    summary="Record a consent",
    description="What the person allowed, to whom and until when. It stays at this node; what leaves is "
    "computed from it.",
    responses=answer(201, "Recorded.", examples.RECORDED_CONSENT, _NEXT)
    | problem_responses(
        "invalid_input",
        "not_yours",
        "consent_asked_in_queue",
        "notice_not_given",
        "notice_unknown",
        "notice_outdated",
        "notice_recalled",
        "category_never_consented",
        "consulate_not_requested",
        "implicated_person_excluded",
        "implicated_party_excluded",
        "idempotency_key_required",
        "idempotency_key_reused",
        "idempotency_key_in_flight",
    ),
    openapi_extra=request_example(examples.CONSENT) | {"parameters": [IDEMPOTENCY_KEY]},
)
async def post_consent(
    body: ConsentInput,
    key: IdempotencyKey,
    node: NodeHere,
    directory: DirectoryHere,
    caller: Annotated[Caller, require(Scope.CONSENTS_WRITE)],
) -> Consent:
    return await consent.record_consent(
        node, directory, caller, body, key=key.key, digest=key.digest
    )


@router.get(
    "/{consent_id}",
    summary="Read a consent",
    description="As it was recorded, and where it stands now.",
    responses=answer(200, "The consent.", examples.RECORDED_CONSENT)
    | problem_responses("not_found", "not_yours", "invalid_input"),
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
    responses=answer(
        200,
        "Withdrawn.",
        {
            **examples.RECORDED_CONSENT,
            "state": "withdrawn",
            "withdrawn_at": examples.WITHDRAWAL["said_at"],
        },
        link("get_consent", "It says so from now on.", consent_id=_THIS),
    )
    | problem_responses("not_found", "not_yours", "invalid_input", "illegal_transition"),
    openapi_extra=request_example(examples.WITHDRAWAL),
)
async def post_withdrawal(
    consent_id: ConsentId,
    body: Withdrawal,
    node: NodeHere,
    caller: Annotated[Caller, require(Scope.CONSENTS_WRITE)],
) -> Consent:
    return await consent.withdraw_consent(node, caller, consent_id, body)
