"""`/v1/referrals/{id}/…`: what a sender says to the receiver of a referral that is under way."""

from typing import Annotated

from fastapi import APIRouter, Path

from relevo.contracts.cancellation import CancelRequest
from relevo.contracts.identifiers import Uuid
from relevo.contracts.information import InformationSupply
from relevo.contracts.referral import Referral
from relevo.contracts.scopes import Scope
from relevo.node.operations.cancel import cancel
from relevo.node.operations.supply import supply_information
from relevo.servicekit.access_token import Caller
from relevo.servicekit.openapi import answer, link, request_example
from relevo.servicekit.problems import problem_responses
from relevo.servicekit.require_scope import require

from . import examples
from .dependencies import IDEMPOTENCY_KEY, IdempotencyKey, NodeHere

router = APIRouter(prefix="/v1/referrals", tags=["referrals"])

AskingReferralId = Annotated[
    Uuid, Path(description="The referral's id.", examples=[examples.ASKING_REFERRAL_ID])
]
OpenReferralId = Annotated[
    Uuid, Path(description="The referral's id.", examples=[examples.OPEN_REFERRAL_ID])
]
_READ = link("get_referral", "What became of it.", referral_id="$response.body#/id")
_SENT = {**examples.REFERRAL, "id": examples.SENT_REFERRAL_ID, "role": "sender"}


@router.post(
    "/{referral_id}/information",
    summary="Supply what the receiver asked for",
    description="While the referral is `info_requested`; its history holds the questions. Checked and cut "
    "like a submission. The receiver's node takes the referral up again by itself.",
    responses=answer(
        200,
        "Stored, and on its way.",
        {**_SENT, "state": "info_requested", "possible_next": []},
        _READ,
    )
    | problem_responses(
        "invalid_input",
        "idempotency_key_required",
        "idempotency_key_reused",
        "idempotency_key_in_flight",
        "not_found",
        "not_yours",
        "information_not_asked",
        "consent_missing",
        "consent_not_active",
        "consent_does_not_cover_receiver",
        "receiver_denied_by_person",
        "consent_does_not_cover_category",
        "consent_does_not_cover_purpose",
        "consent_does_not_cover_date",
        "country_of_origin_excluded",
        "consulate_not_requested",
        "implicated_party_excluded",
        "implicated_person_excluded",
        "basis_not_lawful",
        "basis_not_allowed",
        "share_not_in_pathway",
        "category_never_leaves",
        "address_never_leaves",
        "relative_not_entitled",
        "unidentified_is_for_remains",
        "body_too_large",
    ),
    openapi_extra=request_example(
        {
            "persons": [{"person_id": "T-1", "contact": {"phones": ["+502 0000-1204"]}}],
            "share": ["contact"],
        }
    )
    | {"parameters": [IDEMPOTENCY_KEY]},
)
async def post_information(
    referral_id: AskingReferralId,
    body: InformationSupply,
    key: IdempotencyKey,
    node: NodeHere,
    caller: Annotated[Caller, require(Scope.REFERRALS_SUBMIT)],
) -> Referral:
    return await supply_information(node, caller, referral_id, body, key=key.key, digest=key.digest)


@router.post(
    "/{referral_id}/cancel",
    summary="Ask to cancel a referral that one sent",
    description="Before it is accepted the receiver's node confirms alone; after that a person there answers. "
    "What never left is taken back at once. Asking again changes nothing. With the reason "
    "`entered_in_error` it may be said after an outcome as well.",
    responses=answer(200, "Asked for.", {**_SENT, "state": "accepted", "possible_next": []}, _READ)
    | problem_responses(
        "not_found",
        "not_yours",
        "invalid_input",
        "illegal_transition",
        "not_your_step",
        "family_not_told",
    ),
    openapi_extra=request_example({"reason": "declined_by_person"}),
)
async def post_cancel(
    referral_id: OpenReferralId,
    body: CancelRequest,
    node: NodeHere,
    caller: Annotated[Caller, require(Scope.REFERRALS_SUBMIT)],
) -> Referral:
    return await cancel(node, caller, referral_id, body)
