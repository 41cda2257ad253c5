"""Hop 7: `/v1/inbox`, where the gateway delivers envelopes and receipts."""

from typing import Annotated

from fastapi import APIRouter

from relevo.contracts.exchange import BatchAnswer, MessageBatch
from relevo.contracts.problem import ProblemError
from relevo.contracts.scopes import Scope
from relevo.node.operations.receive import receive
from relevo.servicekit.access_token import Caller
from relevo.servicekit.openapi import answer, request_example
from relevo.servicekit.problems import problem_responses
from relevo.servicekit.require_scope import require

from . import examples
from .dependencies import DirectoryHere, LanguageAsked, NodeHere

router = APIRouter(prefix="/v1/inbox", tags=["inbox"])


@router.post(
    "",
    summary="Deliver messages",
    description="For the gateway that this node joined. Each message is answered on its own; one that came "
    "before is a `duplicate`; nothing of a refused one is stored.",
    responses=answer(
        200,
        "One answer for each envelope.",
        {"answers": [{"message_id": examples.REFERRAL_ID, "result": "accepted"}]},
    )
    | problem_responses("invalid_input", "not_yours", "gateway_unreachable"),
    openapi_extra=request_example({"envelopes": [examples.ENVELOPE], "receipts": []}),
)
async def post_inbox(
    body: MessageBatch,
    node: NodeHere,
    directory: DirectoryHere,
    language: LanguageAsked,
    caller: Annotated[Caller, require(Scope.MESSAGES_DELIVER)],
) -> BatchAnswer:
    if caller.institution != (await directory.home()).gateway:
        raise ProblemError("not_yours")
    return await receive(node, directory, body, language=language)
