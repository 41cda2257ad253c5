"""`/v1/events`: what happened, in order, as CloudEvents that carry ids only."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from relevo.contracts.model import ContractModel
from relevo.contracts.scopes import Scope
from relevo.node.operations import read
from relevo.servicekit.access_token import Caller
from relevo.servicekit.problems import problem_responses
from relevo.servicekit.require_scope import require

from .dependencies import NodeHere

router = APIRouter(prefix="/v1/events", tags=["events"])


class EventPage(ContractModel):
    """Events in order; ask again with `after` = `next_after`. Positions are never skipped."""

    events: list[dict[str, Any]]
    next_after: int


@router.get(
    "",
    summary="Read the event feed",
    description="CloudEvents 1.0 with ids only; read the referral for the rest. Store `next_after` "
    "with what you did about the events, and nothing is ever missed.",
    responses=problem_responses("invalid_input", "not_yours"),
)
async def list_events(
    node: NodeHere,
    caller: Annotated[Caller, require(Scope.EVENTS_READ)],
    after: Annotated[
        int, Query(ge=0, le=2**31 - 1, description="Position of the last event that was read.")
    ] = 0,
    limit: Annotated[int, Query(ge=1, le=500, description="Events a page.")] = 100,
) -> EventPage:
    events = await read.read_events(node, caller, after=after, limit=limit)
    return EventPage(
        events=[read.cloud_event(node, event) for event in events],
        next_after=events[-1].position if events else after,
    )
