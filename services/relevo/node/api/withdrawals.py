"""The ends of a withdrawal: what holders did, and requests by whoever holds the paper."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path

from relevo.contracts.identifiers import Uuid
from relevo.contracts.scopes import Scope
from relevo.contracts.withdrawal import (
    HolderAnswer,
    KeeperAnswer,
    PendingRequest,
    PendingRequests,
    PersonSaid,
    WithdrawalAnswer,
    WithdrawalAsk,
    WithdrawalProgress,
    WithdrawalTaken,
)
from relevo.node.operations import paper_withdrawals, withdrawals
from relevo.servicekit.access_token import Caller
from relevo.servicekit.openapi import answer, link, request_example
from relevo.servicekit.problems import problem_responses
from relevo.servicekit.require_scope import require

from . import examples
from .dependencies import DirectoryHere, NodeHere

router = APIRouter(prefix="/v1", tags=["withdrawal"])

REQUEST_ID: Final = "0198c7a4-1a2b-7c3d-8e4f-5a6b7c8d9e0f"
WITHDRAWN_REFERRAL_ID: Final = "0198c7a4-2b3c-7d4e-9f50-6b7c8d9e0f1a"
WITHDRAWN_CONSENT_ID: Final = "0198c7a4-3c4d-7e5f-a061-7c8d9e0f1a2b"
_KEPT: Final[dict[str, Any]] = {"answer": "kept", "law": "Código de Salud, art. 121"}
_ANSWERED: Final[dict[str, Any]] = {
    "referral_id": WITHDRAWN_REFERRAL_ID,
    "reference_code": examples.REFERENCE_CODE,
    "holder": "gt.igm.crr",
    **_KEPT,
    "answered_at": "2026-03-02T17:00:00Z",
}
_PROGRESS: Final[dict[str, Any]] = {
    "consent_id": examples.CONSENT_ID,
    "state": "withdrawn",
    "withdrawn_at": examples.WITHDRAWAL["said_at"],
    "holders": [{**_ANSWERED, "referral_id": examples.SENT_REFERRAL_ID}],
}
_MANDATE: Final[dict[str, Any]] = {
    "answer": "kept",
    "law": "Ley de Protección de los Hondureños Migrantes",
}
_PENDING: Final[dict[str, Any]] = {
    "id": REQUEST_ID,
    "referral_id": examples.SENT_REFERRAL_ID,
    "consent_ids": [examples.CONSENT_ID],
    "state": "pending_person",
    "received_at": "2026-03-07T15:05:00Z",
}
_SAID: Final[dict[str, Any]] = {"withdraws": False, "asked_at": "2026-03-07T16:00:00Z"}

RequestId = Annotated[Uuid, Path(description="The request's id.", examples=[REQUEST_ID])]


@router.post(
    "/referrals/{referral_id}/withdrawal-answer",
    summary="Answer a withdrawal",
    description="What this institution did with what it got: it stopped sharing, erased, or keeps it under a "
    "law that it names. The service goes on either way; data are erased once it has ended.",
    responses=answer(200, "Told to the institution that holds the consent.", _ANSWERED)
    | problem_responses("not_found", "not_yours", "invalid_input", "illegal_transition"),
    openapi_extra=request_example(_KEPT),
)
async def post_withdrawal_answer(
    referral_id: Annotated[
        Uuid, Path(description="The referral's id.", examples=[WITHDRAWN_REFERRAL_ID])
    ],
    body: WithdrawalAnswer,
    node: NodeHere,
    caller: Annotated[Caller, require(Scope.REFERRALS_RESPOND)],
) -> HolderAnswer:
    return await withdrawals.answer_withdrawal(node, caller, referral_id, body)


@router.post(
    "/consents/{consent_id}/withdrawal-answer",
    summary="Answer a withdrawal for oneself",
    description="What the institution that holds the consent did with what it knows of her itself: `stopped`, or "
    "`kept` under a law that it names, such as that of its register. Sharing has stopped already.",
    responses=answer(
        200,
        "Written down, beside what the other holders answered.",
        {
            **_PROGRESS,
            "consent_id": WITHDRAWN_CONSENT_ID,
            "own": {**_MANDATE, "answered_at": "2026-03-02T17:30:00Z"},
        },
        link("get_withdrawal", "All of it, later.", consent_id="$response.body#/consent_id"),
    )
    | problem_responses("not_found", "not_yours", "invalid_input", "illegal_transition"),
    openapi_extra=request_example(_MANDATE),
)
async def post_own_withdrawal_answer(
    consent_id: Annotated[
        Uuid, Path(description="The consent's id.", examples=[WITHDRAWN_CONSENT_ID])
    ],
    body: KeeperAnswer,
    node: NodeHere,
    caller: Annotated[Caller, require(Scope.CONSENTS_WRITE)],
) -> WithdrawalProgress:
    return await withdrawals.answer_for_ourselves(node, caller, consent_id, body)


@router.get(
    "/consents/{consent_id}/withdrawal",
    summary="Read what became of a withdrawal",
    description="Every holder of what left under the consent, with its answer. One that is offline answers "
    "later.",
    responses=answer(
        200,
        "The holders.",
        _PROGRESS,
    )
    | problem_responses("not_found", "not_yours", "invalid_input"),
)
async def get_withdrawal(
    consent_id: Annotated[
        Uuid, Path(description="The consent's id.", examples=[examples.CONSENT_ID])
    ],
    node: NodeHere,
    caller: Annotated[Caller, require(Scope.CONSENTS_READ)],
) -> WithdrawalProgress:
    return await withdrawals.read_withdrawal(node, caller, consent_id)


@router.post(
    "/withdrawal-requests",
    summary="Ask to withdraw with the paper",
    description="For somebody who stands here with a code on paper, whoever issued it. The answer is the same "
    "for a wrong code, a wrong phrase and a right one. The institution that holds the consent decides: "
    "after three wrong phrases it listens to nobody for a day and is warned, and on sealed routes the "
    "person herself is asked first.",
    responses=answer(
        200,
        "Taken, and nothing more is said.",
        {"taken": True},
        link(
            "post_withdrawal_request",
            "Asking again says no more.",
            body={"reference_code": examples.REFERENCE_CODE, "pass_phrase": "la milpa ya espigó"},
        ),
    )
    | problem_responses("not_yours", "invalid_input", "gateway_unreachable", "too_many_requests"),
    openapi_extra=request_example(
        {"reference_code": examples.REFERENCE_CODE, "pass_phrase": "la milpa ya espigó"}
    ),
)
async def post_withdrawal_request(
    body: WithdrawalAsk,
    node: NodeHere,
    directory: DirectoryHere,
    caller: Annotated[Caller, require(Scope.REFERRALS_STATUS)],
) -> WithdrawalTaken:
    return await paper_withdrawals.ask_to_withdraw(node, directory, caller, body)


@router.get(
    "/withdrawal-requests",
    summary="List requests on which the person must be asked",
    description="Made with the paper and not decided yet. Until she has said so herself, everything goes on.",
    responses=answer(
        200,
        "Oldest first.",
        {"requests": [_PENDING]},
        link(
            "post_person_said",
            "What she said when she was asked.",
            request_id="$response.body#/requests/0/id",
            body=_SAID,
        ),
    )
    | problem_responses("not_yours"),
)
async def get_withdrawal_requests(
    node: NodeHere, caller: Annotated[Caller, require(Scope.CONSENTS_READ)]
) -> PendingRequests:
    return await paper_withdrawals.list_pending(node, caller)


@router.post(
    "/withdrawal-requests/{request_id}/answer",
    summary="Record what the person said",
    description="Asked in person or by her own number. Her yes withdraws; her no leaves everything as it is.",
    responses=answer(
        200,
        "Recorded.",
        {**_PENDING, "state": "refused", "decided_at": "2026-03-07T16:01:00Z"},
    )
    | problem_responses("not_found", "not_yours", "invalid_input", "illegal_transition"),
    openapi_extra=request_example(_SAID),
)
async def post_person_said(
    request_id: RequestId,
    body: PersonSaid,
    node: NodeHere,
    caller: Annotated[Caller, require(Scope.CONSENTS_WRITE)],
) -> PendingRequest:
    return await paper_withdrawals.answer_pending(node, caller, request_id, body)
