"""What is opened in an emergency, its review, and the log of who read what."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query

from relevo.contracts.break_glass import (
    AccessLogPage,
    BreakGlassOpening,
    BreakGlassPage,
    BreakGlassReview,
    BreakGlassUse,
)
from relevo.contracts.identifiers import Uuid
from relevo.contracts.scopes import Scope
from relevo.node.operations import access, break_glass
from relevo.servicekit.access_token import Caller
from relevo.servicekit.openapi import answer, link, request_example
from relevo.servicekit.problems import problem_responses
from relevo.servicekit.require_scope import require

from .dependencies import IDEMPOTENCY_KEY, IdempotencyKey, NodeHere

router = APIRouter(prefix="/v1", tags=["break-glass"])

USE_ID: Final = "0198c7b1-2c3d-7e4f-8a5b-6c7d8e9f0a1b"
OTHER_UNITS_REFERRAL_ID: Final = "0198c7b2-3d4e-7f5a-9b6c-7d8e9f0a1b2c"
OPENING: Final[dict[str, Any]] = {
    "risk": "life",
    "reason": "Convulsiona en la puerta; hay que saber qué medicina toma.",
    "opened_by": "Turno de noche, 0417",
    "alone_on_shift": True,
    "reviewer": "gt.pdh",
    "hours": 4,
}
_REVIEW: Final[dict[str, Any]] = {
    "finding": "justified",
    "words": "Se llamó a la ambulancia cuatro minutos después.",
    "reviewed_by": "Auxiliatura, segundo turno",
}
_USE: Final[dict[str, Any]] = {
    "id": USE_ID,
    "referral_id": OTHER_UNITS_REFERRAL_ID,
    "party": "gt.igm.car",
    "risk": "life",
    "reason": OPENING["reason"],
    "opened_by": OPENING["opened_by"],
    "alone_on_shift": True,
    "reviewer": "gt.pdh",
    "opened_at": "2026-03-03T08:10:00Z",
    "expires_at": "2026-03-03T12:10:00Z",
    "review_due_at": "2026-03-06T08:10:00Z",
    "state": "open",
    "reads": 0,
}
_ENTRY: Final[dict[str, Any]] = {
    "id": "0198c7b3-4e5f-7a6b-8c7d-8e9f0a1b2c3d",
    "at": "2026-03-03T08:11:00Z",
    "client_id": "gt.igm.car.sistema",
    "party": "gt.igm.car",
    "what": "referral",
    "subject": OTHER_UNITS_REFERRAL_ID,
    "break_glass": USE_ID,
}

_Cursor = Annotated[
    str | None, Query(max_length=200, description="`next_cursor` of the page before.")
]


@router.post(
    "/referrals/{referral_id}/break-glass",
    status_code=201,
    summary="Open another unit's referral because somebody is in danger",
    description="To be read, for some hours, by the caller's unit. Whoever holds it is told at once, every read "
    "is logged, and a second person reviews it within 72 hours: of another institution, when whoever opened it "
    "was alone. What nobody reviewed is escalated; where a life is at risk nobody is shut out for that.",
    responses=answer(
        201,
        "Open.",
        _USE,
        link("list_break_glass", "Every use.")
        | link("get_access_log", "What was read.", subject="$response.body#/referral_id"),
    )
    | problem_responses(
        "not_found",
        "not_yours",
        "invalid_input",
        "break_glass_not_needed",
        "review_overdue",
        "idempotency_key_required",
        "idempotency_key_reused",
        "idempotency_key_in_flight",
    ),
    openapi_extra=request_example(OPENING) | {"parameters": [IDEMPOTENCY_KEY]},
)
async def post_break_glass(
    referral_id: Annotated[
        Uuid, Path(description="The referral's id.", examples=[OTHER_UNITS_REFERRAL_ID])
    ],
    body: BreakGlassOpening,
    key: IdempotencyKey,
    node: NodeHere,
    caller: Annotated[Caller, require(Scope.BREAK_GLASS_OPEN)],
) -> BreakGlassUse:
    return await break_glass.open_record(
        node, caller, referral_id, body, key=key.key, digest=key.digest
    )


@router.get(
    "/break-glass",
    summary="List what was opened in an emergency",
    description="Newest first; nothing is ever taken out of it. Another institution sees what it reviews.",
    responses=answer(
        200,
        "A page.",
        {"uses": [_USE], "next_cursor": None},
        link("list_break_glass", "The next page.", cursor="$response.body#/next_cursor"),
    )
    | problem_responses("invalid_input", "not_yours"),
)
async def list_break_glass(
    node: NodeHere,
    caller: Annotated[Caller, require(Scope.BREAK_GLASS_REVIEW)],
    cursor: _Cursor = None,
    limit: Annotated[int, Query(ge=1, le=200, description="Uses a page.")] = 50,
) -> BreakGlassPage:
    return await break_glass.list_uses(node, caller, cursor=cursor, limit=limit)


@router.post(
    "/break-glass/{use_id}/review",
    summary="Review what was opened in an emergency",
    description="By a second person. What somebody did who was alone on shift is reviewed by the institution that "
    "was named then, as a client of this node's issuer.",
    responses=answer(
        200,
        "Reviewed.",
        _USE
        | {
            "state": "reviewed",
            "review": _REVIEW,
            "reviewed_at": "2026-03-04T15:00:00Z",
            "reviewed_by_party": "gt.pdh",
        },
        link("list_break_glass", "Every use."),
    )
    | problem_responses(
        "not_found", "invalid_input", "reviewer_not_independent", "illegal_transition"
    ),
    openapi_extra=request_example(_REVIEW),
)
async def post_break_glass_review(
    use_id: Annotated[Uuid, Path(description="The use's id.", examples=[USE_ID])],
    body: BreakGlassReview,
    node: NodeHere,
    caller: Annotated[Caller, require(Scope.BREAK_GLASS_REVIEW)],
) -> BreakGlassUse:
    return await break_glass.review_use(node, caller, use_id, body)


@router.get(
    "/access-log",
    summary="Read who read which record when",
    description="Newest first. Reads of referrals, returnees, consents and follow-ups, each noted before it was "
    "answered; lists hold no persons and are not noted.",
    responses=answer(
        200,
        "A page.",
        {"entries": [_ENTRY], "next_cursor": None},
        link("get_access_log", "The next page.", cursor="$response.body#/next_cursor"),
    )
    | problem_responses("invalid_input", "not_yours"),
)
async def get_access_log(
    node: NodeHere,
    caller: Annotated[Caller, require(Scope.ACCESS_LOG_READ)],
    subject: Annotated[
        Uuid | None,
        Query(description="Of one record alone.", examples=[OTHER_UNITS_REFERRAL_ID]),
    ] = None,
    cursor: _Cursor = None,
    limit: Annotated[int, Query(ge=1, le=200, description="Entries a page.")] = 50,
) -> AccessLogPage:
    return await access.read_access_log(node, caller, subject=subject, cursor=cursor, limit=limit)
