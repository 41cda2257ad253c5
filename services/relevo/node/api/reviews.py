"""`/v1/referrals/{id}/reviews`: what is done in a referral that runs for years."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path

from relevo.contracts.identifiers import Uuid
from relevo.contracts.review import Review, ReviewInput, Reviews
from relevo.contracts.scopes import Scope
from relevo.node.operations import review
from relevo.servicekit.access_token import Caller
from relevo.servicekit.openapi import answer, link, request_example
from relevo.servicekit.problems import problem_responses
from relevo.servicekit.require_scope import require

from .dependencies import IDEMPOTENCY_KEY, IdempotencyKey, NodeHere

router = APIRouter(prefix="/v1/referrals", tags=["referrals"])

SEARCH_ID: Final = "0198c7a2-9f8b-7e96-8a4c-dba827453e5b"
_REVIEW: Final[dict[str, Any]] = {
    "id": "0198d1c4-2a6e-7b10-9c3d-5e8f1a2b3c4d",
    "at": "2026-05-31T16:00:00Z",
    "stored_at": "2026-05-31T16:00:00Z",
    "done": "Asked two hospitals and the forensic service; her name is in no list.",
}

SearchId = Annotated[Uuid, Path(description="The referral's id.", examples=[SEARCH_ID])]


@router.post(
    "/{referral_id}/reviews",
    status_code=201,
    summary="Record a review",
    description="On a pathway with `review_days`, while the referral is open. The sender is told when it was; "
    "the sentence stays here. Until then the referral is `overdue` when so many days have passed.",
    responses=answer(
        201,
        "Recorded.",
        _REVIEW,
        link("get_reviews", "All of them.", referral_id="$request.path.referral_id"),
    )
    | problem_responses(
        "invalid_input",
        "idempotency_key_required",
        "idempotency_key_reused",
        "idempotency_key_in_flight",
        "not_found",
        "not_yours",
        "not_reviewed",
    ),
    openapi_extra=request_example({"done": _REVIEW["done"]}) | {"parameters": [IDEMPOTENCY_KEY]},
)
async def post_review(
    referral_id: SearchId,
    body: ReviewInput,
    key: IdempotencyKey,
    node: NodeHere,
    caller: Annotated[Caller, require(Scope.REFERRALS_RESPOND)],
) -> Review:
    return await review.review(node, caller, referral_id, body, key=key.key, digest=key.digest)


@router.get(
    "/{referral_id}/reviews",
    summary="Read the reviews of a referral",
    description="The newest first. The sender reads when they were, the receiver also what was done.",
    response_model_exclude_none=True,
    responses=answer(200, "Its reviews.", {"reviews": [_REVIEW]})
    | problem_responses("not_found", "not_yours"),
)
async def get_reviews(
    referral_id: SearchId,
    node: NodeHere,
    caller: Annotated[Caller, require(Scope.REFERRALS_READ)],
) -> Reviews:
    return await review.read_reviews(node, caller, referral_id)
