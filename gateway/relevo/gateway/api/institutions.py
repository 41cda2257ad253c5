"""The gateway's office: suspending institutions, and letting them back."""

from typing import Annotated, Final

from fastapi import APIRouter, Request
from fastapi import Path as PathParameter

from relevo.contracts.identifiers import InstitutionId
from relevo.contracts.institution import InstitutionState, ListedInstitution
from relevo.contracts.scopes import Scope
from relevo.gateway.operations import membership
from relevo.gateway.operations.directory import listed
from relevo.servicekit.access_token import Caller
from relevo.servicekit.openapi import answer, link
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
    description="At once it neither sends nor receives. What waits for it stays until it expires.",
    responses=answer(
        200,
        "Suspended.",
        {**LISTED, "state": "suspended"},
        link("post_resume", "Let it back.", institution="$response.body#/institution"),
    )
    | _PROBLEMS,
)
async def post_suspend(request: Request, _caller: Officer, institution: Named) -> ListedInstitution:
    return await _change(request, institution, "suspended")


@router.post(
    "/resume",
    summary="Let a suspended institution back",
    description="What waited for it in the meantime, and has not expired, is delivered.",
    responses=answer(200, "Active.", LISTED) | _PROBLEMS,
)
async def post_resume(request: Request, _caller: Officer, institution: Named) -> ListedInstitution:
    return await _change(request, institution, "active")


async def _change(request: Request, institution: str, state: InstitutionState) -> ListedInstitution:
    gateway = service_of(request).gateway
    row = await membership.set_state(gateway, institution, state)
    gateway.wake()
    return listed(row, gateway.name)
