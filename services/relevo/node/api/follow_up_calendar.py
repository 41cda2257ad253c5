"""`/v1/referrals/{id}/follow-up-calendar`: when the pathway proposes to ask how somebody is."""

from typing import Annotated

from fastapi import APIRouter

from relevo.contracts.follow_up_calendar import FollowUpCalendar
from relevo.contracts.scopes import Scope
from relevo.node.operations.follow_up_calendar import read_calendar
from relevo.servicekit.access_token import Caller
from relevo.servicekit.openapi import answer
from relevo.servicekit.problems import problem_responses
from relevo.servicekit.require_scope import require

from . import examples
from .dependencies import NodeHere
from .referrals import ReferralId

router = APIRouter(prefix="/v1/referrals", tags=["follow-up"])


@router.get(
    "/{referral_id}/follow-up-calendar",
    summary="Read when follow-up is proposed",
    description="At the receiver, once a referral was completed, for each person who opted in and on a "
    "pathway that has days for it. Proposals: nothing is done by itself, and her contact rules are asked "
    "again at every attempt.",
    responses=answer(
        200,
        "What is proposed.",
        {
            "referral_id": examples.REFERRAL_ID,
            "ended_at": "2026-03-04T15:00:00Z",
            "windows": [
                {
                    "day": 7,
                    "person": 1,
                    "window_from": "2026-03-11T15:00:00Z",
                    "window_until": "2026-03-18T15:00:00Z",
                    "channels": ["call", "sms", "visit"],
                }
            ],
        },
    )
    | problem_responses("not_found", "not_yours", "invalid_input"),
)
async def get_follow_up_calendar(
    referral_id: ReferralId,
    node: NodeHere,
    caller: Annotated[Caller, require(Scope.FOLLOW_UPS_READ)],
) -> FollowUpCalendar:
    return await read_calendar(node, caller, referral_id)
