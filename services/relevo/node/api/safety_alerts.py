"""`/v1/follow-ups/{id}/safety-alert`: whoever was found unsafe is referred at once."""

from typing import Annotated, Any, Final

from fastapi import APIRouter

from relevo.contracts.follow_up import FollowUp, SafetyAlert
from relevo.contracts.scopes import Scope
from relevo.node.operations.safety_alert import raise_alert
from relevo.servicekit.access_token import Caller
from relevo.servicekit.openapi import answer, link, request_example
from relevo.servicekit.problems import problem_responses
from relevo.servicekit.require_scope import require

from . import examples
from .dependencies import IDEMPOTENCY_KEY, IdempotencyKey, NodeHere, SubmissionsHere
from .follow_ups import HELD, HeldId
from .referrals import SUBMISSION_PROBLEMS

router = APIRouter(prefix="/v1/follow-ups", tags=["follow-up"])

_ALERT: Final[dict[str, Any]] = {
    "receiver": "gt.igm.car",
    "pathway": "gt-retorno-al-hogar",
    "needs": [{"service": "safe_transport_accompanied"}],
    "share": ["identity"],
    "basis": {
        "basis": "vital_interest",
        "law": "Constitución Política de la República de Guatemala, art. 3",
        "authority": "gt.igm",
    },
}


@router.post(
    "/{follow_up_id}/safety-alert",
    status_code=201,
    summary="Refer somebody whom a follow-up found unsafe",
    description="Ends an open follow-up as `unsafe` and opens a new referral of her, both or neither. Whoever "
    "was told `unsafe` by a step alone still has to be referred: `alert` is `needs_person` until then. The "
    "node fills in what it holds of her; the new referral is checked and cut like any other.",
    responses=answer(
        201,
        "Ended, and she is referred.",
        {
            **HELD,
            "state": "unsafe",
            "event_seq": 2,
            "alert": "referred",
            "alert_referral_id": examples.SENT_REFERRAL_ID,
            "possible_next": [],
        },
        {
            **link("get_follow_up", "Read it.", follow_up_id="$response.body#/id"),
            **link(
                "get_referral",
                "The new referral.",
                referral_id="$response.body#/alert_referral_id",
            ),
        },
    )
    | problem_responses(
        *dict.fromkeys(
            (
                *SUBMISSION_PROBLEMS,
                "not_found",
                "illegal_transition",
                "not_your_step",
                "grant_not_live",
            )
        )
    ),
    openapi_extra=request_example(_ALERT) | {"parameters": [IDEMPOTENCY_KEY]},
)
async def post_safety_alert(
    follow_up_id: HeldId,
    body: SafetyAlert,
    key: IdempotencyKey,
    node: NodeHere,
    desk: SubmissionsHere,
    caller: Annotated[Caller, require(Scope.FOLLOW_UPS_RESPOND)],
    submitting: Annotated[Caller, require(Scope.REFERRALS_SUBMIT)],
) -> FollowUp:
    del submitting  # the same caller, who needs this scope, too
    return await raise_alert(node, desk, caller, follow_up_id, body, key=key.key, digest=key.digest)
