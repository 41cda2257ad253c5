"""Hop 4: batches of messages, from nodes and from peer gateways."""

import json
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter, ValidationError

from relevo.contracts.exchange import BatchAnswer, MessageBatch
from relevo.contracts.problem import ProblemError
from relevo.contracts.scopes import Scope
from relevo.gateway.operations import relay
from relevo.gateway.operations.arrivals import Source
from relevo.servicekit.access_token import Caller
from relevo.servicekit.openapi import answer
from relevo.servicekit.problems import problem_responses
from relevo.servicekit.require_scope import require

from .dependencies import Service, service_of

router = APIRouter(tags=["messages"])

_ANSWERS: Final = TypeAdapter(BatchAnswer)
_EXAMPLE: Final = {
    "envelopes": ["eyJhbGciOiJFZDI1NTE5IiwidHlwIjoicmVsZXZvLWVudmVsb3BlK2p3dCJ9.e30.c2ln"]
}

_ANSWERED: Final = {
    "answers": [{"message_id": "01958c2e-7a10-7cc3-8f4e-2b9d6a1c0e57", "result": "duplicate"}]
}


def _inlined(schema: Any, definitions: dict[str, Any]) -> Any:
    # The body is read from its bytes, so FastAPI does not know its model and lists no component.
    if isinstance(schema, dict):
        if "$ref" in schema:
            return _inlined(definitions[schema["$ref"].rpartition("/")[2]], definitions)
        return {key: _inlined(value, definitions) for key, value in schema.items()}
    if isinstance(schema, list):
        return [_inlined(item, definitions) for item in schema]
    return schema


def _body() -> dict[str, Any]:
    schema = MessageBatch.model_json_schema()
    definitions = schema.pop("$defs", {})
    content = {"schema": _inlined(schema, definitions), "example": _EXAMPLE}
    return {"requestBody": {"required": True, "content": {"application/json": content}}}


@router.post(
    "/v1/messages",
    summary="Hand over 1 to 100 messages",
    description="Each message is answered on its own: `accepted` with a receipt, `duplicate` when the "
    "same bytes came before, or `refused` with a problem. Bad messages never keep good ones back.",
    response_model=BatchAnswer,
    openapi_extra=_body(),
    responses=answer(200, "One answer for each envelope, in order.", _ANSWERED)
    | problem_responses("not_yours", "body_too_large", "too_many_requests"),
)
async def post_messages(
    request: Request, caller: Annotated[Caller, require(Scope.MESSAGES_SEND)]
) -> Response:
    service = service_of(request)
    batch = await _batch(request)
    if batch.receipts:
        # Receipts are what gateways say; a node has none to give.
        raise ProblemError("not_yours")
    return _response(await service.acceptance.accept(Source(institution=caller.institution), batch))


@router.post(
    "/v1/relay",
    summary="Relay messages between countries",
    description="The same for peer gateways. Receipts ride along; a 200 is their acknowledgement.",
    response_model=BatchAnswer,
    openapi_extra=_body(),
    responses=answer(200, "One answer for each envelope, in order.", _ANSWERED)
    | problem_responses("not_yours", "body_too_large"),
)
async def post_relay(
    request: Request, caller: Annotated[Caller, require(Scope.FEDERATION_RELAY)]
) -> Response:
    service: Service = service_of(request)
    batch = await _batch(request)
    peer = await relay.peer_named(service.gateway, caller.institution)
    if batch.receipts:
        await relay.take_receipts(service.gateway, peer, batch.receipts)
    return _response(await service.acceptance.accept(Source(peer=peer), batch))


async def _batch(request: Request) -> MessageBatch:
    """The body, validated from its bytes in one step: up to a mebibyte comes with each."""
    raw = await request.body()
    try:
        return MessageBatch.model_validate_json(raw)
    except ValidationError as error:
        found = [{**item, "loc": ("body", *item["loc"])} for item in error.errors()]
        # Any body that there is has been read as JSON before it came here.
        raise RequestValidationError(found, body=json.loads(raw) if raw else None) from None


def _response(answer: BatchAnswer) -> Response:
    return Response(_ANSWERS.dump_json(answer, warnings=False), media_type="application/json")
