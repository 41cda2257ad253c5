"""`/v1/attachments` and a referral's files: uploaded by local systems, read by whoever may touch the referral."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Request, Response

from relevo.contracts.attachment import ENDINGS, Upload, file_name
from relevo.contracts.identifiers import Uuid
from relevo.contracts.scopes import Scope
from relevo.node.operations import download, uploads
from relevo.servicekit.access_token import Caller
from relevo.servicekit.openapi import answer, link
from relevo.servicekit.problems import problem_responses
from relevo.servicekit.require_scope import require

from . import examples
from .dependencies import NodeHere

router = APIRouter(tags=["attachments"])

PATH: Final = "/v1/attachments"
MEDIA_TYPES: Final[dict[str, Sequence[str]]] = {PATH: tuple(ENDINGS)}
_PDF: Final = """%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R>>endobj
4 0 obj<</Length 30>>stream
BT 72 720 Td (Constancia) Tj ET
endstream endobj
trailer<</Root 1 0 R>>
%%EOF
"""
_FILES: Final[dict[str, Any]] = {
    media_type: {"schema": {"type": "string", "format": "binary"}} for media_type in ENDINGS
}
_SENT_FILES: Final = {
    **_FILES,
    "application/pdf": {**_FILES["application/pdf"], "example": _PDF},
}
_SAFE: Final = {
    "cache-control": "no-store",
    "content-security-policy": "sandbox; default-src 'none'",
    "x-content-type-options": "nosniff",
}
"""No browser shows it in a page of ours, guesses at what it is or keeps it."""
_FOUND: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The file.", "content": _FILES}
}
_UPLOADED: Final = {
    "id": examples.UPLOAD_ID,
    "media_type": "application/pdf",
    "size": 48213,
    "metadata": "removed",
    "uploaded_at": "2026-03-02T15:00:00Z",
    "attached": False,
}

UploadId = Annotated[Uuid, Path(description="The upload's id.", examples=[examples.UPLOAD_ID])]
ReferralId = Annotated[
    Uuid, Path(description="The referral's id.", examples=[examples.OPEN_REFERRAL_ID])
]
AttachmentId = Annotated[
    Uuid, Path(description="As the referral lists it.", examples=[examples.ATTACHMENT_ID])
]


@router.post(
    PATH,
    status_code=201,
    summary="Upload a file",
    description="The body is the file, `Content-Type` what it is. It is looked at at once: what is empty, one "
    "colour or something else than it says is refused with advice. What a camera or a program wrote into "
    "it beside what it shows, such as where a photograph was taken, is taken out, and `metadata` says so; "
    "not one pixel changes. Kept for a day; name it in a referral, "
    "in information that is supplied or in a counter-referral, and it goes along where consent and "
    "pathway let it. A file may go with several. The same file again within a day is the same "
    "upload, so a retry needs no Idempotency-Key.",
    responses=answer(
        201,
        "Held for a day.",
        _UPLOADED,
        link("get_upload", "Whether it is still held.", attachment_id="$response.body#/id"),
    )
    | problem_responses(
        "not_yours",
        "attachment_blank",
        "attachment_unreadable",
        "attachment_not_cleaned",
        "body_too_large",
        "request_timeout",
        "unsupported_media_type",
    ),
    openapi_extra={"requestBody": {"required": True, "content": _SENT_FILES}},
)
async def post_attachment(
    request: Request, node: NodeHere, caller: Annotated[Caller, require(Scope.REFERRALS_SUBMIT)]
) -> Upload:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return await uploads.take_upload(node, caller, media_type, await request.body())


@router.get(
    PATH + "/{attachment_id}",
    summary="Read what is held of an upload",
    description="What it is, not the file itself.",
    responses=answer(200, "It is held.", _UPLOADED)
    | problem_responses("not_found", "not_yours", "invalid_input"),
)
async def get_upload(
    attachment_id: UploadId,
    node: NodeHere,
    caller: Annotated[Caller, require(Scope.REFERRALS_SUBMIT)],
) -> Upload:
    return await uploads.read_upload(node, caller, attachment_id)


@router.get(
    "/v1/referrals/{referral_id}/attachments/{attachment_id}",
    summary="Download a file of a referral",
    description="For whoever may read the referral. While it is `arriving` the answer is 409; the event feed "
    "says `referral.attachment_arrived`. Its name is what it shows, never whose it is.",
    response_class=Response,
    responses=_FOUND
    | problem_responses("not_found", "not_yours", "invalid_input", "attachment_not_here"),
)
async def get_attachment(
    referral_id: ReferralId,
    attachment_id: AttachmentId,
    node: NodeHere,
    caller: Annotated[Caller, require(Scope.REFERRALS_READ)],
) -> Response:
    found = await download.read_attachment(node, caller, referral_id, attachment_id)
    name = file_name(found.attachment.document, found.attachment.media_type)
    return Response(
        found.content,
        media_type=found.attachment.media_type,
        headers={**_SAFE, "content-disposition": f'attachment; filename="{name}"'},
    )
