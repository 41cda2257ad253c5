"""Administration of clients, scope `clients:admin`. The command line calls the same operations."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field

from relevo.auth.domain.client import CLIENT_ID_PATTERN, Client, ClientRegistration, KeySet
from relevo.auth.operations import clients
from relevo.contracts.model import ContractModel
from relevo.contracts.scopes import Scope
from relevo.servicekit.access_token import Caller
from relevo.servicekit.openapi import answer, link, request_example
from relevo.servicekit.problems import problem_responses
from relevo.servicekit.require_scope import require

from .state import issuer_of

router = APIRouter(prefix="/oauth/clients", tags=["Clients"])

Administrator = Annotated[Caller, require(Scope.CLIENTS_ADMIN)]
ClientName = Annotated[
    str, Path(pattern=CLIENT_ID_PATTERN, examples=["mx.albergue-tapachula.cases"])
]

_REGISTRATION: Final[dict[str, Any]] = {
    "client_id": "mx.albergue-tapachula.cases",
    "institution": "mx.albergue-tapachula",
    "unit": None,
    "mandates": ["shelter"],
    "purpose": None,
    "scopes": ["referrals:read", "referrals:submit"],
    "audiences": ["https://node.albergue.example"],
    "jwks": {
        "keys": [
            {
                "kty": "OKP",
                "crv": "Ed25519",
                "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
                "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
            }
        ]
    },
    "dpop_bound_access_tokens": False,
}
_CLIENT: Final[dict[str, Any]] = {
    **_REGISTRATION,
    "state": "active",
    "created_at": "2026-03-02T15:04:05Z",
    "updated_at": "2026-03-02T15:04:05Z",
    "suspended_at": None,
}
_SUSPENDED: Final[dict[str, Any]] = {
    **_CLIENT,
    "state": "suspended",
    "updated_at": "2026-03-03T09:00:00Z",
    "suspended_at": "2026-03-03T09:00:00Z",
}
_NEW: Final = {**_REGISTRATION, "client_id": "mx.albergue-tapachula.reports"}
_THIS: Final = "$response.body#/client_id"
_NEXT: Final = {
    **link("get_client", "Read it again.", client_id=_THIS),
    **link("post_suspend", "Stop it.", client_id=_THIS),
    **link("post_keys", "Change its keys.", client_id=_THIS, body={"jwks": "$response.body#/jwks"}),
}
_MORE: Final = {
    **link("get_client", "The first.", client_id="$response.body#/clients/0/client_id"),
    **link("get_clients", "The next page.", after="$response.body#/next"),
}
_REFUSALS: Final = (
    "invalid_token",
    "invalid_dpop_proof",
    "insufficient_scope",
    "unavailable",
    "internal_error",
)
_ABOUT_ONE: Final = ("not_found", "invalid_input", *_REFUSALS)
_BODY: Final = ("malformed_json", "too_deep", "body_too_large", "unsupported_media_type")


class ClientPage(BaseModel):
    """Clients by name."""

    clients: list[Client]
    next: str | None = Field(description="Send it as `after` for the next page; null at the end.")


class KeyReplacement(ContractModel):
    """The whole key set from now on."""

    jwks: KeySet


@router.get(
    "",
    summary="List clients",
    description="All clients of this issuer by name, suspended ones too.",
    responses=answer(200, "A page.", {"clients": [_CLIENT], "next": _CLIENT["client_id"]}, _MORE)
    | problem_responses("invalid_input", *_REFUSALS),
)
def get_clients(
    request: Request,
    _caller: Administrator,
    after: Annotated[str, Query(max_length=128, description="`next` of the page before.")] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 100,
) -> ClientPage:
    found = clients.list_clients(issuer_of(request), after=after, limit=limit)
    return ClientPage(clients=found, next=found[-1].client_id if len(found) == limit else None)


@router.post(
    "",
    status_code=201,
    summary="Register a client",
    description="Public keys only. A client with the mandate `enforcement` gets `handovers:submit` and "
    "no other scope.",
    responses=answer(201, "Registered.", _CLIENT, _NEXT)
    | problem_responses(
        "client_exists", "enforcement_only_hands_over", "invalid_input", *_BODY, *_REFUSALS
    ),
    openapi_extra=request_example(_NEW),
)
def post_client(
    request: Request, response: Response, caller: Administrator, registration: ClientRegistration
) -> Client:
    client = clients.add_client(issuer_of(request), registration, by=caller.client_id)
    response.headers["location"] = f"/oauth/clients/{client.client_id}"
    return client


@router.get(
    "/{client_id}",
    summary="Read a client",
    description="What it may ask for, its public keys and its state.",
    responses=answer(200, "The client.", _CLIENT, _NEXT) | problem_responses(*_ABOUT_ONE),
)
def get_client(request: Request, _caller: Administrator, client_id: ClientName) -> Client:
    return clients.get_client(issuer_of(request), client_id)


@router.post(
    "/{client_id}/suspend",
    summary="Suspend a client",
    description="It gets no token from now on, and those it has are refused everywhere within a minute. "
    "Suspending a suspended client changes nothing.",
    responses=answer(
        200, "Suspended.", _SUSPENDED, link("post_resume", "Let it work again.", client_id=_THIS)
    )
    | problem_responses(*_ABOUT_ONE),
)
def post_suspend(request: Request, caller: Administrator, client_id: ClientName) -> Client:
    return clients.suspend_client(issuer_of(request), client_id, by=caller.client_id)


@router.post(
    "/{client_id}/resume",
    summary="Let a suspended client work again",
    description="Its new tokens are accepted everywhere within a minute. Those from before the suspension "
    "stay dead.",
    responses=answer(200, "Active.", _CLIENT) | problem_responses(*_ABOUT_ONE),
)
def post_resume(request: Request, caller: Administrator, client_id: ClientName) -> Client:
    return clients.resume_client(issuer_of(request), client_id, by=caller.client_id)


@router.post(
    "/{client_id}/keys",
    summary="Replace a client's keys",
    description="The whole set: list the old key beside the new one while both are in use.",
    responses=answer(200, "Replaced.", _CLIENT) | problem_responses(*_BODY, *_ABOUT_ONE),
    openapi_extra=request_example({"jwks": _REGISTRATION["jwks"]}),
)
def post_keys(
    request: Request, caller: Administrator, client_id: ClientName, replacement: KeyReplacement
) -> Client:
    return clients.replace_client_keys(
        issuer_of(request), client_id, replacement.jwks, by=caller.client_id
    )
