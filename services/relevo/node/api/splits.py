"""`/v1/splits` and `/v1/referrals/{id}/split`: a family goes on in two parts, for somebody's safety."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Path, Query

from relevo.contracts.families import SHEET_TEXTS, Split, SplitConfirmation, SplitRequest
from relevo.contracts.identifiers import Uuid
from relevo.contracts.model import ContractModel
from relevo.contracts.scopes import Scope
from relevo.node.operations import split
from relevo.servicekit.access_token import Caller
from relevo.servicekit.openapi import answer, link, request_example
from relevo.servicekit.problems import problem_responses
from relevo.servicekit.require_scope import require

from . import examples
from .dependencies import IDEMPOTENCY_KEY, IdempotencyKey, NodeHere, SubmissionsHere
from .referrals import SUBMISSION_PROBLEMS

router = APIRouter(tags=["splits"])

SplitId = Annotated[Uuid, Path(description="The split's id.", examples=[examples.SPLIT_ID])]
FamilyReferralId = Annotated[
    Uuid, Path(description="The family's referral.", examples=[examples.FAMILY_REFERRAL_ID])
]
_THIS: Final = "$response.body#/id"
_SPLIT: Final[dict[str, Any]] = {
    "id": examples.SPLIT_ID,
    "state": "waiting",
    "stays": examples.FAMILY_REFERRAL_ID,
    "goes": examples.SENT_REFERRAL_ID,
    "goes_reference_code": examples.REFERENCE_CODE,
    "reason": "safety_concern",
    "recorded_by": "Psicología, turno A",
    "sheet_text": "other_office",
    "sheet": dict(SHEET_TEXTS["other_office"]),
    "recorded_at": "2026-03-02T17:30:00Z",
    "confirm_by": "2026-03-02T18:30:00Z",
}
_CONFIRMED: Final[dict[str, Any]] = {
    **_SPLIT,
    "state": "confirmed",
    "confirmed_by": "Coordinación",
    "confirmed_at": "2026-03-02T17:48:00Z",
}
_NEXT: Final = {
    **link("get_split", "Read it again.", split_id=_THIS),
    **link(
        "post_confirmation",
        "A second person stands behind it.",
        split_id=_THIS,
        body={"confirmed_by": "Coordinación"},
    ),
}


class Splits(ContractModel):
    """The newest first."""

    splits: list[Split]


@router.post(
    "/v1/referrals/{referral_id}/split",
    status_code=201,
    summary="Split a family for somebody's safety",
    description="Those who go get the new referral that stands in `referral`, with their own consents. The "
    "other adult is neither asked nor told: what is held here shows only those who stay, and says nothing "
    "of the others, in its history, its status or on a printed sheet. A second person confirms within the "
    "hour; what nobody confirmed is escalated, not undone.",
    responses=answer(201, "Split.", _SPLIT, _NEXT)
    | problem_responses(
        "not_found",
        "split_needs_best_interests",
        "second_person_needed",
        *SUBMISSION_PROBLEMS,
    ),
    openapi_extra=request_example(
        {
            "persons": [1],
            "reason": "safety_concern",
            "recorded_by": "Psicología, turno A",
            "referral": examples.SUBMISSION,
        }
    )
    | {"parameters": [IDEMPOTENCY_KEY]},
    tags=["splits"],
)
async def post_split(
    referral_id: FamilyReferralId,
    body: SplitRequest,
    key: IdempotencyKey,
    node: NodeHere,
    submissions: SubmissionsHere,
    caller: Annotated[Caller, require(Scope.REFERRALS_SUBMIT)],
) -> Split:
    return await split.split_family(
        node, submissions, caller, referral_id, body, key=key.key, digest=key.digest
    )


@router.get(
    "/v1/splits",
    summary="List splits",
    description="The newest first, and those that still need a second person with `state=waiting`.",
    responses=answer(200, "At most 100.", {"splits": [_SPLIT]})
    | problem_responses("not_yours", "invalid_input"),
)
async def list_splits(
    node: NodeHere,
    caller: Annotated[Caller, require(Scope.REFERRALS_SUBMIT)],
    state: Annotated[
        Literal["waiting", "confirmed", "unconfirmed"] | None,
        Query(description="Only those in this state."),
    ] = None,
) -> Splits:
    return Splits(splits=await split.list_splits(node, caller, state=state, limit=100))


@router.get(
    "/v1/splits/{split_id}",
    summary="Read a split",
    description="Why, by whom, until when a second person confirms, and what may be printed for those who "
    "stay. No referral links to it.",
    responses=answer(200, "The split.", _SPLIT)
    | problem_responses("not_found", "not_yours", "invalid_input"),
)
async def get_split(
    split_id: SplitId,
    node: NodeHere,
    caller: Annotated[Caller, require(Scope.REFERRALS_SUBMIT)],
) -> Split:
    return await split.read_split(node, caller, split_id)


@router.post(
    "/v1/splits/{split_id}/confirm",
    summary="Confirm a split",
    description="By somebody else than who decided. After the hour it can still be confirmed.",
    responses=answer(200, "Confirmed.", _CONFIRMED)
    | problem_responses("not_found", "not_yours", "invalid_input", "second_person_needed"),
    openapi_extra=request_example({"confirmed_by": "Coordinación"}),
)
async def post_confirmation(
    split_id: SplitId,
    body: SplitConfirmation,
    node: NodeHere,
    caller: Annotated[Caller, require(Scope.REFERRALS_SUBMIT)],
) -> Split:
    return await split.confirm_split(node, caller, split_id, body)
