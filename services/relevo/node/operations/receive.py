"""Hop 8: a message is stored once and applied, and its `received` goes out in the same transaction.

A batch is opened before the transaction, applied in it message by message in memory, and written
with one statement for each kind of row.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, cast

from sqlalchemy import Connection

from relevo.contracts.exchange import BatchAnswer, MessageAnswer, MessageBatch
from relevo.contracts.identifiers import institution_of
from relevo.contracts.message_types.cancel_requested import CANCEL_REQUESTED
from relevo.contracts.message_types.consent_renewed import CONSENT_RENEWED
from relevo.contracts.message_types.consent_withdrawn import CONSENT_WITHDRAWN
from relevo.contracts.message_types.counter_referral import COUNTER_REFERRAL, CounterReferralSent
from relevo.contracts.message_types.information_supplied import INFORMATION_SUPPLIED
from relevo.contracts.message_types.message_inapplicable import (
    MESSAGE_INAPPLICABLE,
    MessageInapplicable,
)
from relevo.contracts.message_types.redirect_followed import REDIRECT_FOLLOWED
from relevo.contracts.message_types.referral_reviewed import REFERRAL_REVIEWED
from relevo.contracts.message_types.referral_state import REFERRAL_STATE, ReferralState
from relevo.contracts.message_types.referral_submitted import REFERRAL_SUBMITTED
from relevo.contracts.message_types.withdrawal_answered import WITHDRAWAL_ANSWERED
from relevo.contracts.problem import Language, ProblemError
from relevo.contracts.receipt import Receipt
from relevo.contracts.referral import CounterReferral
from relevo.contracts.vocabularies.codes import OutcomeType
from relevo.node.storage import cancellations, grants, inbox, information, referrals
from relevo.node.storage.referrals import StoredEvent, StoredReferral
from relevo.node.storage.vault import ErasedError

from .arrival import Arrival, arrival
from .batch import Batch
from .cancel import ask_now, cancel_requested
from .context import Node
from .directory import Directory
from .look_again import at_the_door, is_privileged
from .open_envelope import Arrived, Opened, open_all
from .receipts import proved, store_receipts
from .receive_files import sealed_files
from .receive_follow_up import FOLLOW_UP_HANDLERS, stop_uncovered
from .redirect import redirect_followed
from .renew import consent_renewed
from .review import reviewed
from .supply import information_supplied
from .tell import mark_withdrawn, tell_state
from .withdrawals import withdrawal_answered

_HELD_UP: Final = {"gateway_unreachable", "unavailable"}

Outcome = Literal["accepted", "duplicate"] | ProblemError


@dataclass(frozen=True)
class Ready:
    """A message that was opened, or why it was not; a referral with what is stored of it."""

    item: Opened | ProblemError
    arrival: Arrival | None = None


async def receive(
    node: Node, directory: Directory, batch: MessageBatch, *, language: Language = "en"
) -> BatchAnswer:
    """Takes a batch from the gateway, each message answered on its own.

    Raises:
        ProblemError: `gateway_unreachable` when a sender's keys cannot be looked up now; the gateway
            keeps the batch and comes again.
    """
    read = await asyncio.to_thread(_read_all, batch.envelopes)
    arrived = [one for one in read if isinstance(one, Arrived)]
    known = await node.database.read(inbox.digests, [one.envelope.jti for one in arrived])
    unknown = [one for one in arrived if known.get(one.envelope.jti) != one.digest]
    opened = await open_all(node, directory, unknown)
    for problem in opened:
        if isinstance(problem, ProblemError) and problem.name in _HELD_UP:
            raise problem
    own_type = await _own_type(node, directory, opened)
    ready = await asyncio.to_thread(_prepare, node, opened, own_type)
    receipts = await proved(directory, batch.receipts)
    applied = await node.database.write(_apply_all, node, ready, receipts)
    node.wake()
    outcomes = dict(zip((one.digest for one in unknown), applied, strict=True))
    return BatchAnswer(answers=[_answer(one, outcomes, language) for one in read])


def _read_all(envelopes: Sequence[str]) -> list[Arrived | ProblemError]:
    read: list[Arrived | ProblemError] = []
    for jws in envelopes:
        try:
            read.append(Arrived.read(jws))
        except ProblemError as problem:
            read.append(problem)
    return read


async def _own_type(
    node: Node, directory: Directory, opened: Sequence[Opened | ProblemError]
) -> str | None:
    """What this institution is, asked when something privileged has come."""
    if any(isinstance(item, Opened) and is_privileged(item.envelope) for item in opened):
        own = await directory.profile(node.institution)
        if own is None:
            # Neither kept here unread nor thrown away: the gateway comes again.
            raise ProblemError("gateway_unreachable")
        return own.type
    return None


def _prepare(
    node: Node, opened: Sequence[Opened | ProblemError], own_type: str | None
) -> list[Ready]:
    outside = [at_the_door(item, own_type) if isinstance(item, Opened) else item for item in opened]
    return [
        Ready(item, arrival(node, item))
        if isinstance(item, Opened) and item.kind is REFERRAL_SUBMITTED
        else Ready(item)
        for item in outside
    ]


def _answer(
    read: Arrived | ProblemError, outcomes: dict[str, Outcome], language: Language
) -> MessageAnswer:
    if isinstance(read, ProblemError):
        return MessageAnswer(message_id=None, result="refused", problem=read.problem(language))
    message_id = read.envelope.jti
    outcome = outcomes.get(read.digest, "duplicate")
    if isinstance(outcome, ProblemError):
        return MessageAnswer(
            message_id=message_id, result="refused", problem=outcome.problem(language)
        )
    return MessageAnswer(message_id=message_id, result=outcome)


def _apply_all(
    connection: Connection, node: Node, ready: Sequence[Ready], receipts: list[Receipt]
) -> list[Outcome]:
    opened = [one.item for one in ready if isinstance(one.item, Opened)]
    batch = Batch(connection, node, opened, receipts)
    outcomes = [_apply(batch, one) for one in ready]
    store_receipts(connection, batch.holdings, node, receipts)
    batch.write()
    return outcomes


def _apply(batch: Batch, ready: Ready) -> Outcome:
    item = ready.item
    if isinstance(item, ProblemError):
        return item
    known = batch.digests.get(item.envelope.jti)
    if known is not None:
        return "duplicate" if known == item.digest else ProblemError("envelope_replayed")
    try:
        if ready.arrival is not None:
            applicable = _submitted(batch, item, ready.arrival)
        else:
            applicable = _HANDLERS[item.kind.id](batch, item)
    except ErasedError:
        return ProblemError("grant_not_live", grant_state="erased")
    except ProblemError as problem:
        return problem
    batch.remember(item, applicable=applicable)
    return "accepted"


def _submitted(batch: Batch, item: Opened, new: Arrival) -> bool:
    if batch.is_withdrawn(item):
        raise ProblemError("grant_not_live", grant_state="withdrawn")
    held = batch.holdings.get(new.stored.id)
    if held is not None or new.stored.reference_code in batch.codes:
        # A new envelope for a referral that arrived before: only its own sender's, and nothing changes.
        if held is None or (held.sender, held.role) != (new.stored.sender, "receiver"):
            raise ProblemError("envelope_replayed")
        return False
    batch.take(new)
    received = StoredEvent(1, "received", "receiver", batch.now)
    after = tell_state(batch.holdings, new.stored, received, now=batch.now)
    batch.holdings.tell(after, "referral.received", now=batch.now, event_seq=1)
    for mark in new.marks:
        batch.holdings.tell(after, f"referral.{mark}", now=batch.now)
    return True


def _state(batch: Batch, item: Opened) -> bool:
    envelope, body = item.envelope, cast("ReferralState", item.body)
    if envelope.event_seq is None or envelope.event_seq == 0:
        raise ProblemError("envelope_malformed", fault="an event needs its number")
    held, actor = batch.party_to(item)
    detail = body.model_dump(mode="json", exclude_none=True, exclude={"state", "at"})
    event = StoredEvent(envelope.event_seq, body.state, actor, body.at, detail)
    batch.holdings.add_event(held, event, now=batch.now)
    after = batch.holdings.stand(held, now=batch.now)
    applied = range(held.next_seq, after.next_seq)
    for number in applied:
        batch.holdings.tell(after, "referral.state_changed", now=batch.now, event_seq=number)
    if actor == "receiver":
        if body.outcome is not None and event.seq in applied:
            _outcome_under_law(batch, held, body.outcome, body.at)
        if body.answers is not None:
            cancellations.note_answer(batch.connection, held.id, body.answers, "taken")
        if held.next_seq == 1 < after.next_seq:
            ask_now(batch, after)
    fits = event.seq in applied or event.seq > after.next_seq
    if not fits:
        batch.answer_inapplicable(after, envelope.jti)
    return fits


def _outcome_under_law(
    batch: Batch, held: StoredReferral, outcome: OutcomeType, at: datetime
) -> None:
    """What was referred by consent has its outcome in a message of its own, as far as consent goes."""
    opened = referrals.get(batch.connection, batch.node.vault, held.id)
    if opened is not None and opened.details.get("basis") is not None:
        told = CounterReferral(outcome=outcome, ended_at=at)
        referrals.put_outcome(batch.connection, batch.node.vault, held, told)


def _counter_referral(batch: Batch, item: Opened) -> bool:
    held, actor = batch.party_to(item)
    if actor != "receiver":
        raise ProblemError("not_found")
    if held.sharing == "withdrawn":
        raise ProblemError("grant_not_live", grant_state="withdrawn")
    keys = information.keys_of(batch.connection, held.id)
    batch.keep_files(sealed_files(batch.node, item, keys))
    outcome = cast("CounterReferralSent", item.body).outcome_alone()
    referrals.put_outcome(batch.connection, batch.node.vault, held, outcome)
    batch.holdings.tell(held, "referral.counter_referral_received", now=batch.now)
    return True


def _withdrawn(batch: Batch, item: Opened) -> bool:
    envelope = item.envelope
    issuer = institution_of(envelope.iss)
    grants.note_withdrawn(batch.connection, issuer, envelope.withdrawn, now=batch.now)
    batch.withdrawn |= {(issuer, grant_id) for grant_id in envelope.withdrawn}
    held = batch.holdings.get(envelope.sub)
    if held is None or held.sender != envelope.iss:
        return False  # it overtook the referral, which will now be refused
    mark_withdrawn(batch.holdings, held, now=batch.now)
    stop_uncovered(batch, held.id)
    return True


def _inapplicable(batch: Batch, item: Opened) -> bool:
    held, _ = batch.party_to(item)
    body = cast("MessageInapplicable", item.body)
    cancellations.note_answer(batch.connection, held.id, body.message, "inapplicable")
    return _noted(batch, item)


def _noted(batch: Batch, item: Opened) -> bool:
    held, _ = batch.party_to(item)
    batch.holdings.tell(held, item.kind.name, now=batch.now)
    return True


_HANDLERS: Final[dict[str, Callable[[Batch, Opened], bool]]] = {
    REFERRAL_STATE.id: _state,
    COUNTER_REFERRAL.id: _counter_referral,
    CONSENT_RENEWED.id: consent_renewed,
    CONSENT_WITHDRAWN.id: _withdrawn,
    WITHDRAWAL_ANSWERED.id: withdrawal_answered,
    MESSAGE_INAPPLICABLE.id: _inapplicable,
    CANCEL_REQUESTED.id: cancel_requested,
    INFORMATION_SUPPLIED.id: information_supplied,
    REDIRECT_FOLLOWED.id: redirect_followed,
    REFERRAL_REVIEWED.id: reviewed,
    **FOLLOW_UP_HANDLERS,
}
