"""`/v1/attestations`: what this institution attests to persons, signed, shown only as far as they choose."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Response

from relevo.contracts.attestation import (
    STATUS_LIST_PATH,
    AttestationInput,
    AttestationRecord,
    ClaimName,
    Presentation,
    Revocation,
    TrustedIssuers,
)
from relevo.contracts.identifiers import PartyId, Uuid
from relevo.contracts.scopes import Scope
from relevo.node.operations import attest, read_attestation, trust_file
from relevo.servicekit.access_token import Caller
from relevo.servicekit.openapi import answer, link, request_example
from relevo.servicekit.problems import problem_responses
from relevo.servicekit.require_scope import require

from . import returnee_examples
from .attestation_examples import ATTESTATION_ID, ISSUED, KEYS, PAGE, PRESENTED, STATUS_LIST
from .dependencies import IDEMPOTENCY_KEY, DirectoryHere, IdempotencyKey, NodeHere

router = APIRouter(prefix="/v1/attestations", tags=["attestations"])

_SAFE: Final = {
    "cache-control": "no-store",
    "content-security-policy": "sandbox; default-src 'none'",
    "x-content-type-options": "nosniff",
}
_LIST_TYPE: Final = "application/statuslist+jwt"
_PAGE: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "One page.",
        "content": {
            "application/pdf": {"schema": {"type": "string", "format": "binary"}, "example": PAGE}
        },
    }
}
_LIST: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "A signed token.",
        "content": {_LIST_TYPE: {"schema": {"type": "string"}, "example": STATUS_LIST}},
    }
}
_REFUSED: Final = problem_responses(
    "not_found", "not_yours", "invalid_input", "grant_not_live", "attestation_revoked"
)

AttestationId = Annotated[
    Uuid, Path(description="The attestation's id.", examples=[ATTESTATION_ID])
]
Show = Annotated[
    list[ClaimName] | None,
    Query(
        max_length=20,
        description="What its holder chose to show, claim by claim, this time; the least unless given. "
        "`none` shows nothing but issuer, type, number and dates.",
        examples=[["institution_name", "arrived_on"]],
    ),
]
_NONE: Final = ["none"]
Reader = Annotated[Caller, require(Scope.ATTESTATIONS_READ)]
Issuer = Annotated[Caller, require(Scope.ATTESTATIONS_ISSUE)]


@router.post(
    "",
    status_code=201,
    summary="Attest what a record shows",
    description="Everything is read from the record: a returnee who arrived (*constancia de retornado*), a referral "
    "that a person of this institution has seen (*acuse de recibo*), a consent, or a document by its date and "
    "digest. Nothing is sent anywhere; it is for the person. What tells of a death waits until the family was told.",
    responses=answer(
        201,
        "Signed, and kept sealed under the person's own key.",
        ISSUED,
        link("get_attestation", "Where it stands.", attestation_id="$response.body#/id"),
    )
    | problem_responses(
        "not_found",
        "not_yours",
        "invalid_input",
        "nothing_to_attest",
        "family_not_told",
        "grant_not_live",
        "idempotency_key_required",
        "idempotency_key_reused",
        "idempotency_key_in_flight",
    ),
    openapi_extra=request_example(
        {"type": "returnee_certificate", "returnee_id": returnee_examples.RETURNEE_ID}
    )
    | {"parameters": [IDEMPOTENCY_KEY]},
)
async def post_attestation(
    body: AttestationInput,
    key: IdempotencyKey,
    node: NodeHere,
    directory: DirectoryHere,
    caller: Issuer,
) -> AttestationRecord:
    return await attest.attest(node, directory, caller, body, key=key.key, digest=key.digest)


# Before `/{attestation_id}`, which would take these names for ids.


@router.get(
    STATUS_LIST_PATH.removeprefix("/v1/attestations"),
    summary="Read which numbers were revoked",
    description="A signed list of bits (Token Status List). It is about nobody, needs no token and may be kept: "
    "whoever has a copy checks any attestation of this institution without asking, and nobody learns which.",
    response_class=Response,
    responses=_LIST,
)
async def get_status_list(node: NodeHere) -> Response:
    return Response(
        await read_attestation.signed_status_list(node),
        media_type=_LIST_TYPE,
        headers={"cache-control": "public, max-age=3600"},
    )


@router.get(
    "/keys",
    summary="Export what verifies attestations without a network",
    description="Signed directory entries of this institution and of others whose keys it has confirmed, with the key "
    "sets of their gateways and the list of revoked numbers. Worth as much as whoever hands it over.",
    responses=answer(200, "For a file.", KEYS)
    | problem_responses(
        "not_yours",
        "invalid_input",
        "receiver_unknown",
        "key_not_pinned",
        "key_changed",
        "gateway_unreachable",
    ),
)
async def get_attestation_keys(
    node: NodeHere,
    directory: DirectoryHere,
    caller: Annotated[Caller, require(Scope.DIRECTORY_READ)],
    institution: Annotated[
        list[PartyId] | None,
        Query(max_length=50, description="Others beside one's own.", examples=[[]]),
    ] = None,
) -> TrustedIssuers:
    return await trust_file.trusted_issuers(node, directory, caller, institution or [])


@router.get(
    "/{attestation_id}.pdf",
    summary="Print an attestation",
    description="One page: type, folio, dates, what its holder chose to show, and a code that holds the same, signed. "
    "What is not chosen is neither on the page nor in the code.",
    response_class=Response,
    responses=_PAGE | _REFUSED,
)
async def print_attestation(
    attestation_id: AttestationId, node: NodeHere, caller: Reader, show: Show = None
) -> Response:
    page = await read_attestation.print_sheet(node, caller, attestation_id, _chosen(show))
    return Response(
        page,
        media_type="application/pdf",
        headers={**_SAFE, "content-disposition": 'attachment; filename="attestation.pdf"'},
    )


@router.get(
    "/{attestation_id}",
    summary="Read where an attestation stands",
    description="What it can show, not the values.",
    responses=answer(
        200,
        "As it stands now.",
        ISSUED,
        link("present_attestation", "To hand over.", attestation_id="$response.body#/id"),
    )
    | problem_responses("not_found", "not_yours", "invalid_input"),
)
async def get_attestation(
    attestation_id: AttestationId, node: NodeHere, caller: Reader
) -> AttestationRecord:
    return await read_attestation.read_attestation(node, caller, attestation_id)


@router.get(
    "/{attestation_id}/presentation",
    summary="Hand over what the holder chooses to show",
    description="An SD-JWT VC (RFC 9901, `dc+sd-jwt`) with the chosen disclosures and no others.",
    responses=answer(200, "As she chose.", PRESENTED) | _REFUSED,
)
async def present_attestation(
    attestation_id: AttestationId,
    node: NodeHere,
    caller: Reader,
    response: Response,
    show: Show = None,
) -> Presentation:
    response.headers["cache-control"] = "no-store"
    return await read_attestation.present(node, caller, attestation_id, _chosen(show))


@router.post(
    "/{attestation_id}/revoke",
    summary="Revoke an attestation",
    description="Its number joins the list of revoked ones, without a reason or a name. Again changes nothing.",
    responses=answer(
        200,
        "Revoked.",
        {
            **ISSUED,
            "state": "revoked",
            "revoked_at": "2026-03-04T09:00:00Z",
            "revoked_for": "wrong",
        },
    )
    | problem_responses("not_found", "not_yours", "invalid_input"),
    openapi_extra=request_example({"reason": "wrong"}),
)
async def revoke_attestation(
    attestation_id: AttestationId, body: Revocation, node: NodeHere, caller: Issuer
) -> AttestationRecord:
    return await read_attestation.revoke(node, caller, attestation_id, body)


def _chosen(show: list[str] | None) -> list[str] | None:
    return [] if show == _NONE else show
