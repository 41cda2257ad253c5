"""The ledger: what this gateway took and did, so that others can hold it to its word."""

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi import Path as PathParameter

from relevo.contracts.identifiers import GatewayId
from relevo.contracts.ledger import (
    ConsistencyProof,
    InclusionProof,
    SignedNote,
    WitnessedCheckpoint,
)
from relevo.contracts.model import ContractModel, Moment
from relevo.contracts.scopes import Scope
from relevo.gateway.operations import read_ledger, witness
from relevo.servicekit.access_token import Caller
from relevo.servicekit.openapi import answer, request_example
from relevo.servicekit.problems import problem_responses
from relevo.servicekit.require_scope import require

from .dependencies import service_of

router = APIRouter(prefix="/v1/ledger", tags=["ledger"])

Reader = Annotated[Caller, require(Scope.LEDGER_READ)]
Size = Annotated[int, Query(ge=0, le=2**53, examples=[1])]

_MEDIA_TYPE: Final = "text/plain; charset=utf-8"
_HASH: Final = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
_NOTE: Final = (
    "relevo.example/ledger/gateway.mx\n1\nbjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=\n\n"
    "— relevo.example/ledger/gateway.mx c2lnbmF0dXJlIG9mIHRoZSBsZWRnZXI=\n"
)
_SEEN_AT: Final = "2026-03-02T15:04:05Z"


class PeerLedger(ContractModel):
    """What a peer's ledger said.

    Attributes:
        state: `consistent` as far as it was seen; `faulty` once it contradicted itself.
        size: Entries in the newest checkpoint that was found consistent with the one before.
        checkpoint: That one, as the peer signed it.
        seen_at: When it was seen. Long ago says that the peer cannot be reached or will not prove.
        fault: What was wrong with a later one.
        contradiction: That later one. Both signatures together prove the fault to anybody.
    """

    gateway: GatewayId
    state: Literal["not_seen", "consistent", "faulty"]
    size: int | None = None
    checkpoint: SignedNote | None = None
    seen_at: Moment | None = None
    fault: str | None = None
    contradiction: SignedNote | None = None


@router.get(
    "/checkpoint",
    summary="The newest signed head",
    description="A C2SP signed note (tlog-checkpoint): origin, size, root, this gateway's signature, and "
    "a `cosignature/v1` line of each witness that has signed this size.",
    response_class=Response,
    responses={
        200: {
            "description": "The note.",
            "content": {"text/plain": {"schema": {"type": "string"}, "example": _NOTE}},
        },
        **problem_responses("not_found"),
    },
)
async def get_checkpoint(
    request: Request,
    _caller: Reader,
    *,
    witnessed: Annotated[
        bool,
        Query(
            description="The newest one that a witness has signed: busy ledgers have moved on by then.",
            examples=[False],
        ),
    ] = False,
) -> Response:
    note = await read_ledger.newest_checkpoint(service_of(request).gateway, witnessed=witnessed)
    return Response(note, media_type=_MEDIA_TYPE, headers={"cache-control": "no-store"})


@router.get(
    "/inclusion",
    summary="Prove that an entry stands in the ledger",
    description="RFC 9162 §2.1.3. The entry is named by its place, which its receipt says; the hash of "
    "its salted bytes says nothing to whoever has no receipt.",
    responses=answer(
        200,
        "Hashes in hex, from the leaf upwards.",
        {"index": 0, "tree_size": 1, "leaf_hash": _HASH, "proof": []},
    )
    | problem_responses("invalid_input"),
)
async def get_inclusion(
    request: Request,
    _caller: Reader,
    index: Annotated[int, Query(ge=0, le=2**53, examples=[0])],
    tree_size: Size,
) -> InclusionProof:
    return await read_ledger.inclusion(service_of(request).gateway, index, tree_size)


@router.get(
    "/consistency",
    summary="Prove that nothing was changed since",
    description="RFC 9162 §2.1.4. Between two sizes of the ledger, the older first.",
    responses=answer(200, "Hashes in hex.", {"from_size": 0, "to_size": 1, "proof": []})
    | problem_responses("invalid_input"),
)
async def get_consistency(
    request: Request,
    _caller: Reader,
    older: Annotated[int, Query(alias="from", ge=0, le=2**53, examples=[0])],
    newer: Annotated[int, Query(alias="to", ge=0, le=2**53, examples=[1])],
) -> ConsistencyProof:
    return await read_ledger.consistency(service_of(request).gateway, older, newer)


@router.post(
    "/cosignatures",
    status_code=204,
    summary="Witness a checkpoint",
    description="By a peer gateway that found the checkpoint consistent with the one it saw before: this "
    "gateway's own note with the peer's `cosignature/v1` line under it.",
    responses={204: {"description": "Kept."}, **problem_responses("invalid_input", "not_yours")},
    openapi_extra=request_example(
        {"checkpoint": _NOTE + "— gateway.gt Y29zaWduYXR1cmUgb2YgdGhlIHdpdG5lc3M=\n"}
    ),
)
async def post_cosignature(
    request: Request,
    caller: Annotated[Caller, require(Scope.FEDERATION_RELAY)],
    body: WitnessedCheckpoint,
) -> None:
    await witness.take_cosignature(service_of(request).gateway, caller.institution, body.checkpoint)


@router.get(
    "/peers",
    summary="What the peers' ledgers said",
    description="The newest checkpoint that was seen of each peer, and whether it ever contradicted itself.",
    responses=answer(
        200,
        "Every peer, by name.",
        [
            {
                "gateway": "gateway.mx",
                "state": "consistent",
                "size": 1,
                "checkpoint": _NOTE,
                "seen_at": _SEEN_AT,
            }
        ],
    ),
)
async def get_peer_ledgers(request: Request, _caller: Reader) -> list[PeerLedger]:
    seen = await witness.seen_ledgers(service_of(request).gateway)
    return [
        PeerLedger(gateway=peer.gateway, state="not_seen")
        if found is None
        else PeerLedger(
            gateway=found.gateway,
            state="consistent" if found.fault is None else "faulty",
            size=found.size,
            checkpoint=found.checkpoint,
            seen_at=found.seen_at,
            fault=found.fault,
            contradiction=found.contradiction,
        )
        for peer, found in seen
    ]


@router.post(
    "/peers/{gateway}/settle",
    status_code=204,
    summary="Begin anew with a peer's ledger",
    description="After the people of both gateways have cleared up a fault. What was seen is forgotten, "
    "so keep both checkpoints first; the next one is believed as the first was.",
    responses={204: {"description": "Forgotten."}, **problem_responses("not_found")},
)
async def post_settle(
    request: Request,
    caller: Annotated[Caller, require(Scope.POLICIES_ADMIN)],
    gateway: Annotated[GatewayId, PathParameter(examples=["gateway.mx"])],
) -> None:
    await witness.settle(service_of(request).gateway, gateway, client=caller.client_id)
