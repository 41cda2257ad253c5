"""The directory: who is on the network, with which keys."""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response
from fastapi import Path as PathParameter

from relevo.contracts.attestation import SignedRevocationList
from relevo.contracts.identifiers import Country, InstitutionId
from relevo.contracts.institution import DirectoryPage, PeerGateway
from relevo.contracts.scopes import Scope
from relevo.contracts.vocabularies.codes import Mandate
from relevo.gateway.operations import listing, revocation_lists
from relevo.servicekit.access_token import Caller
from relevo.servicekit.openapi import answer, link, request_example
from relevo.servicekit.problems import problem_responses
from relevo.servicekit.require_scope import require

from .dependencies import is_gateway, service_of
from .examples import LISTED

router = APIRouter(tags=["directory"])

Reader = Annotated[Caller, require(Scope.DIRECTORY_READ)]
Named = Annotated[InstitutionId, PathParameter(examples=["gt.igm"])]
_LIST: Final = {"status_list": "eyJhbGciOiJFZDI1NTE5IiwidHlwIjoic3RhdHVzbGlzdCtqd3QifQ.e30.c2ln"}
_ENTRY: Final = "eyJhbGciOiJFZDI1NTE5IiwidHlwIjoicmVsZXZvLWRpcmVjdG9yeS1lbnRyeStqd3QifQ.e30.c2ln"
_GATEWAY: Final = {
    "gateway": "gateway.gt",
    "url": "https://gateway.gt.example",
    "countries": ["GT"],
    "agreement": "Convenio 2026-01",
    "client_key": {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
        "use": "sig",
    },
    "key_set": "eyJhbGciOiJFZDI1NTE5IiwidHlwIjoicmVsZXZvLWtleS1zZXQrand0In0.e30.c2ln",
}


@router.get(
    "/v1/directory",
    summary="List institutions",
    description="By id, a page at a time. A country of a peer gateway is asked of that gateway; without a "
    "country the institutions at home here are listed.",
    responses=answer(
        200,
        "A page.",
        {"institutions": [LISTED]},
        link(
            "get_directory_entry",
            "The first one's keys.",
            institution="$response.body#/institutions/0/institution",
        ),
    )
    | problem_responses("gateway_unreachable"),
)
async def get_directory(
    request: Request,
    caller: Reader,
    country: Annotated[Country | None, Query(examples=["GT"])] = None,
    mandate: Annotated[Mandate | None, Query(examples=["child_protection"])] = None,
    cursor: Annotated[InstitutionId | None, Query(description="`next_cursor` of a page.")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 100,
) -> DirectoryPage:
    return await listing.page(
        service_of(request).gateway,
        country=country,
        mandate=mandate,
        cursor=cursor,
        limit=limit,
        from_peer=is_gateway(caller),
    )


@router.get(
    "/v1/directory/{institution}/entry",
    summary="One institution's signed entry",
    description="A compact JWS `relevo-directory-entry+jwt` by the institution's home gateway, around the "
    "key set that the institution's own identity key signed.",
    response_class=Response,
    responses={
        200: {
            "description": "The entry.",
            "content": {"application/jwt": {"schema": {"type": "string"}, "example": _ENTRY}},
        },
        **problem_responses("not_found", "gateway_unreachable"),
    },
)
async def get_directory_entry(
    request: Request,
    caller: Reader,
    institution: Named,
) -> Response:
    service = service_of(request)
    jws = await listing.entry(
        service.gateway, service.directory, institution, from_peer=is_gateway(caller)
    )
    return Response(jws, media_type="application/jwt")


@router.get(
    "/v1/directory/{institution}/revocation-list",
    summary="Revoked attestations of an institution",
    description="The newest list of numbers that it signed and brought here. Of a peer's institution the peer is "
    "asked. Whoever never attested anything has none.",
    responses=answer(200, "As the institution signed it.", _LIST)
    | problem_responses("not_found", "gateway_unreachable"),
)
async def get_revocation_list(
    request: Request, caller: Reader, institution: Named
) -> SignedRevocationList:
    gateway = service_of(request).gateway
    return await revocation_lists.get(gateway, institution, from_peer=is_gateway(caller))


@router.put(
    "/v1/directory/{institution}/revocation-list",
    status_code=204,
    summary="Bring one's own list of revoked attestations",
    description="Signed with a key of one's directory entry. An older one than is here changes nothing.",
    responses=problem_responses("not_found", "invalid_input"),
    openapi_extra=request_example(_LIST),
)
async def put_revocation_list(
    request: Request,
    caller: Annotated[Caller, require(Scope.DIRECTORY_WRITE)],
    institution: Named,
    body: SignedRevocationList,
) -> None:
    service = service_of(request)
    await revocation_lists.put(
        service.gateway, service.directory, caller.institution, institution, body
    )


@router.get(
    "/v1/gateways",
    summary="This gateway and its peers",
    description="With their key sets, so that nodes can verify entries and receipts of peers.",
    responses=answer(200, "This one and those it has an agreement with.", [_GATEWAY]),
)
async def get_gateways(request: Request, _caller: Reader) -> list[PeerGateway]:
    return await listing.gateways(service_of(request).gateway)
