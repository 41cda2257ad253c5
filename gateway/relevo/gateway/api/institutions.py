"""The gateway's office: suspending institutions, letting them back, appointing who watches routes."""

from typing import Annotated, Final

from fastapi import APIRouter, Request
from fastapi import Path as PathParameter

from relevo.contracts.country_tables import Watches
from relevo.contracts.identifiers import InstitutionId
from relevo.contracts.institution import InstitutionState, ListedInstitution
from relevo.contracts.scopes import Scope
from relevo.gateway.operations import appointments, membership
from relevo.servicekit.access_token import Caller
from relevo.servicekit.openapi import answer, link, request_example
from relevo.servicekit.problems import problem_responses
from relevo.servicekit.require_scope import require

from .dependencies import service_of
from .examples import LISTED

router = APIRouter(prefix="/v1/institutions/{institution}", tags=["institutions"])

Officer = Annotated[Caller, require(Scope.POLICIES_ADMIN)]
Named = Annotated[InstitutionId, PathParameter(examples=[LISTED["institution"]])]
_PROBLEMS: Final = problem_responses("not_found", "illegal_transition")


@router.post(
    "/suspend",
    summary="Suspend an institution",
    description="At once it neither sends nor receives, and its node gets no tokens of the issuer beside this gateway; "
    "`relevo gateway suspend` does the same. What waits for it stays until it expires.",
    responses=answer(
        200,
        "Suspended.",
        {**LISTED, "state": "suspended"},
        link("post_resume", "Let it back.", institution="$response.body#/institution"),
    )
    | _PROBLEMS,
)
async def post_suspend(request: Request, caller: Officer, institution: Named) -> ListedInstitution:
    return await _change(request, caller, institution, "suspended")


@router.post(
    "/resume",
    summary="Let a suspended institution back",
    description="What waited for it in the meantime, and has not expired, is delivered. Its node's new tokens count "
    "within a minute.",
    responses=answer(200, "Active.", LISTED) | _PROBLEMS,
)
async def post_resume(request: Request, caller: Officer, institution: Named) -> ListedInstitution:
    return await _change(request, caller, institution, "active")


async def _change(
    request: Request, caller: Caller, institution: str, state: InstitutionState
) -> ListedInstitution:
    gateway = service_of(request).gateway
    row = await membership.set_state(gateway, institution, state, by=caller.client_id)
    gateway.wake()
    return await appointments.shown(gateway, row)


@router.put(
    "/watches",
    summary="Appoint who watches routes",
    description="For the *mesa* of these routes the institution then reads `/v1/coordination/{pathway}`: figures, "
    "never a file. The whole list; what is left out ends. Kept is who approved it, and through which client; "
    "the institution itself cannot say it.",
    openapi_extra=request_example(
        {"pathways": LISTED["watches"], "approved_by": "Ana Lucía Xol, jefa de la pasarela"}
    ),
    responses=answer(200, "As it is listed now.", LISTED)
    | problem_responses("not_found", "invalid_input"),
)
async def put_watches(
    request: Request, caller: Officer, institution: Named, body: Watches
) -> ListedInstitution:
    gateway = service_of(request).gateway
    return await appointments.set_watches(gateway, institution, body, client=caller.client_id)
