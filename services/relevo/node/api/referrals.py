"""Hop 1: `/v1/referrals`, where an institution's own system submits, reads and answers referrals."""

from typing import Annotated, Final, Literal

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
from relevo.servicekit.openapi import answer, link, request_example
from relevo.servicekit.problems import problem_responses
from relevo.servicekit.require_scope import require

from . import examples
from .dependencies import (
    IDEMPOTENCY_KEY,
    IdempotencyKey,
    LanguageAsked,
    NodeHere,
    SubmissionsHere,
)

router = APIRouter(prefix="/v1/referrals", tags=["referrals"])

ReferralId = Annotated[
    Uuid, Path(description="The referral's id.", examples=[examples.REFERRAL_ID])
]
SentReferralId = Annotated[
    Uuid, Path(description="The referral's id.", examples=[examples.SENT_REFERRAL_ID])
]
_THIS: Final = "$response.body#/id"
_READ: Final = {
    **link("get_referral", "Read it.", referral_id=_THIS),
    **link("get_history", "What became of it, step by step.", referral_id=_THIS),
}
_SENT: Final = {
    **_READ,
    **link("post_close", "Once it has an outcome.", referral_id=_THIS),
    **link(
        "post_status_query",
        "What others who are named may ask.",
        body={"reference_code": "$response.body#/reference_code"},
    ),
}
_STEP: Final = link(
    "post_transition",
    "Take one of the steps of `possible_next`.",
    referral_id=_THIS,
    body={"to": "$response.body#/possible_next/0"},
)
_FIRST: Final = "$response.body#/referrals/0/id"
SUBMISSION_PROBLEMS = (
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
    "consulate_not_requested",
    "implicated_party_excluded",
    "implicated_person_excluded",
    "basis_not_lawful",
    "anonymity_not_offered",
    "basis_not_allowed",
    "receiver_unknown",
    "receiver_not_active",
    "receiver_lacks_mandate",
    "sender_may_not_start",
    "message_type_not_accepted",
    "key_not_pinned",
    "key_changed",
    "pathway_unknown",
    "pathway_field_required",
    "share_not_in_pathway",
    "best_interests_needed",
    "adult_needs_own_consent",
    "guardian_basis_ended",
    "privileged",
    "category_never_leaves",
    "address_never_leaves",
    "relative_not_entitled",
    "unidentified_is_for_remains",
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
    responses=answer(201, "Stored, and on its way.", examples.SUBMITTED, _SENT)
    | problem_responses(*SUBMISSION_PROBLEMS),
    openapi_extra=request_example(examples.SUBMISSION) | {"parameters": [IDEMPOTENCY_KEY]},
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
    responses=answer(
        200,
        "In the order of the items.",
        {"answers": [{"key": "row-1", "referral": examples.SUBMITTED}]},
        link("get_referral", "The first.", referral_id="$response.body#/answers/0/referral/id"),
    )
    | problem_responses("invalid_input", "not_yours"),
    openapi_extra=request_example({"items": [{"key": "row-1", "referral": examples.SUBMISSION}]}),
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


@router.get("/bulk", include_in_schema=False)
async def get_bulk() -> None:
    """Else `bulk` would be taken for a referral's id."""
    raise ProblemError("method_not_allowed")


@router.get(
    "",
    summary="List referrals",
    description="Those sent and those received, newest first, without persons. What is overdue is "
    "computed from the clocks of the triage scheme that the pathway chose; it is no state.",
    responses=answer(
        200,
        "A page.",
        {"referrals": [{**examples.REFERRAL, "persons": []}], "next_cursor": None},
        {
            **link("get_referral", "The first, with its persons.", referral_id=_FIRST),
            **link(
                "post_transition",
                "Answer the first.",
                referral_id=_FIRST,
                body={"to": "$response.body#/referrals/0/possible_next/0"},
            ),
            **link("list_referrals", "The next page.", cursor="$response.body#/next_cursor"),
        },
    )
    | problem_responses("invalid_input", "not_yours"),
)
async def list_referrals(
    node: NodeHere,
    caller: Annotated[Caller, require(Scope.REFERRALS_READ)],
    role: Annotated[
        Literal["sender", "receiver"] | None, Query(description="Which side this node is.")
    ] = None,
    state: Annotated[State | None, Query(description="Only those in this state.")] = None,
    overdue: Annotated[
        bool | None,
        Query(
            description="Only those past a deadline, the longest overdue first; or only those that are not."
        ),
    ] = None,
    cursor: Annotated[
        str | None, Query(max_length=200, description="`next_cursor` of the page before.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=200, description="Referrals a page.")] = 50,
) -> ReferralPage:
    page, following = await read.list_referrals(
        node, caller, role=role, state=state, overdue=overdue, cursor=cursor, limit=limit
    )
    return ReferralPage(referrals=page, next_cursor=following)


@router.get(
    "/{referral_id}",
    summary="Read a referral",
    description="With what this side holds of its persons, and the steps that it may take next.",
    responses=answer(200, "The referral.", examples.REFERRAL, _STEP)
    | problem_responses("not_found", "not_yours", "invalid_input"),
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
    description="Every event in its author's order, with those that came too late to apply.",
    responses=answer(200, "From the first.", examples.HISTORY)
    | problem_responses("not_found", "not_yours", "invalid_input"),
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
    responses=answer(200, "Taken.", examples.REFERRAL, {**_READ, **_STEP})
    | problem_responses(
        "not_found",
        "not_yours",
        "invalid_input",
        "illegal_transition",
        "not_your_step",
        "reason_required",
        "searched_person_not_asked",
        "searched_person_said_no",
        "redirect_loop",
        "address_never_leaves",
        "family_not_told",
        "identity_not_confirmed",
        "remains_disputed",
        "kinship_not_verified",
    ),
    openapi_extra=request_example({"to": "acknowledged", "seen_by": "Turno A"}),
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
    responses=answer(
        200,
        "Closed.",
        {**examples.REFERRAL, "role": "sender", "state": "closed", "possible_next": []},
    )
    | problem_responses(
        "not_found", "not_yours", "invalid_input", "illegal_transition", "not_your_step"
    ),
)
async def post_close(
    referral_id: SentReferralId,
    node: NodeHere,
    caller: Annotated[Caller, require(Scope.REFERRALS_SUBMIT)],
) -> Referral:
    return await transition(node, caller, referral_id, Transition(to="closed"))
