"""`/v1/services`: what institutions do for people, and who can take somebody now."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

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
from relevo.gateway.operations import services
from relevo.servicekit import service_examples as shown
from relevo.servicekit import service_queries as queries
from relevo.servicekit.access_token import Caller
from relevo.servicekit.openapi import answer, link, request_example
from relevo.servicekit.problems import problem_responses
from relevo.servicekit.require_scope import require

from .dependencies import is_gateway, service_of

router = APIRouter(prefix="/v1/services", tags=["services"])

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
    | problem_responses("gateway_unreachable"),
)
async def find_services(
    request: Request,
    caller: Reader,
    question: Annotated[Question, Depends(queries.question)],
    cursor: queries.Cursor = None,
    limit: queries.Limit = 50,
) -> ServicePage:
    finder = service_of(request).service_finder
    return await finder.find(question, cursor=cursor, limit=limit, from_peer=is_gateway(caller))


@router.get(
    "/revalidation",
    summary="What must be confirmed",
    description=queries.REVALIDATE,
    responses=answer(200, "The caller's own entries, the oldest first.", shown.REVALIDATION),
)
async def list_revalidation(request: Request, caller: Writer) -> RevalidationList:
    return await services.to_confirm(service_of(request).gateway, caller.institution)


@router.get(
    "/{institution}",
    summary="List an institution's services",
    description=queries.LIST,
    response_model_exclude_unset=True,
    responses=answer(200, "A page, by id.", {"services": [shown.VIEW]})
    | problem_responses("not_found"),
)
async def list_services(
    request: Request,
    institution: queries.Owner,
    _caller: Reader,
    cursor: queries.Cursor = None,
    limit: queries.Limit = 50,
) -> ServiceViews:
    gateway = service_of(request).gateway
    return await services.of_institution(gateway, institution, after=cursor or "", limit=limit)


@router.get(
    "/{institution}/{service}",
    summary="Read one service",
    description="The document as the institution sent it, and what holds of it now.",
    response_model_exclude_unset=True,
    responses=answer(200, "The entry.", shown.VIEW)
    | problem_responses("not_found", "gateway_unreachable"),
)
async def get_service(
    request: Request, institution: queries.Owner, service: queries.Named, caller: Reader
) -> ServiceView:
    gateway = service_of(request).gateway
    return await services.show(gateway, institution, service, from_peer=is_gateway(caller))


@router.put(
    "/{institution}/{service}",
    summary="Put a service",
    description=queries.PUT,
    response_model_exclude_unset=True,
    openapi_extra=request_example(shown.ENTRY),
    responses=answer(200, "Changed.", shown.VIEW)
    | {201: {"model": ServiceView, **answer(201, "New.", shown.VIEW)[201]}}
    | problem_responses(
        "not_found", "service_unlisted", "address_never_leaves", "too_many_services"
    ),
)
async def put_service(
    request: Request,
    response: Response,
    institution: queries.Owner,
    service: queries.Named,
    body: ServiceEntry,
    caller: Writer,
) -> ServiceView:
    gateway = service_of(request).gateway
    view, new = await services.put(gateway, caller.institution, institution, service, body)
    response.status_code = 201 if new else 200
    return view


@router.delete(
    "/{institution}/{service}",
    status_code=204,
    summary="Take a service out",
    description="It is given no longer, or was never meant to be here.",
    responses=problem_responses("not_found"),
)
async def delete_service(
    request: Request, institution: queries.Owner, service: queries.Named, caller: Writer
) -> None:
    await services.remove(service_of(request).gateway, caller.institution, institution, service)


@router.put(
    "/{institution}/{service}/capacity",
    summary="Say what places there are",
    description=queries.CAPACITY,
    response_model_exclude_unset=True,
    openapi_extra=request_example(shown.CAPACITY),
    responses=answer(200, "The entry.", shown.VIEW) | problem_responses("not_found"),
)
async def put_capacity(
    request: Request,
    institution: queries.Owner,
    service: queries.Named,
    body: CapacityStatement,
    caller: Writer,
) -> ServiceView:
    gateway = service_of(request).gateway
    return await services.say_capacity(gateway, caller.institution, institution, service, body)


@router.post(
    "/{institution}/{service}/confirm",
    summary="Confirm a service",
    description=queries.CONFIRM,
    response_model_exclude_unset=True,
    openapi_extra=request_example(shown.CONFIRMATION),
    responses=answer(200, "The entry.", shown.VIEW) | problem_responses("not_found"),
)
async def confirm_service(
    request: Request,
    institution: queries.Owner,
    service: queries.Named,
    body: Confirmation,
    caller: Writer,
) -> ServiceView:
    gateway = service_of(request).gateway
    return await services.confirm(
        gateway, caller.institution, institution, service, body.confirmed_by
    )
