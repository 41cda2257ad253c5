"""`/v1/services`: the service directory of the network, as the home gateway holds it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from relevo.contracts.identifiers import InstitutionId
from relevo.contracts.scopes import Scope
from relevo.contracts.service import (
    CapacityStatement,
    Confirmation,
    Question,
    RevalidationList,
    ServiceEntry,
    ServicePage,
    ServiceView,
    ServiceViews,
)
from relevo.node.operations import services
from relevo.servicekit import service_examples as shown
from relevo.servicekit import service_queries as queries
from relevo.servicekit.access_token import Caller
from relevo.servicekit.openapi import answer, link, request_example
from relevo.servicekit.problems import problem_responses
from relevo.servicekit.require_scope import require

from .dependencies import NodeHere

router = APIRouter(prefix="/v1/services", tags=["services"])

Owner = Annotated[InstitutionId, Path(examples=["mx.casa-del-migrante"])]
Reader = Annotated[Caller, require(Scope.DIRECTORY_READ)]
Writer = Annotated[Caller, require(Scope.DIRECTORY_WRITE)]


@router.get(
    "",
    summary="Find services for a need",
    description=queries.FIND,
    responses=answer(
        200,
        "A page.",
        shown.PAGE,
        link(
            "get_service",
            "The first one's document.",
            institution="$response.body#/services/0/institution",
            service="$response.body#/services/0/service",
        ),
    )
    | problem_responses("not_yours", "gateway_unreachable"),
)
async def find_services(
    node: NodeHere,
    caller: Reader,
    question: Annotated[Question, Depends(queries.question)],
    cursor: queries.Cursor = None,
    limit: queries.Limit = 50,
) -> ServicePage:
    return await services.find(node, caller, question, cursor=cursor, limit=limit)


@router.get(
    "/revalidation",
    summary="What must be confirmed",
    description=queries.REVALIDATE,
    responses=answer(200, "The caller's own entries, the oldest first.", shown.REVALIDATION)
    | problem_responses("not_yours", "gateway_unreachable"),
)
async def list_revalidation(node: NodeHere, caller: Writer) -> RevalidationList:
    return await services.to_confirm(node, caller)


@router.get(
    "/{institution}",
    summary="List an institution's services",
    description=queries.LIST,
    response_model_exclude_unset=True,
    responses=answer(200, "A page, by id.", {"services": [shown.VIEW]})
    | problem_responses("not_found", "not_yours", "gateway_unreachable"),
)
async def list_services(
    node: NodeHere,
    institution: Owner,
    caller: Reader,
    cursor: queries.Cursor = None,
    limit: queries.Limit = 50,
) -> ServiceViews:
    return await services.of_institution(node, caller, institution, cursor=cursor, limit=limit)


@router.get(
    "/{institution}/{service}",
    summary="Read one service",
    description="The document as the institution sent it, and what holds of it now.",
    response_model_exclude_unset=True,
    responses=answer(200, "The entry.", shown.VIEW)
    | problem_responses("not_found", "not_yours", "gateway_unreachable"),
)
async def get_service(
    node: NodeHere, institution: Owner, service: queries.Named, caller: Reader
) -> ServiceView:
    return await services.show(node, caller, institution, service)


@router.put(
    "/{institution}/{service}",
    summary="Put a service",
    description=queries.PUT,
    response_model_exclude_unset=True,
    openapi_extra=request_example(shown.ENTRY),
    responses=answer(200, "New or changed.", shown.VIEW)
    | problem_responses(
        "not_found",
        "not_yours",
        "gateway_unreachable",
        "service_unlisted",
        "address_never_leaves",
        "too_many_services",
    ),
)
async def put_service(
    node: NodeHere,
    institution: Owner,
    service: queries.Named,
    body: ServiceEntry,
    caller: Writer,
) -> ServiceView:
    return await services.put(node, caller, institution, service, body)


@router.delete(
    "/{institution}/{service}",
    status_code=204,
    summary="Take a service out",
    description="It is given no longer, or was never meant to be here.",
    responses=problem_responses("not_found", "not_yours", "gateway_unreachable"),
)
async def delete_service(
    node: NodeHere, institution: Owner, service: queries.Named, caller: Writer
) -> None:
    await services.remove(node, caller, institution, service)


@router.put(
    "/{institution}/{service}/capacity",
    summary="Say what places there are",
    description=queries.CAPACITY,
    response_model_exclude_unset=True,
    openapi_extra=request_example(shown.CAPACITY),
    responses=answer(200, "The entry.", shown.VIEW)
    | problem_responses("not_found", "not_yours", "gateway_unreachable"),
)
async def put_capacity(
    node: NodeHere,
    institution: Owner,
    service: queries.Named,
    body: CapacityStatement,
    caller: Writer,
) -> ServiceView:
    return await services.change(
        node, caller, "PUT", institution, service, "capacity", body.model_dump(mode="json")
    )


@router.post(
    "/{institution}/{service}/confirm",
    summary="Confirm a service",
    description=queries.CONFIRM,
    response_model_exclude_unset=True,
    openapi_extra=request_example(shown.CONFIRMATION),
    responses=answer(200, "The entry.", shown.VIEW)
    | problem_responses("not_found", "not_yours", "gateway_unreachable"),
)
async def confirm_service(
    node: NodeHere,
    institution: Owner,
    service: queries.Named,
    body: Confirmation,
    caller: Writer,
) -> ServiceView:
    return await services.change(
        node, caller, "POST", institution, service, "confirm", body.model_dump()
    )
