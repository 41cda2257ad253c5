"""`/v1/returnees`: people who return, from the list that announces them to the day the record is closed."""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Query

from relevo.contracts.identifiers import Uuid
from relevo.contracts.lifecycles.returnee import State
from relevo.contracts.model import ContractModel
from relevo.contracts.returnee import ReturneeInput, ReturneeRecord, ReturneeTransition
from relevo.contracts.scopes import Scope
from relevo.node.operations import returnees
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


@router.post(
    "/{returnee_id}/transitions",
    summary="Take a step on a returnee record",
    description="Repeating the last step changes nothing. A merged record names the one that goes on; both are kept.",
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
