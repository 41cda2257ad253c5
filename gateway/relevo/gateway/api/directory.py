"""The directory: who is on the network, with which keys."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi import Path as PathParameter

from relevo.contracts.identifiers import Country, InstitutionId
from relevo.contracts.institution import DirectoryPage, PeerGateway
from relevo.contracts.scopes import Scope
from relevo.contracts.vocabularies.codes import Mandate
from relevo.gateway.operations import listing
from relevo.servicekit.access_token import Caller
from relevo.servicekit.problems import problem_responses
from relevo.servicekit.require_scope import require

from .dependencies import is_gateway, service_of

router = APIRouter(tags=["directory"])

Reader = Annotated[Caller, require(Scope.DIRECTORY_READ)]


@router.get(
    "/v1/directory",
    summary="List institutions",
    description="By id, a page at a time. A country of a peer gateway is asked of that gateway; without a "
    "country the institutions at home here are listed.",
    responses=problem_responses("gateway_unreachable"),
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
            "content": {"application/jwt": {"schema": {"type": "string"}}},
        },
        **problem_responses("not_found", "gateway_unreachable"),
    },
)
async def get_directory_entry(
    request: Request,
    caller: Reader,
    institution: Annotated[InstitutionId, PathParameter(examples=["gt.igm"])],
) -> Response:
    service = service_of(request)
    jws = await listing.entry(
        service.gateway, service.directory, institution, from_peer=is_gateway(caller)
    )
    return Response(jws, media_type="application/jwt")


@router.get(
    "/v1/gateways",
    summary="This gateway and its peers",
    description="With their key sets, so that nodes can verify entries and receipts of peers.",
)
async def get_gateways(request: Request, _caller: Reader) -> list[PeerGateway]:
    return await listing.gateways(service_of(request).gateway)
