"""What everybody may read: metadata (RFC 8414), keys (RFC 7517), and what is revoked."""

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.responses import Response

from relevo.auth.domain.client import PublicKey
from relevo.auth.domain.metadata import IssuerMetadata, issuer_metadata
from relevo.auth.operations.revocations import read_revocations
from relevo.auth.operations.signing_keys import read_jwks
from relevo.servicekit.problems import problem_responses

from .state import issuer_of

router = APIRouter(tags=["Published"])

_ALWAYS_ASK: Final = {"cache-control": "no-cache"}
_KEY: Final = {
    "kty": "OKP",
    "crv": "Ed25519",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
}


class PublishedKeys(BaseModel):
    """A JSON Web Key Set."""

    keys: list[PublicKey]


@router.get(
    "/.well-known/oauth-authorization-server",
    summary="Read the issuer's metadata",
    description="RFC 8414: where the endpoints are and what they understand.",
    response_class=JSONResponse,
    responses={
        200: {
            "description": "Metadata.",
            "model": IssuerMetadata,
            "content": {
                "application/json": {
                    "example": issuer_metadata("https://node.albergue.example").model_dump()
                }
            },
        },
        **problem_responses("internal_error"),
    },
)
async def get_metadata(request: Request) -> Response:
    metadata = issuer_metadata(issuer_of(request).issuer)
    return JSONResponse(metadata.model_dump(), headers={"cache-control": "max-age=3600"})


@router.get(
    "/oauth/jwks",
    summary="Read the keys that sign tokens",
    description="The newest first. A new key stands here before it signs, an old one until its last "
    "token has expired.",
    response_class=JSONResponse,
    responses={
        200: {
            "description": "A JSON Web Key Set.",
            "model": PublishedKeys,
            "content": {"application/json": {"example": {"keys": [_KEY]}}},
        },
        **problem_responses("unavailable", "internal_error"),
    },
)
async def get_jwks(request: Request) -> Response:
    return JSONResponse(await read_jwks(issuer_of(request)), headers=_ALWAYS_ASK)


@router.get(
    "/oauth/revocations",
    summary="Read what resource servers must refuse",
    description="A signed JWT (typ `relevo-revocations+jwt`) with `iss`, `iat`, `exp`, `revoked_jtis`, "
    "`suspended_clients`, and `resumed_clients` with the second of their last suspension: tokens as old as "
    "that stay refused. A resource server reads it at most every 15 s, and refuses every token "
    "when its copy is older than 60 s.",
    response_class=Response,
    responses={
        200: {
            "description": "A compact JWS.",
            "content": {
                "application/jwt": {
                    "schema": {"type": "string"},
                    "example": "eyJ0eXAiOiJyZWxldm8tcmV2b2NhdGlvbnMrand0In0.e30.c2lnbmF0dXJl",
                }
            },
        },
        **problem_responses("unavailable", "internal_error"),
    },
)
async def get_revocations(request: Request) -> Response:
    statement = await read_revocations(issuer_of(request))
    return Response(statement, headers={"cache-control": "no-store"}, media_type="application/jwt")
