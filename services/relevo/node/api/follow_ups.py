"""`/v1/follow-ups`: asking how somebody is after her return, and carrying that out."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Path, Query

from relevo.contracts.follow_up import (
    Attempt,
    AttemptEnding,
    AttemptOpening,
    FollowUp,
    FollowUpAsk,
    FollowUpReport,
    FollowUpStep,
)
from relevo.contracts.identifiers import Uuid
from relevo.contracts.lifecycles.follow_up import State
from relevo.contracts.model import ContractModel
from relevo.contracts.scopes import Scope
from relevo.node.operations import attempt as attempts
from relevo.node.operations import read_follow_up as reading
from relevo.node.operations.carry_out_follow_up import report_follow_up, step_follow_up
from relevo.node.operations.request_follow_up import cancel_follow_up, request_follow_up
from relevo.servicekit.access_token import Caller
from relevo.servicekit.openapi import answer, link, request_example
from relevo.servicekit.problems import problem_responses
from relevo.servicekit.require_scope import require

from . import examples
from .dependencies import IDEMPOTENCY_KEY, DirectoryHere, IdempotencyKey, NodeHere

router = APIRouter(prefix="/v1/follow-ups", tags=["follow-up"])

ASKED_ID: Final = "0198c7a5-1d20-7c11-9e02-5a7f31c0dd21"
HELD_ID: Final = "0198c7a5-2e31-7d22-8f13-6b80420ee132"
_WINDOW: Final[dict[str, Any]] = {
    "window_from": "2026-03-30T06:00:00Z",
    "window_until": "2026-04-06T06:00:00Z",
    "kind": "light_contact",
}
ASKED: Final[dict[str, Any]] = {
    **_WINDOW,
    "id": ASKED_ID,
    "role": "asker",
    "reference_code": examples.REFERENCE_CODE,
    "asker": "gt.consulado-tapachula",
    "holder": "gt.igm.crr",
    "state": "requested",
    "event_seq": 0,
    "history": [{"seq": 0, "state": "requested", "at": "2026-03-04T15:00:00Z"}],
    "possible_next": ["cancelled"],
    "created_at": "2026-03-04T15:00:00Z",
    "updated_at": "2026-03-04T15:00:00Z",
}
HELD: Final[dict[str, Any]] = {
    **ASKED,
    "id": HELD_ID,
    "role": "holder",
    "carried_out_by": "gt.igm.crr",
    "referral_id": examples.REFERRAL_ID,
    "persons": [1],
    "state": "accepted",
    "event_seq": 1,
    "possible_next": ["scheduled", "in_progress", "refused", "unsafe", "redirected"],
}
_OPEN_ATTEMPT: Final[dict[str, Any]] = {
    "seq": 2,
    "modality": "call",
    "person": 1,
    "opened_at": "2026-03-31T23:30:00Z",
    "desk": "Turno B",
    "numbers": ["+502 0000-1204"],
    "introduce_as": "de la tienda de celulares",
    "ask_pass_phrase": True,
}
_REPORT: Final[dict[str, Any]] = {
    "ended": "completed",
    "situation": "stable",
    "living_situation": "with_own_family",
    "document_received": True,
    "wants": ["vocational_training"],
    "remigration_intention": "no",
}

AskedId = Annotated[Uuid, Path(description="The follow-up's id.", examples=[ASKED_ID])]
HeldId = Annotated[Uuid, Path(description="The follow-up's id.", examples=[HELD_ID])]
_THIS: Final = "$response.body#/id"
_READ: Final = link("get_follow_up", "Read it.", follow_up_id=_THIS)
_STEPS: Final = {
    **_READ,
    **link("post_attempt", "Try to reach her.", follow_up_id=_THIS),
    **link(
        "post_follow_up_transition",
        "Take one of the steps of `possible_next`.",
        follow_up_id=_THIS,
        body={"to": "$response.body#/possible_next/0"},
    ),
}


class FollowUpPage(ContractModel):
    """Newest first; attempts and history are read one follow-up at a time."""

    follow_ups: list[FollowUp]
    next_cursor: str | None = None


@router.post(
    "",
    status_code=201,
    summary="Ask for follow-up after return",
    description="By reference code, for a window. Answered to whom the person named for follow-up, if she "
    "opted in. Anybody else gets the answer of a code that does not exist.",
    responses=answer(
        201,
        "Queued for the institution that received the referral.",
        ASKED,
        {
            **_READ,
            **link("post_follow_up_cancel", "While it is open.", follow_up_id=_THIS),
        },
    )
    | problem_responses(
        "not_found",
        "not_yours",
        "invalid_input",
        "idempotency_key_required",
        "idempotency_key_reused",
        "idempotency_key_in_flight",
        "receiver_unknown",
        "key_not_pinned",
        "key_changed",
        "gateway_unreachable",
        "too_many_requests",
    ),
    openapi_extra=request_example({**_WINDOW, "reference_code": examples.REFERENCE_CODE})
    | {"parameters": [IDEMPOTENCY_KEY]},
)
async def post_follow_up(
    body: FollowUpAsk,
    key: IdempotencyKey,
    node: NodeHere,
    directory: DirectoryHere,
    caller: Annotated[Caller, require(Scope.FOLLOW_UPS_REQUEST)],
) -> FollowUp:
    return await request_follow_up(node, directory, caller, body, key=key.key, digest=key.digest)


@router.get(
    "",
    summary="List follow-ups",
    description="Those asked for and those to carry out, newest first.",
    responses=answer(
        200,
        "A page.",
        {"follow_ups": [HELD], "next_cursor": None},
        {
            **link("get_follow_up", "The first.", follow_up_id="$response.body#/follow_ups/0/id"),
            **link("list_follow_ups", "The next page.", cursor="$response.body#/next_cursor"),
        },
    )
    | problem_responses("invalid_input", "not_yours"),
)
async def list_follow_ups(
    node: NodeHere,
    caller: Annotated[Caller, require(Scope.FOLLOW_UPS_READ)],
    role: Annotated[
        Literal["asker", "holder"] | None, Query(description="Which side this node is.")
    ] = None,
    state: Annotated[State | None, Query(description="Only those in this state.")] = None,
    cursor: Annotated[
        str | None, Query(max_length=200, description="`next_cursor` of the page before.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=200, description="Follow-ups a page.")] = 50,
) -> FollowUpPage:
    page, following = await reading.list_follow_ups(
        node, caller, role=role, state=state, cursor=cursor, limit=limit
    )
    return FollowUpPage(follow_ups=page, next_cursor=following)


@router.get(
    "/{follow_up_id}",
    summary="Read a follow-up",
    description="With its attempts, its history, and what this side may know of its end. Never with a number.",
    responses=answer(200, "The follow-up.", HELD, _STEPS)
    | problem_responses("not_found", "not_yours", "invalid_input"),
)
async def get_follow_up(
    follow_up_id: HeldId,
    node: NodeHere,
    caller: Annotated[Caller, require(Scope.FOLLOW_UPS_READ)],
) -> FollowUp:
    return await reading.read_follow_up(node, caller, follow_up_id)


@router.post(
    "/{follow_up_id}/transitions",
    summary="Take a step on a follow-up that one carries out",
    description="The asker is told the state. `unreachable` needs 3 attempts on 2 days by 2 channels where "
    "there are two; a report ends it as completed or partial.",
    responses=answer(200, "Taken.", HELD, _STEPS)
    | problem_responses(
        "not_found",
        "not_yours",
        "invalid_input",
        "illegal_transition",
        "not_your_step",
        "reason_required",
        "family_not_told",
        "too_few_attempts",
        "grant_not_live",
    ),
    openapi_extra=request_example({"to": "in_progress"}),
)
async def post_follow_up_transition(
    follow_up_id: HeldId,
    body: FollowUpStep,
    node: NodeHere,
    directory: DirectoryHere,
    caller: Annotated[Caller, require(Scope.FOLLOW_UPS_RESPOND)],
) -> FollowUp:
    return await step_follow_up(node, directory, caller, follow_up_id, body)


@router.post(
    "/{follow_up_id}/cancel",
    summary="Cancel a follow-up that one asked for",
    description="The institution that carries it out is told, and its node answers.",
    responses=answer(200, "Asked.", {**ASKED, "cancel_asked": True, "possible_next": []}, _READ)
    | problem_responses(
        "not_found", "not_yours", "invalid_input", "illegal_transition", "not_your_step"
    ),
)
async def post_follow_up_cancel(
    follow_up_id: AskedId,
    node: NodeHere,
    caller: Annotated[Caller, require(Scope.FOLLOW_UPS_REQUEST)],
) -> FollowUp:
    return await cancel_follow_up(node, caller, follow_up_id)


@router.post(
    "/{follow_up_id}/attempts",
    status_code=201,
    summary="Open an attempt to reach her",
    description="Shows the number and what to say, if her contact rules allow it now. If one forbids it, that "
    "is recorded as `not_attempted_rule`, and no number is shown.",
    responses=answer(
        201,
        "Open, or recorded as forbidden.",
        _OPEN_ATTEMPT,
        link(
            "post_attempt_outcome",
            "What came of it.",
            follow_up_id="$request.path.follow_up_id",
            seq="$response.body#/seq",
        ),
    )
    | problem_responses(
        "not_found",
        "not_yours",
        "invalid_input",
        "idempotency_key_required",
        "idempotency_key_reused",
        "idempotency_key_in_flight",
        "illegal_transition",
        "outside_window",
        "grant_not_live",
    ),
    openapi_extra=request_example({"modality": "call", "desk": "Turno B"})
    | {"parameters": [IDEMPOTENCY_KEY]},
)
async def post_attempt(
    follow_up_id: HeldId,
    body: AttemptOpening,
    key: IdempotencyKey,
    node: NodeHere,
    caller: Annotated[Caller, require(Scope.FOLLOW_UPS_RESPOND)],
) -> Attempt:
    return await attempts.open_attempt(
        node, caller, follow_up_id, body, key=key.key, digest=key.digest
    )


@router.post(
    "/{follow_up_id}/attempts/{seq}/outcome",
    summary="Say what came of an attempt",
    description="`answered` needs the pass phrase as she said it, where she agreed on one.",
    responses=answer(
        200,
        "Recorded.",
        {
            "seq": 2,
            "modality": "call",
            "person": 1,
            "opened_at": "2026-03-31T23:30:00Z",
            "outcome": "no_answer",
            "ended_at": "2026-03-31T23:32:00Z",
        },
        link("post_report", "Once she was reached.", follow_up_id="$request.path.follow_up_id"),
    )
    | problem_responses(
        "not_found",
        "not_yours",
        "invalid_input",
        "illegal_transition",
        "pass_phrase_wrong",
        "grant_not_live",
    ),
    openapi_extra=request_example({"outcome": "no_answer"}),
)
async def post_attempt_outcome(
    follow_up_id: HeldId,
    seq: Annotated[
        int, Path(ge=1, le=1_000_000, description="The attempt's number.", examples=[2])
    ],
    body: AttemptEnding,
    node: NodeHere,
    caller: Annotated[Caller, require(Scope.FOLLOW_UPS_RESPOND)],
) -> Attempt:
    return await attempts.end_attempt(node, caller, follow_up_id, seq, body)


@router.post(
    "/{follow_up_id}/report",
    summary="Report on a follow-up",
    description="Ends it. The asker gets what consent covers; whether she thinks of leaving again never "
    "leaves this node.",
    responses=answer(
        200,
        "Stored; what consent covers is on its way.",
        {
            **HELD,
            "state": "completed",
            "event_seq": 3,
            "report": _REPORT,
            "result": {
                "ended": "completed",
                "situation": "stable",
                "open_needs": 1,
                "reported_at": "2026-04-02T00:20:00Z",
            },
            "possible_next": [],
        },
        _READ,
    )
    | problem_responses(
        "not_found",
        "not_yours",
        "invalid_input",
        "illegal_transition",
        "not_your_step",
        "answered_needed",
        "grant_not_live",
    ),
    openapi_extra=request_example(_REPORT),
)
async def post_report(
    follow_up_id: HeldId,
    body: FollowUpReport,
    node: NodeHere,
    caller: Annotated[Caller, require(Scope.FOLLOW_UPS_RESPOND)],
) -> FollowUp:
    return await report_follow_up(node, caller, follow_up_id, body)
