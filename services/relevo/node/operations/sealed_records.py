"""What a unit writes down beside a referral for itself alone, and what that lets it say to others."""

from datetime import datetime

from sqlalchemy import Connection

from relevo.contracts.problem import FieldError, ProblemError
from relevo.contracts.referral import Transition
from relevo.contracts.sealed_records import (
    ANSWERS_TO_RELATIVES,
    TELLING_REASONS,
    FamilyTold,
    Identification,
    Kinship,
    Record,
    RemainsDecision,
    SealedRecord,
    check_kinship,
    check_may_be_said,
    check_may_ship,
)
from relevo.contracts.searched_person import SearchedPersonAnswer, check_may_tell
from relevo.node.storage import referrals, sealed_records
from relevo.node.storage.referrals import StoredReferral
from relevo.node.storage.vault import ErasedError
from relevo.servicekit import idempotency
from relevo.servicekit.access_token import Caller
from relevo.servicekit.ids import new_id

from .access import note_read
from .context import Node
from .visibility import party_of

_OPERATION = "write_sealed_record"


async def write_sealed_record(
    node: Node, caller: Caller, referral_id: str, record: Record, *, key: str, digest: str
) -> SealedRecord:
    """Stores it. Nothing is sent, and no event tells that anything was written.

    Raises:
        ProblemError: `not_found`, also for other units of the institution; `invalid_input` for a time
            in the future; `grant_not_live` for somebody who was erased.
    """
    party_of(node, caller)
    return await node.database.write(_write, node, caller, referral_id, record, key, digest)


def _write(
    connection: Connection,
    node: Node,
    caller: Caller,
    referral_id: str,
    record: Record,
    key: str,
    digest: str,
) -> SealedRecord:
    digest = f"{referral_id}:{digest}"
    before = idempotency.begin(
        connection, caller.client_id, _OPERATION, key, digest, node.clock.security()
    )
    held = _own(connection, caller, referral_id)
    if before is not None:
        made = before.body.decode()
        for one in sealed_records.of_referral(connection, node.vault, referral_id):
            if one.id == made:
                return one
        raise ProblemError("not_found")
    now = node.clock.business()
    if happened_at(record) > now:
        raise ProblemError(
            "invalid_input", errors=[FieldError(pointer="", detail="not in the future")]
        )
    try:
        written = sealed_records.add(
            connection,
            node.vault,
            held,
            record,
            id=new_id(),
            recorded_by=caller.party,
            now=now,
        )
    except ErasedError:
        raise ProblemError("grant_not_live", grant_state="erased") from None
    idempotency.complete(
        connection, caller.client_id, _OPERATION, key, status=201, body=written.id.encode()
    )
    return written


def happened_at(record: Record) -> datetime:
    """When what it tells of happened."""
    match record:
        case Identification():
            return record.established_at
        case FamilyTold():
            return record.told_at
        case RemainsDecision():
            return record.at
        case Kinship():
            return record.verified_at
        case SearchedPersonAnswer():
            return record.asked_at


async def read_sealed_records(node: Node, caller: Caller, referral_id: str) -> list[SealedRecord]:
    """Oldest first, to the unit that holds the referral and to nobody else.

    Raises:
        ProblemError: `not_found`, the same for absent and not yours.
    """
    party_of(node, caller)
    shown = await node.database.read(_read, node, caller, referral_id)
    await note_read(node, caller, what="sealed_records", subject=referral_id)
    return shown


def _read(
    connection: Connection, node: Node, caller: Caller, referral_id: str
) -> list[SealedRecord]:
    _own(connection, caller, referral_id)
    return sealed_records.of_referral(connection, node.vault, referral_id)


def _own(connection: Connection, caller: Caller, referral_id: str) -> StoredReferral:
    held = referrals.by_ids(connection, [referral_id]).get(referral_id)
    if held is None or caller.party != held.owner:
        raise ProblemError("not_found")
    return held


def check_step(connection: Connection, node: Node, held: StoredReferral, step: Transition) -> None:
    """Whether this step may be taken, whatever it would tell (domain rules 8 and 9).

    Raises:
        ProblemError: `family_not_told`, `identity_not_confirmed`, `remains_disputed`,
            `kinship_not_verified`, `searched_person_not_asked` or `searched_person_said_no`.
    """
    outcome = None if step.counter_referral is None else step.counter_referral.outcome
    records = sealed_records.records_of(connection, node.vault, held.id)
    check_may_ship(records, to=step.to)
    check_may_be_said(records, outcome=outcome, reason=step.reason)
    if outcome is None and step.reason is None:
        return
    whole = referrals.get(connection, node.vault, held.id)
    needs = [] if whole is None else whole.details.get("needs", [])
    services = {need["service"] for need in needs}
    answers = [record for record in records if isinstance(record, SearchedPersonAnswer)]
    check_may_tell(
        services=services,
        outcome=outcome,
        reason=step.reason,
        answer=answers[-1] if answers else None,
    )
    if outcome in ANSWERS_TO_RELATIVES:
        check_kinship(records, outcome=outcome, services=services)


def check_reason(
    connection: Connection, node: Node, referral_id: str | None, reason: str | None
) -> None:
    """Whether a reason may leave with anything that is said of this referral.

    Raises:
        ProblemError: `family_not_told`.
    """
    if reason in TELLING_REASONS:
        records = (
            []
            if referral_id is None
            else sealed_records.records_of(connection, node.vault, referral_id)
        )
        check_may_be_said(records, reason=reason)
