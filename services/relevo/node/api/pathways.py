"""`/v1/pathways`: the routes that this node knows, sealed ones too, for the institution's own systems."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Path, Response

from relevo.contracts.identifiers import PathwayId
from relevo.contracts.model import ContractModel
from relevo.contracts.pathways.loader import built_in, pathways
from relevo.contracts.pathways.published import (
    PathwayIndex,
    PublishedPathway,
    published,
    published_index,
)
from relevo.contracts.problem import ProblemError
from relevo.node.operations.visibility import party_of
from relevo.servicekit.access_token import Caller
from relevo.servicekit.etag import is_held, tag_of
from relevo.servicekit.openapi import answer, link
from relevo.servicekit.problems import problem_responses
from relevo.servicekit.require_scope import require

from .dependencies import NodeHere

router = APIRouter(prefix="/v1/pathways", tags=["pathways"])

IfNoneMatch = Annotated[
    str | None, Header(description="`ETag` of the answer that is held already.", max_length=2000)
]
_EXAMPLE: Final = built_in()["gt-retorno-al-hogar"]
_UNCHANGED: Final[dict[int | str, dict[str, Any]]] = {
    304: {"description": "What is held already is the newest."}
}


@router.get(
    "",
    summary="List the pathways",
    description="Every route that this node knows, by id; those of `pathway_directory` too. Any token of "
    "the institution will do. Gateways see `gateways_see` in place of a sealed route's id.",
    response_model=PathwayIndex,
    responses=answer(
        200,
        "All of them.",
        published_index({_EXAMPLE.id: _EXAMPLE}).model_dump(mode="json"),
        link("get_pathway", "The first one.", pathway_id="$response.body#/pathways/0/id"),
    )
    | _UNCHANGED
    | problem_responses("not_yours"),
)
async def list_pathways(
    node: NodeHere,
    caller: Annotated[Caller, require()],
    if_none_match: IfNoneMatch = None,
) -> Response:
    party_of(node, caller)
    return _answered(published_index(dict(pathways())), if_none_match)


@router.get(
    "/{pathway_id}",
    summary="Read a pathway",
    description="What its file says, and the labels of its codes in English and Spanish. A submission on it "
    "is held to every part.",
    response_model=PublishedPathway,
    responses=answer(
        200, "The pathway.", published(_EXAMPLE).model_dump(mode="json", exclude_none=True)
    )
    | _UNCHANGED
    | problem_responses("not_yours", "not_found"),
)
async def get_pathway(
    node: NodeHere,
    pathway_id: Annotated[PathwayId, Path(examples=[_EXAMPLE.id])],
    caller: Annotated[Caller, require()],
    if_none_match: IfNoneMatch = None,
) -> Response:
    party_of(node, caller)
    route = pathways().get(pathway_id)
    if route is None:
        raise ProblemError("not_found")
    return _answered(published(route), if_none_match)


def _answered(shown: ContractModel, if_none_match: str | None) -> Response:
    body = shown.model_dump_json(exclude_none=True).encode()
    headers = {"etag": tag_of(body), "cache-control": "private, no-cache"}
    if is_held(headers["etag"], if_none_match):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)
