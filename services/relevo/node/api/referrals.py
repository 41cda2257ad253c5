"""Hop 1: `/v1/referrals`, where an institution's own system submits, reads and answers referrals."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import Field

from relevo.contracts.identifiers import Uuid
from relevo.contracts.lifecycles.referral import State
from relevo.contracts.model import ContractModel
from relevo.contracts.problem import Problem, ProblemError
from relevo.contracts.referral import HistoryEntry, Referral, ReferralSubmission, Transition
from relevo.contracts.scopes import Scope
from relevo.node.operations import read, send
from relevo.node.operations.draft import SubmittedReferral
from relevo.node.operations.send import Submission
from relevo.node.operations.transition import transition
from relevo.servicekit.access_token import Caller
from relevo.servicekit.problems import problem_responses
from relevo.servicekit.require_scope import require

from . import examples
from .dependencies import IdempotencyKey, LanguageAsked, NodeHere, SubmissionsHere

router = APIRouter(prefix="/v1/referrals", tags=["referrals"])

ReferralId = Annotated[
    Uuid, Path(description="The referral's id.", examples=[examples.REFERRAL_ID])
]
_SUBMISSION_PROBLEMS = (
    "invalid_input",
    "idempotency_key_required",
    "idempotency_key_reused",
    "idempotency_key_in_flight",
    "not_yours",
    "consent_missing",
    "consent_not_active",
    "consent_does_not_cover_receiver",
    "receiver_denied_by_person",
    "consent_does_not_cover_category",
    "consent_does_not_cover_purpose",
    "consent_does_not_cover_date",
    "country_of_origin_excluded",
    "basis_not_allowed",
    "receiver_unknown",
    "receiver_not_active",
    "receiver_lacks_mandate",
    "message_type_not_accepted",
    "key_not_pinned",
    "key_changed",
    "pathway_unknown",
    "pathway_field_required",
    "share_not_in_pathway",
)


class BulkItem(ContractModel):
    """One referral of a bulk submission; `key` does what the Idempotency-Key header does."""

    key: Annotated[str, Field(min_length=1, max_length=255)]
    referral: ReferralSubmission


class BulkSubmission(ContractModel):
    """Up to 100 referrals, each answered on its own."""

    items: Annotated[list[BulkItem], Field(min_length=1, max_length=100)]


class BulkAnswer(ContractModel):
    """What became of one item: the referral, or the problem."""

    key: str
    referral: SubmittedReferral | None = None
    problem: Problem | None = None


class BulkAnswers(ContractModel):
    """In the order of the items."""

    answers: list[BulkAnswer]


class ReferralPage(ContractModel):
    """Newest first; persons are read one referral at a time."""

    referrals: list[Referral]
    next_cursor: str | None = None


@router.post(
    "",
    status_code=201,
    summary="Submit a referral",
    description="Checked against consent at once and stored; it leaves when the link allows. "
    "What became of it is on the event feed.",
    responses=problem_responses(*_SUBMISSION_PROBLEMS),
    openapi_extra={
        "requestBody": {"content": {"application/json": {"example": examples.SUBMISSION}}}
    },
)
async def post_referral(
    body: ReferralSubmission,
    key: IdempotencyKey,
    submissions: SubmissionsHere,
    caller: Annotated[Caller, require(Scope.REFERRALS_SUBMIT)],
) -> SubmittedReferral:
    return await submissions.submit(caller, Submission(body, key.key, key.digest))


@router.post(
    "/bulk",
    summary="Submit up to 100 referrals",
    description="Each is answered on its own, in order; the good ones are kept whatever the others are.",
    responses=problem_responses("invalid_input", "not_yours"),
    openapi_extra={
        "requestBody": {
            "content": {
                "application/json": {
                    "example": {"items": [{"key": "row-1", "referral": examples.SUBMISSION}]}
                }
            }
        }
    },
)
async def post_bulk(
    body: BulkSubmission,
    submissions: SubmissionsHere,
    language: LanguageAsked,
    caller: Annotated[Caller, require(Scope.REFERRALS_SUBMIT)],
) -> BulkAnswers:
    answers = await submissions.submit_many(
        caller,
        [
            Submission(item.referral, item.key, send.digest_of_submission(item.referral))
            for item in body.items
        ],
    )
    return BulkAnswers(
        answers=[
            BulkAnswer(key=item.key, problem=answer.problem(language))
            if isinstance(answer, ProblemError)
            else BulkAnswer(key=item.key, referral=answer)
            for item, answer in zip(body.items, answers, strict=True)
        ]
    )


@router.get("", summary="List referrals", responses=problem_responses("invalid_input", "not_yours"))
async def list_referrals(
    node: NodeHere,
    caller: Annotated[Caller, require(Scope.REFERRALS_READ)],
    role: Annotated[
        Literal["sender", "receiver"] | None, Query(description="Which side this node is.")
    ] = None,
    state: Annotated[State | None, Query(description="Only those in this state.")] = None,
    cursor: Annotated[
        str | None, Query(max_length=200, description="`next_cursor` of the page before.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=200, description="Referrals a page.")] = 50,
) -> ReferralPage:
    page, following = await read.list_referrals(
        node, caller, role=role, state=state, cursor=cursor, limit=limit
    )
    return ReferralPage(referrals=page, next_cursor=following)


@router.get(
    "/{referral_id}",
    summary="Read a referral",
    responses=problem_responses("not_found", "not_yours", "invalid_input"),
)
async def get_referral(
    referral_id: ReferralId,
    node: NodeHere,
    caller: Annotated[Caller, require(Scope.REFERRALS_READ)],
) -> Referral:
    return await read.read_referral(node, caller, referral_id)


@router.get(
    "/{referral_id}/history",
    summary="Read a referral's history",
    responses=problem_responses("not_found", "not_yours", "invalid_input"),
)
async def get_history(
    referral_id: ReferralId,
    node: NodeHere,
    caller: Annotated[Caller, require(Scope.REFERRALS_READ)],
) -> list[HistoryEntry]:
    return await read.read_history(node, caller, referral_id)


@router.post(
    "/{referral_id}/transitions",
    summary="Take a step on a received referral",
    description="The other side is told without asking. `possible_next` of the referral lists the steps.",
    responses=problem_responses(
        "not_found",
        "not_yours",
        "invalid_input",
        "illegal_transition",
        "not_your_step",
        "reason_required",
    ),
    openapi_extra={
        "requestBody": {"content": {"application/json": {"example": {"to": "accepted"}}}}
    },
)
async def post_transition(
    referral_id: ReferralId,
    body: Transition,
    node: NodeHere,
    caller: Annotated[Caller, require(Scope.REFERRALS_RESPOND)],
) -> Referral:
    return await transition(node, caller, referral_id, body)


@router.post(
    "/{referral_id}/close",
    summary="Close a referral that one sent",
    description="After an outcome. Says that the sender has read it.",
    responses=problem_responses(
        "not_found", "not_yours", "invalid_input", "illegal_transition", "not_your_step"
    ),
)
async def post_close(
    referral_id: ReferralId,
    node: NodeHere,
    caller: Annotated[Caller, require(Scope.REFERRALS_SUBMIT)],
) -> Referral:
    return await transition(node, caller, referral_id, Transition(to="closed"))
