"""`/v1/notices`: the register of notices that are read before somebody consents."""

from typing import Annotated, Any, Final

from fastapi import APIRouter

from relevo.contracts.notices import NoticeList, NoticeRecall, NoticeVersion, RegisteredNotice
from relevo.contracts.scopes import Scope
from relevo.node.operations import notices
from relevo.servicekit.access_token import Caller
from relevo.servicekit.openapi import answer, link, request_example
from relevo.servicekit.problems import problem_responses
from relevo.servicekit.require_scope import require

from .dependencies import NodeHere

router = APIRouter(prefix="/v1/notices", tags=["notices"])

VERSION: Final[dict[str, Any]] = {
    "id": "aviso-ninez",
    "version": "1",
    "language": "es",
    "sha256": "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9",
    "published_at": "2026-02-01T06:00:00Z",
}
_RECALL: Final[dict[str, Any]] = {
    "id": "aviso-ninez",
    "version": "1",
    "recalled_at": "2026-03-10T15:00:00Z",
}
_RECALLED: Final[dict[str, Any]] = {"notices": [{**VERSION, "recalled_at": _RECALL["recalled_at"]}]}


@router.post(
    "",
    summary="Register a version of a notice",
    description="One version in one language, by the digest of what is read or printed. The version before "
    "counts for thirty days more, on whatever paper it stands, unless it is recalled.",
    responses=answer(
        200,
        "Registered.",
        VERSION,
        link("post_notice_recall", "When it turns out to be wrong.", body=_RECALL),
    )
    | problem_responses("not_yours", "invalid_input", "notice_unknown"),
    openapi_extra=request_example(VERSION),
)
async def post_notice(
    body: NoticeVersion,
    node: NodeHere,
    caller: Annotated[Caller, require(Scope.CONSENTS_WRITE)],
) -> RegisteredNotice:
    return await notices.register_notice(node, caller, body)


@router.post(
    "/recall",
    summary="Recall a version of a notice",
    description="At once and without grace: no consent is recorded any more that was given after reading it.",
    responses=answer(200, "Every version of that notice.", _RECALLED)
    | problem_responses("not_found", "not_yours", "invalid_input"),
    openapi_extra=request_example(_RECALL),
)
async def post_notice_recall(
    body: NoticeRecall,
    node: NodeHere,
    caller: Annotated[Caller, require(Scope.CONSENTS_WRITE)],
) -> NoticeList:
    return await notices.recall_notice(node, caller, body)


@router.get(
    "",
    summary="List the notices",
    description="Newest first.",
    responses=answer(200, "The register.", {"notices": [VERSION]}) | problem_responses("not_yours"),
)
async def get_notices(
    node: NodeHere, caller: Annotated[Caller, require(Scope.CONSENTS_READ)]
) -> NoticeList:
    return await notices.list_notices(node, caller)
