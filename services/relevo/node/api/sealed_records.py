"""`/v1/referrals/{id}/sealed-records`: what the unit that holds a referral writes down for itself alone."""

from typing import Annotated, Any, Final

from fastapi import APIRouter

from relevo.contracts.model import ContractModel
from relevo.contracts.scopes import Scope
from relevo.contracts.sealed_records import SealedRecord, SealedRecordInput
from relevo.node.operations import sealed_records
from relevo.servicekit.access_token import Caller
from relevo.servicekit.openapi import answer, link, request_example
from relevo.servicekit.problems import problem_responses
from relevo.servicekit.require_scope import require

from . import examples
from .dependencies import IDEMPOTENCY_KEY, IdempotencyKey, NodeHere
from .referrals import ReferralId

router = APIRouter(prefix="/v1/referrals", tags=["sealed records"])

_TOLD: Final[dict[str, Any]] = {
    "kind": "family_told",
    "told_at": "2026-03-02T15:00:00Z",
    "told_by": "Comisión de búsqueda",
    "relatives": ["mother"],
    "place": "Santa Rosa de Copán",
    "accompanied_by": ["psychologist", "committee of relatives"],
    "in_person": True,
}
_KEPT: Final[dict[str, Any]] = {
    "id": "0198c7b0-1a2b-7c3d-8e4f-5a6b7c8d9e0f",
    "referral_id": examples.REFERRAL_ID,
    "recorded_by": "mx.cnb",
    "recorded_at": "2026-03-02T16:00:00Z",
    "record": _TOLD,
}


class SealedRecords(ContractModel):
    """Oldest first. The last decision about remains is the one that counts."""

    records: list[SealedRecord]


@router.post(
    "/{referral_id}/sealed-records",
    status_code=201,
    summary="Write down what nobody else may read yet",
    description="Whose remains these are (presumed or confirmed), that the family was told in person, who "
    "decides about the body, that kinship was verified. It never travels, makes no event and is shown "
    "to the unit that holds the referral alone. Outcomes and reasons that tell of a death are refused until "
    "it says that the family was told.",
    responses=answer(
        201,
        "Written down.",
        _KEPT,
        link("list_sealed_records", "All of them.", referral_id="$response.body#/referral_id"),
    )
    | problem_responses(
        "not_found",
        "not_yours",
        "invalid_input",
        "grant_not_live",
        "idempotency_key_required",
        "idempotency_key_reused",
        "idempotency_key_in_flight",
    ),
    openapi_extra=request_example(_TOLD) | {"parameters": [IDEMPOTENCY_KEY]},
)
async def post_sealed_record(
    referral_id: ReferralId,
    body: SealedRecordInput,
    key: IdempotencyKey,
    node: NodeHere,
    caller: Annotated[Caller, require(Scope.REFERRALS_RESPOND)],
) -> SealedRecord:
    return await sealed_records.write_sealed_record(
        node, caller, referral_id, body, key=key.key, digest=key.digest
    )


@router.get(
    "/{referral_id}/sealed-records",
    summary="Read what was written down beside a referral",
    description="To the unit that holds it. For everybody else, in the same institution too, it is not there.",
    responses=answer(200, "All of them.", {"records": [_KEPT]})
    | problem_responses("not_found", "not_yours", "invalid_input"),
)
async def list_sealed_records(
    referral_id: ReferralId,
    node: NodeHere,
    caller: Annotated[Caller, require(Scope.REFERRALS_READ)],
) -> SealedRecords:
    return SealedRecords(
        records=await sealed_records.read_sealed_records(node, caller, referral_id)
    )
