"""`/v1/events`: what happened, in order, as CloudEvents that carry ids only."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from relevo.contracts.identifiers import Uuid
from relevo.contracts.model import ContractModel, Moment, Whole
from relevo.contracts.scopes import Scope
from relevo.node.operations import read
from relevo.servicekit.access_token import Caller
from relevo.servicekit.openapi import answer, link
from relevo.servicekit.problems import problem_responses
from relevo.servicekit.require_scope import require

from . import examples
from .dependencies import NodeHere

router = APIRouter(prefix="/v1/events", tags=["events"])


class EventData(ContractModel):
    """Which referral or consent it is about; read that for the rest."""

    id: Uuid
    event_seq: Whole | None = None


class CloudEvent(ContractModel):
    """CloudEvents 1.0 in structured form. Webhooks carry the same."""

    specversion: Literal["1.0"]
    id: str
    source: str = Field(description="Base URL of the node.")
    type: str = Field(description="`org.relevo.` and what happened, such as `referral.state`.")
    subject: str
    time: Moment
    datacontenttype: Literal["application/json"]
    position: Whole = Field(description="Place in the feed.")
    data: EventData


class EventPage(ContractModel):
    """Events in order; ask again with `after` = `next_after`. Positions are never skipped."""

    events: list[CloudEvent]
    next_after: Whole


@router.get(
    "",
    summary="Read the event feed",
    description="CloudEvents 1.0 with ids only; read the referral for the rest. Store `next_after` "
    "with what you did about the events, and nothing is ever missed.",
    responses=answer(
        200,
        "A page, empty at the end.",
        {"events": [examples.EVENT], "next_after": 42},
        link("list_events", "The next page.", after="$response.body#/next_after"),
    )
    | problem_responses("invalid_input", "not_yours"),
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
        events=[CloudEvent.model_validate(read.cloud_event(node, event)) for event in events],
        next_after=events[-1].position if events else after,
    )
