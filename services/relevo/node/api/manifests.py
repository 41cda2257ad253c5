"""`/v1/manifests`: lists of people who return, as CSV, JSON lines or a workbook, each row answered on its own."""

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Path, Query, Request, Response

from relevo.contracts.identifiers import Country, Uuid, country_of
from relevo.contracts.model import ContractModel, Moment, ShortText, Whole
from relevo.contracts.returnee import (
    Manifest,
    ManifestReference,
    ManifestTerms,
    RowAnswer,
    RowResult,
)
from relevo.contracts.scopes import Scope
from relevo.contracts.vocabularies.codes import ReturnMode, ReturnType
from relevo.node.domain.manifest_file import FORMS, MAX_BYTES, XLSX
from relevo.node.operations import read_manifest
from relevo.node.operations.post_manifest import post_manifest as take_manifest
from relevo.servicekit.access_token import Caller
from relevo.servicekit.openapi import answer, link
from relevo.servicekit.problems import problem_responses
from relevo.servicekit.require_scope import require

from . import returnee_examples as examples
from .dependencies import LanguageAsked, NodeHere

router = APIRouter(prefix="/v1/manifests", tags=["returnees"])

ManifestId = Annotated[Uuid, Path(description="The list's id.", examples=[examples.MANIFEST_ID])]
_THIS: Final = "$response.body#/id"
_NEXT: Final = {
    **link("get_manifest", "How far it is.", manifest_id=_THIS),
    **link("list_manifest_rows", "What became of each row.", manifest_id=_THIS),
    **link("list_returnees", "The records that it made.", manifest_id=_THIS),
}
_WAITING: Final = answer(202, "Stored; it is being read.", examples.MANIFEST_WAITING, _NEXT)
_BODY: Final = {
    "requestBody": {
        "required": True,
        "description": "Headings in Spanish or English, see docs/guides. Forbidden columns (criminal record, "
        "A-number) are dropped before anything is stored, and `columns` says so.",
        "content": {
            "text/csv": {"schema": {"type": "string"}, "example": examples.CSV},
            "application/x-ndjson": {"schema": {"type": "string"}, "example": examples.NDJSON},
            XLSX: {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


class ManifestPage(ContractModel):
    """Newest first."""

    manifests: list[Manifest]
    next_cursor: str | None = None


class RowPage(ContractModel):
    """Answers in the order of the list."""

    rows: list[RowAnswer]
    next_cursor: Whole | None = None


@router.post(
    "",
    status_code=200,
    summary="Post a list of returnees",
    description="Short lists are read at once (200), longer ones afterwards (202): ask for the progress. The "
    "same file under the same reference changes nothing; a changed row changes its record until she is "
    "received; a row that is gone changes nothing and is counted as absent. Rows are known by their "
    "reference column, or by their line. No Idempotency-Key is needed: the reference is one. "
    "Registering sends nothing anywhere, whatever anyone's nationality.",
    responses=answer(200, "Read to the end.", examples.MANIFEST, _NEXT)
    | {202: {**_WAITING[202], "model": Manifest}}
    | problem_responses(
        "invalid_input",
        "not_yours",
        "manifest_unreadable",
        "body_too_large",
        "request_timeout",
        "unsupported_media_type",
    ),
    openapi_extra=_BODY,
)
async def post_manifest(
    request: Request,
    response: Response,
    node: NodeHere,
    language: LanguageAsked,
    caller: Annotated[Caller, require(Scope.RETURNEES_WRITE)],
    reference: Annotated[
        ManifestReference,
        Query(
            description="The list's own name, such as flight and date. Never a person's.",
            examples=["GT-2026-03-02-AA123"],
        ),
    ],
    destination: Annotated[
        Country | None, Query(description="Country of arrival; this node's if left out.")
    ] = None,
    return_type: Annotated[
        ReturnType | None, Query(description="Of every row that has none.")
    ] = None,
    return_mode: Annotated[ReturnMode | None, Query(description="Of every row.")] = None,
    expected_at: Annotated[Moment | None, Query(description="When they are expected.")] = None,
    point_of_entry: Annotated[
        ShortText | None, Query(description="Where they are expected.")
    ] = None,
    date_order: Annotated[
        Literal["day_first", "month_first"],
        Query(description="How 03/04/1990 is meant. Lists from the United States: month_first."),
    ] = "day_first",
) -> Manifest:
    terms = ManifestTerms(
        reference=reference,
        destination=destination or country_of(node.institution),
        return_type=return_type,
        return_mode=return_mode,
        expected_at=expected_at,
        point_of_entry=point_of_entry,
        date_order=date_order,
    )
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    manifest = await take_manifest(
        node,
        caller,
        terms,
        media_type=media_type,
        body=await request.body(),
        language=language,
    )
    response.status_code = 200 if manifest.state == "done" else 202
    return manifest


@router.get(
    "",
    summary="List the lists",
    description="Newest first, each with the counts of its last version.",
    responses=answer(
        200,
        "A page.",
        {"manifests": [examples.MANIFEST], "next_cursor": None},
        {
            **link("get_manifest", "The first.", manifest_id="$response.body#/manifests/0/id"),
            **link("list_manifests", "The next page.", cursor="$response.body#/next_cursor"),
        },
    )
    | problem_responses("invalid_input", "not_yours"),
)
async def list_manifests(
    node: NodeHere,
    language: LanguageAsked,
    caller: Annotated[Caller, require(Scope.RETURNEES_READ)],
    cursor: Annotated[
        str | None, Query(max_length=200, description="`next_cursor` of the page before.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=200, description="Lists a page.")] = 50,
) -> ManifestPage:
    page, following = await read_manifest.list_manifests(
        node, caller, cursor=cursor, limit=limit, language=language
    )
    return ManifestPage(manifests=page, next_cursor=following)


@router.get(
    "/{manifest_id}",
    summary="Read how far a list is",
    description="Counts of its last version, and the columns that stayed outside.",
    responses=answer(200, "The list.", examples.MANIFEST, _NEXT)
    | problem_responses("not_found", "not_yours", "invalid_input"),
)
async def get_manifest(
    manifest_id: ManifestId,
    node: NodeHere,
    language: LanguageAsked,
    caller: Annotated[Caller, require(Scope.RETURNEES_READ)],
) -> Manifest:
    return await read_manifest.read_manifest(node, caller, manifest_id, language=language)


@router.get(
    "/{manifest_id}/rows",
    summary="Read what became of each row",
    description="Line, result, and advice that never repeats a value. `result=refused` gives those to mend. "
    "Kept until `rows_until` of the list; empty after that.",
    responses=answer(
        200,
        "A page, in the order of the list.",
        examples.ROWS,
        {
            **link(
                "list_manifest_rows",
                "The next page.",
                manifest_id="$request.path.manifest_id",
                cursor="$response.body#/next_cursor",
            ),
        },
    )
    | problem_responses("not_found", "not_yours", "invalid_input"),
)
async def list_manifest_rows(
    manifest_id: ManifestId,
    node: NodeHere,
    language: LanguageAsked,
    caller: Annotated[Caller, require(Scope.RETURNEES_READ)],
    result: Annotated[RowResult | None, Query(description="Only rows with this result.")] = None,
    cursor: Annotated[
        int, Query(ge=0, le=2**31 - 1, description="`next_cursor` of the page before.")
    ] = 0,
    limit: Annotated[int, Query(ge=1, le=500, description="Rows a page.")] = 100,
) -> RowPage:
    rows, following = await read_manifest.read_rows(
        node, caller, manifest_id, after=cursor, result=result, limit=limit, language=language
    )
    return RowPage(rows=rows, next_cursor=following)


_PATH: Final = "/v1/manifests"
MEDIA_TYPES: Final = {_PATH: tuple(FORMS)}
BODY_LIMITS: Final = {_PATH: MAX_BYTES}
