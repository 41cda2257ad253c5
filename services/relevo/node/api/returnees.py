"""`/v1/returnees`: people who return, from the list that announces them to the day the record is closed."""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Query

from relevo.contracts.candidates import Candidates
from relevo.contracts.identifiers import Uuid
from relevo.contracts.lifecycles.returnee import State
from relevo.contracts.model import ContractModel
from relevo.contracts.returnee import (
    Merge,
    ReturneeInput,
    ReturneeRecord,
    ReturneeTransition,
    Unmerge,
)
from relevo.contracts.scopes import Scope
from relevo.node.operations import candidates, merge, returnees
from relevo.servicekit.access_token import Caller
from relevo.servicekit.openapi import answer, link, request_example
from relevo.servicekit.problems import problem_responses
from relevo.servicekit.require_scope import require

from . import returnee_examples as examples
from .dependencies import IDEMPOTENCY_KEY, IdempotencyKey, NodeHere

router = APIRouter(prefix="/v1/returnees", tags=["returnees"])

ReturneeId = Annotated[Uuid, Path(description="The record's id.", examples=[examples.RETURNEE_ID])]
_THIS: Final = "$response.body#/id"
_STEP: Final = link(
    "post_returnee_transition",
    "Take one of the steps of `possible_next`.",
    returnee_id=_THIS,
    body={"to": "$response.body#/possible_next/0"},
)
_UNDO: Final = link(
    "post_unmerge", "Undo it: they are two people.", returnee_id=_THIS, body=examples.UNMERGE
)


class ReturneePage(ContractModel):
    """Newest first; persons are read one at a time."""

    returnees: list[ReturneeRecord]
    next_cursor: str | None = None


@router.post(
    "",
    status_code=201,
    summary="Enter a returnee",
    description="For somebody on no list: a walk-on, or a person who came alone. Registering sends nothing "
    "anywhere, whatever her nationality: no consulate hears of it unless she asks.",
    responses=answer(
        201,
        "Entered.",
        examples.RECORD,
        {**link("get_returnee", "Read it.", returnee_id=_THIS), **_STEP},
    )
    | problem_responses(
        "invalid_input",
        "idempotency_key_required",
        "idempotency_key_reused",
        "idempotency_key_in_flight",
        "not_yours",
    ),
    openapi_extra=request_example(examples.INPUT) | {"parameters": [IDEMPOTENCY_KEY]},
)
async def post_returnee(
    body: ReturneeInput,
    key: IdempotencyKey,
    node: NodeHere,
    caller: Annotated[Caller, require(Scope.RETURNEES_WRITE)],
) -> ReturneeRecord:
    return await returnees.enter_returnee(node, caller, body, key=key.key, digest=key.digest)


@router.get(
    "",
    summary="List returnees",
    description="Newest first, without persons.",
    responses=answer(
        200,
        "A page.",
        {"returnees": [examples.BARE], "next_cursor": None},
        {
            **link(
                "get_returnee",
                "The first, with what is known of her.",
                returnee_id="$response.body#/returnees/0/id",
            ),
            **link("list_returnees", "The next page.", cursor="$response.body#/next_cursor"),
        },
    )
    | problem_responses("invalid_input", "not_yours"),
)
async def list_returnees(
    node: NodeHere,
    caller: Annotated[Caller, require(Scope.RETURNEES_READ)],
    state: Annotated[State | None, Query(description="Only those in this state.")] = None,
    manifest_id: Annotated[Uuid | None, Query(description="Only those of this list.")] = None,
    cursor: Annotated[
        str | None, Query(max_length=200, description="`next_cursor` of the page before.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=200, description="Records a page.")] = 50,
) -> ReturneePage:
    page, following = await returnees.list_returnees(
        node, caller, state=state, manifest_id=manifest_id, cursor=cursor, limit=limit
    )
    return ReturneePage(returnees=page, next_cursor=following)


@router.get(
    "/{returnee_id}",
    summary="Read a returnee",
    description="With what is known of her, who belongs to her, and the steps that may be taken next.",
    responses=answer(200, "The record.", examples.RECORD, _STEP)
    | problem_responses("not_found", "not_yours", "invalid_input"),
)
async def get_returnee(
    returnee_id: ReturneeId,
    node: NodeHere,
    caller: Annotated[Caller, require(Scope.RETURNEES_READ)],
) -> ReturneeRecord:
    return await returnees.read_returnee(node, caller, returnee_id)


@router.get(
    "/{returnee_id}/candidates",
    summary="List records that may be hers too",
    description="Other records of the same unit, the likeliest first: what agrees, without any value. A "
    "machine only proposes; `siblings` are no proposal. Each is read by its id, and it is noted that you "
    "looked. Records of people who are searched for are never compared, and it is not said which.",
    responses=answer(
        200,
        "What was found.",
        examples.CANDIDATES,
        {
            **link(
                "get_returnee",
                "Read the first of them.",
                returnee_id="$response.body#/candidates/0/returnee_id",
            ),
            **link(
                "post_merge",
                "Say that it is one person.",
                returnee_id="$response.body#/returnee_id",
                body={
                    "into": "$response.body#/candidates/0/returnee_id",
                    "ground": "asked",
                    "confirmed_by": "Recepción, turno A",
                },
            ),
        },
    )
    | problem_responses("not_found", "not_yours", "invalid_input"),
)
async def list_candidates(
    returnee_id: ReturneeId,
    node: NodeHere,
    caller: Annotated[Caller, require(Scope.RETURNEES_READ)],
    limit: Annotated[int, Query(ge=1, le=50, description="Candidates at most.")] = 10,
) -> Candidates:
    return await candidates.candidates_of(node, caller, returnee_id, limit=limit)


@router.post(
    "/{returnee_id}/merge",
    summary="Say that two records are of one person",
    description="This record then points to the one that goes on; both are kept, nothing is copied, and it can "
    "be undone. Relatives, and twins of one family, are two people and never merged. Where the records differ "
    "as siblings do, she was asked or one paper was seen. Repeating it changes nothing.",
    responses=answer(200, "Merged.", examples.MERGED, _UNDO)
    | problem_responses(
        "not_found",
        "not_yours",
        "invalid_input",
        "illegal_transition",
        "two_people",
        "siblings_not_ruled_out",
        "grant_not_live",
    ),
    openapi_extra=request_example(examples.MERGE),
)
async def post_merge(
    returnee_id: ReturneeId,
    body: Merge,
    node: NodeHere,
    caller: Annotated[Caller, require(Scope.RETURNEES_WRITE)],
) -> ReturneeRecord:
    return await merge.merge(node, caller, returnee_id, body)


@router.post(
    "/{returnee_id}/unmerge",
    summary="Say that two people were taken for one",
    description="The record stands again where it stood before it was merged. Repeating it changes nothing.",
    responses=answer(200, "Undone.", examples.RECORD, _STEP)
    | problem_responses("not_found", "not_yours", "invalid_input", "illegal_transition"),
    openapi_extra=request_example(examples.UNMERGE),
)
async def post_unmerge(
    returnee_id: Annotated[
        Uuid, Path(description="The merged record's id.", examples=[examples.MERGED_ID])
    ],
    body: Unmerge,
    node: NodeHere,
    caller: Annotated[Caller, require(Scope.RETURNEES_WRITE)],
) -> ReturneeRecord:
    return await merge.unmerge(node, caller, returnee_id, body)


@router.post(
    "/{returnee_id}/transitions",
    summary="Take a step on a returnee record",
    description="Repeating the last step changes nothing. A merge is no step: it has its own request.",
    responses=answer(200, "Taken.", examples.RECORD, _STEP)
    | problem_responses(
        "not_found", "not_yours", "invalid_input", "illegal_transition", "reason_required"
    ),
    openapi_extra=request_example({"to": "received"}),
)
async def post_returnee_transition(
    returnee_id: ReturneeId,
    body: ReturneeTransition,
    node: NodeHere,
    caller: Annotated[Caller, require(Scope.RETURNEES_WRITE)],
) -> ReturneeRecord:
    return await returnees.take_step(node, caller, returnee_id, body)
