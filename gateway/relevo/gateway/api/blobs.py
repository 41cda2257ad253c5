"""`/v1/blobs`: sealed files, named by the SHA-256 of their bytes, beside the messages that name them."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Request, Response

from relevo.contracts.attachment import BLOB_TYPE, MAX_BLOB_BYTES, Sha256
from relevo.contracts.scopes import Scope
from relevo.gateway.operations import blobs, relay
from relevo.servicekit.access_token import Caller
from relevo.servicekit.problems import problem_responses
from relevo.servicekit.require_scope import require

from .dependencies import service_of

router = APIRouter(tags=["blobs"])

BODY_LIMITS: Final = {"/v1/blobs/": MAX_BLOB_BYTES, "/v1/relay/blobs/": MAX_BLOB_BYTES}
MEDIA_TYPES: Final = dict.fromkeys(BODY_LIMITS, (BLOB_TYPE,))

Digest = Annotated[
    Sha256,
    Path(
        description="SHA-256 of the sealed bytes.",
        examples=["f89aee8c355eafe22635571f9e10feadb35676eb849a174fc54f7c569d211e67"],
    ),
]
_BYTES: Final[dict[str, Any]] = {BLOB_TYPE: {"schema": {"type": "string", "format": "binary"}}}
_FOUND: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The sealed bytes.", "content": _BYTES}
}
_SEALED: Final = {
    BLOB_TYPE: {**_BYTES[BLOB_TYPE], "example": "sealed by its sender for its receiver"}
}
_BODY: Final = {"requestBody": {"required": True, "content": _SEALED}}


@router.put(
    "/v1/blobs/{digest}",
    status_code=204,
    summary="Bring a sealed file",
    description="After the message that names it was accepted; what no message of the caller names is not "
    "found. At most half a mebibyte and its seal: a larger file has several blobs. Bringing it again "
    "changes nothing.",
    openapi_extra=_BODY,
    responses=problem_responses("not_found", "blob_digest_mismatch", "body_too_large"),
)
async def put_blob(
    request: Request, digest: Digest, caller: Annotated[Caller, require(Scope.MESSAGES_SEND)]
) -> None:
    gateway = service_of(request).gateway
    await blobs.take(gateway, caller.institution, digest, await request.body())


@router.put(
    "/v1/relay/blobs/{digest}",
    status_code=204,
    summary="Bring a sealed file from another country",
    description="The same for peer gateways, after they relayed the message.",
    openapi_extra=_BODY,
    responses=problem_responses("not_found", "not_yours", "blob_digest_mismatch", "body_too_large"),
)
async def put_relayed_blob(
    request: Request, digest: Digest, caller: Annotated[Caller, require(Scope.FEDERATION_RELAY)]
) -> None:
    gateway = service_of(request).gateway
    peer = await relay.peer_named(gateway, caller.institution)
    await blobs.take(gateway, peer.gateway, digest, await request.body())


@router.get(
    "/v1/blobs/{digest}",
    summary="Fetch a sealed file",
    description="For the institution whose message names it, and nobody else: everybody else gets the same "
    "404 as for one that never was.",
    response_class=Response,
    responses=_FOUND | problem_responses("not_found", "blob_not_here_yet"),
)
async def get_blob(
    request: Request, digest: Digest, caller: Annotated[Caller, require(Scope.MESSAGES_RECEIVE)]
) -> Response:
    sealed = await blobs.give(service_of(request).gateway, caller.institution, digest)
    return Response(sealed, media_type=BLOB_TYPE, headers={"cache-control": "no-store"})


@router.delete(
    "/v1/blobs/{digest}",
    status_code=204,
    summary="Say that a sealed file was stored",
    description="Its receiver has it; the gateway drops it. Saying it again changes nothing.",
    responses=problem_responses("not_found"),
)
async def delete_blob(
    request: Request, digest: Digest, caller: Annotated[Caller, require(Scope.MESSAGES_RECEIVE)]
) -> None:
    await blobs.release(service_of(request).gateway, caller.institution, digest)
