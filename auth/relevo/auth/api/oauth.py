"""`POST /oauth/token` (RFC 6749 §3.2) and `POST /oauth/revoke` (RFC 7009)."""

import json
from typing import Any, Final, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from relevo.auth.domain.access_token import TOKEN_LIFETIME_SECONDS
from relevo.auth.domain.oauth_form import read_form
from relevo.auth.domain.private_key_jwt import ASSERTION_TYPE
from relevo.auth.operations.issue_tokens import TokenRequest
from relevo.auth.operations.revocations import revoke_token
from relevo.servicekit.problems import problem_responses

from .oauth_errors import NO_STORE, oauth_error_responses
from .state import auth_state, issuer_of

router = APIRouter(prefix="/oauth", tags=["OAuth"])

FORM: Final = "application/x-www-form-urlencoded"
_ASSERTION: Final[dict[str, Any]] = {
    "client_assertion_type": {"type": "string", "enum": [ASSERTION_TYPE]},
    "client_assertion": {
        "type": "string",
        "minLength": 1,
        "description": "A JWT signed with a registered key of the client (RFC 7523): iss and sub are "
        "the client_id, aud the issuer or this endpoint, exp at most 300 s ahead, jti used once.",
    },
    "client_id": {"type": "string", "description": "Optional; must be the assertion's."},
}
_EXAMPLE_ASSERTION: Final = {
    "client_assertion_type": ASSERTION_TYPE,
    "client_assertion": "eyJhbGciOiJFZDI1NTE5In0.eyJpc3MiOiJteC5hbGJlcmd1ZSJ9.c2lnbmF0dXJl",
}
_PROOF: Final[dict[str, Any]] = {
    "name": "DPoP",
    "in": "header",
    "required": False,
    "description": "A proof (RFC 9449 §4) for this endpoint.",
    "schema": {"type": "string"},
}
_FAULTS: Final = ("body_too_large", "unsupported_media_type", "unavailable", "internal_error")


def _form(
    properties: dict[str, Any], required: list[str], example: dict[str, str]
) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": {**properties, **_ASSERTION},
        "required": [*required, "client_assertion_type", "client_assertion"],
    }
    content = {FORM: {"schema": schema, "example": {**example, **_EXAMPLE_ASSERTION}}}
    return {"requestBody": {"required": True, "content": content}}


class TokenAnswer(BaseModel):
    """RFC 6749 §5.1."""

    access_token: str = Field(description="A JWT (RFC 9068), alg Ed25519.")
    token_type: Literal["Bearer", "DPoP"]
    expires_in: int = Field(description="Seconds.", examples=[TOKEN_LIFETIME_SECONDS])
    scope: str


@router.post(
    "/token",
    summary="Get an access token",
    description="Client credentials, authenticated by `private_key_jwt`. The token is for one service, "
    "named by `resource`, and lives five minutes. With a `DPoP` header it is bound to that key.",
    response_class=Response,
    responses={
        200: {
            "description": "A token.",
            "model": TokenAnswer,
            "content": {
                "application/json": {
                    "example": {
                        "access_token": "eyJhbGciOiJFZDI1NTE5IiwidHlwIjoiYXQrand0In0.e30.c2ln",
                        "token_type": "Bearer",
                        "expires_in": TOKEN_LIFETIME_SECONDS,
                        "scope": "referrals:submit",
                    }
                }
            },
        },
        **oauth_error_responses(
            invalid_request="grant_type is missing.",
            invalid_client="This client is suspended.",
            unsupported_grant_type="Only grant_type=client_credentials is offered.",
            invalid_scope="A requested scope is not granted to this client.",
            invalid_target="This client may not ask for that resource.",
            invalid_dpop_proof="This client gets tokens only with a DPoP proof.",
        ),
        **problem_responses(*_FAULTS),
    },
    openapi_extra=_form(
        {
            "grant_type": {"type": "string", "enum": ["client_credentials"]},
            "scope": {
                "type": "string",
                "description": "Scopes separated by spaces; by default all of the client's.",
            },
            "resource": {
                "type": "string",
                "format": "uri",
                "description": "Base URL of the service the token is for (RFC 8707); may be left out "
                "by a client with one audience.",
            },
        },
        ["grant_type"],
        {
            "grant_type": "client_credentials",
            "scope": "referrals:submit",
            "resource": "https://node.albergue.example",
        },
    )
    | {"parameters": [_PROOF]},
)
async def post_token(request: Request) -> Response:
    form = read_form(await request.body())
    # All header fields of the name, since a second one must be refused.
    proofs = tuple(request.headers.getlist("dpop"))
    answer = await auth_state(request).desk.issue(TokenRequest(form, proofs))
    return Response(json.dumps(answer), headers=NO_STORE, media_type="application/json")


@router.post(
    "/revoke",
    summary="Revoke an access token",
    description="The client's own token. Resource servers refuse it within a minute. A token that is "
    "unknown or has expired is answered 200 as well (RFC 7009 §2.2).",
    response_class=Response,
    responses={
        200: {"description": "Revoked, or nothing to revoke."},
        **oauth_error_responses(
            invalid_request="A required parameter is missing.",
            invalid_client="This client is suspended.",
            invalid_grant="The token was issued to another client.",
            unsupported_token_type="Only access tokens exist here.",  # noqa: S106 - an error code
        ),
        **problem_responses(*_FAULTS),
    },
    openapi_extra=_form(
        {
            "token": {"type": "string", "minLength": 1},
            "token_type_hint": {"type": "string", "enum": ["access_token"]},
        },
        ["token"],
        {"token": "eyJhbGciOiJFZDI1NTE5IiwidHlwIjoiYXQrand0In0.e30.c2ln"},
    ),
)
async def post_revoke(request: Request) -> Response:
    await revoke_token(issuer_of(request), read_form(await request.body()))
    return Response(headers=NO_STORE)
