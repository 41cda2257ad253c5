"""Hop 8: a message is stored once and applied, and its `received` goes out in the same transaction."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import Connection

from relevo.contracts.envelope import DEFAULT_LIFETIME
from relevo.contracts.exchange import BatchAnswer, MessageAnswer, MessageBatch
from relevo.contracts.lifecycles.referral import BEFORE_ACCEPTED, COARSE, Actor, State
from relevo.contracts.message_types.consent_withdrawn import CONSENT_WITHDRAWN
from relevo.contracts.message_types.counter_referral import COUNTER_REFERRAL
from relevo.contracts.message_types.message_inapplicable import (
    MESSAGE_INAPPLICABLE,
    MessageInapplicable,
)
from relevo.contracts.message_types.referral_state import REFERRAL_STATE, ReferralState
from relevo.contracts.message_types.referral_submitted import REFERRAL_SUBMITTED, ReferralSubmitted
from relevo.contracts.message_types.withdrawal_answered import WITHDRAWAL_ANSWERED
from relevo.contracts.problem import Language, ProblemError
from relevo.contracts.receipt import Receipt
from relevo.node.domain.outgoing import OutgoingMessage, digest_of
from relevo.node.storage import feed, grants, inbox, outbox, referrals
from relevo.node.storage.grants import HeldGrant
from relevo.node.storage.referrals import StoredEvent, StoredReferral
from relevo.servicekit.ids import new_id

from .context import Node
from .directory import Directory
from .open_envelope import Opened, open_envelope, parse
from .receipts import proved, store_receipts

_HELD_UP = {"gateway_unreachable", "unavailable"}


async def receive(
    node: Node, directory: Directory, batch: MessageBatch, *, language: Language = "en"
) -> BatchAnswer:
    """Takes a batch from the gateway, each message answered on its own.

    Raises:
        ProblemError: `gateway_unreachable` when a sender's keys cannot be looked up now; the gateway
            keeps the batch and comes again.
    """
    known = await node.database.read(_known, batch.envelopes)
    opened = await asyncio.gather(*(_open(node, directory, jws, known) for jws in batch.envelopes))
    for problem in opened:
        if isinstance(problem, ProblemError) and problem.name in _HELD_UP:
            raise problem
    receipts = await proved(directory, batch.receipts)
    answers = await node.database.write(
        _receive_all, node, batch.envelopes, opened, receipts, language
    )
    node.wake()
    return BatchAnswer(answers=answers)


def _known(connection: Connection, envelopes: list[str]) -> dict[str, str]:
    ids = []
    for jws in envelopes:
        try:
            ids.append(parse(jws).jti)
        except ProblemError:
            continue
    return inbox.digests(connection, ids)


async def _open(
    node: Node, directory: Directory, jws: str, known: dict[str, str]
) -> Opened | MessageAnswer | ProblemError:
    try:
        envelope = parse(jws)
        if known.get(envelope.jti) == digest_of(jws):
            return MessageAnswer(message_id=envelope.jti, result="duplicate")
        return await open_envelope(node, directory, jws)
    except ProblemError as problem:
        return problem


def _receive_all(
    connection: Connection,
    node: Node,
    envelopes: list[str],
    opened: list[Opened | MessageAnswer | ProblemError],
    receipts: list[Receipt],
    language: Language,
) -> list[MessageAnswer]:
    answers = []
    for jws, item in zip(envelopes, opened, strict=True):
        if isinstance(item, MessageAnswer):
            answers.append(item)
            continue
        try:
            if isinstance(item, ProblemError):
                raise item
            with connection.begin_nested():
                result = _receive_one(connection, node, item)
            answers.append(MessageAnswer(message_id=item.envelope.jti, result=result))
        except ProblemError as problem:
            answers.append(
                MessageAnswer(
                    message_id=_message_id(jws), result="refused", problem=problem.problem(language)
                )
            )
    store_receipts(connection, node, receipts)
    return answers


def _message_id(jws: str) -> str | None:
    try:
        return parse(jws).jti
    except ProblemError:
        return None


def _receive_one(connection: Connection, node: Node, item: Opened) -> Any:
    envelope = item.envelope
    known = inbox.digests(connection, [envelope.jti]).get(envelope.jti)
    if known is not None:
        if known == item.digest:
            return "duplicate"
        raise ProblemError("envelope_replayed")
    applicable = _HANDLERS[item.kind.id](connection, node, item)
    inbox.add(
        connection,
        message_id=envelope.jti,
        digest=item.digest,
        sender=envelope.iss,
        referral_id=envelope.sub,
        message_type=envelope.message_type,
        applicable=applicable,
        now=node.clock.business(),
    )
    return "accepted"


def _submitted(connection: Connection, node: Node, item: Opened) -> bool:
    envelope, body = item.envelope, cast("ReferralSubmitted", item.body)
    taken = grants.withdrawn_among(connection, [grant.jti for grant in item.grants])
    if taken & {(grant.iss, grant.jti) for grant in item.grants}:
        raise ProblemError("grant_not_live", grant_state="withdrawn")
    if referrals.knows(connection, envelope.sub, envelope.reference_code):
        return _resubmitted(connection, item)
    now = node.clock.business()
    key_ids = [node.vault.new_key() for _ in body.persons]
    stored = StoredReferral(
        id=envelope.sub,
        reference_code=envelope.reference_code,
        role="receiver",
        sender=envelope.iss,
        receiver=envelope.aud,
        owner=envelope.aud,
        pathway=envelope.pathway,
        triage=envelope.triage or "green",
        purpose=envelope.purpose or "service_delivery",
        state="submitted",
        next_seq=1,
        sharing="active",
        delivery=None,
        delivery_problem=None,
        part_of=body.part_of,
        closed_here=False,
        test=envelope.test,
        expires_at=datetime.fromtimestamp(envelope.exp, UTC),
        created_at=now,
        updated_at=now,
        data_key_id=key_ids[0],
        details={
            "needs": [need.model_dump() for need in body.needs],
            "contact_rules": [t.contact_rules.model_dump(mode="json") for t in body.terms],
            "denials": [d.model_dump(mode="json") for t in body.terms for d in t.denials],
        },
        persons=[p.model_dump(mode="json", exclude_none=True) for p in body.persons],
    )
    first = StoredEvent(0, "submitted", "sender", body.submitted_at)
    referrals.add(connection, [referrals.seal(node.vault, stored, first, key_ids=key_ids)])
    pairs = [*zip(item.grants, item.grant_jws, strict=True), *item.return_grants]
    grants.add(
        connection,
        [
            HeldGrant(
                id=grant.jti,
                consent_id=None,
                referral_id=envelope.sub,
                issuer=grant.iss,
                sender=grant.sender,
                receiver=grant.receiver,
                jws=jws,
                expires_at=datetime.fromtimestamp(grant.exp, UTC),
            )
            for grant, jws in pairs
        ],
    )
    tell_state(connection, node, stored, StoredEvent(1, "received", "receiver", now), now=now)
    _tell(connection, stored, "referral.received", 1, now)
    return True


def _resubmitted(connection: Connection, item: Opened) -> bool:
    """A new envelope for a referral that arrived before: only its own sender's, and nothing changes."""
    held = referrals.lock(connection, item.envelope.sub)
    if held is None or (held.sender, held.role) != (item.envelope.iss, "receiver"):
        raise ProblemError("envelope_replayed")
    return False


def _state(connection: Connection, node: Node, item: Opened) -> bool:
    envelope, body = item.envelope, cast("ReferralState", item.body)
    if envelope.event_seq is None or envelope.event_seq == 0:
        raise ProblemError("envelope_malformed", fault="an event needs its number")
    held, actor = _party_to(connection, envelope.sub, envelope.iss, envelope.aud)
    now = node.clock.business()
    event = StoredEvent(
        envelope.event_seq,
        body.state,
        actor,
        body.at,
        body.model_dump(mode="json", exclude_none=True, exclude={"state", "at"}),
    )
    referrals.add_event(connection, node.vault, held, event, now=now)
    before = held.next_seq
    after = referrals.stand_again(connection, held, now=now)
    applied = [
        e
        for e in referrals.events(connection, node.vault, after)
        if before <= e.seq < after.next_seq
    ]
    for each in applied:
        _tell(connection, after, "referral.state_changed", each.seq, now)
    fits = any(e.seq == event.seq for e in applied) or event.seq > after.next_seq
    if not fits:
        _answer_inapplicable(connection, node, after, envelope.jti, now)
    return fits


def _counter_referral(connection: Connection, node: Node, item: Opened) -> bool:
    held, actor = _party_to(connection, item.envelope.sub, item.envelope.iss, item.envelope.aud)
    if actor != "receiver":
        raise ProblemError("not_found")
    if held.sharing == "withdrawn":
        raise ProblemError("grant_not_live", grant_state="withdrawn")
    now = node.clock.business()
    referrals.put_outcome(connection, node.vault, held, item.body)
    _tell(connection, held, "referral.counter_referral_received", None, now)
    return True


def _withdrawn(connection: Connection, node: Node, item: Opened) -> bool:
    envelope = item.envelope
    issuer = ".".join(envelope.iss.split(".")[:2])
    now = node.clock.business()
    grants.note_withdrawn(connection, issuer, envelope.withdrawn, now=now)
    held = referrals.lock(connection, envelope.sub)
    if held is None or held.sender != envelope.iss:
        return False  # it overtook the referral, which will now be refused
    mark_withdrawn(connection, node, held, now=now)
    return True


def mark_withdrawn(
    connection: Connection, node: Node, held: StoredReferral, *, now: datetime
) -> None:
    """Records on a holding that sharing ended. What was accepted goes on (domain rule 6)."""
    ended = StoredReferral(**{**vars(held), "sharing": "withdrawn"})
    if held.role == "receiver" and held.state in BEFORE_ACCEPTED:
        tell_state(
            connection,
            node,
            ended,
            StoredEvent(held.next_seq, "consent_withdrawn", "receiver", now),
            now=now,
        )
    else:
        referrals.stand_again(connection, ended, now=now)
    _tell(connection, ended, "consent.withdrawn", None, now)


def _noted(connection: Connection, node: Node, item: Opened) -> bool:
    held, _ = _party_to(connection, item.envelope.sub, item.envelope.iss, item.envelope.aud)
    _tell(connection, held, item.kind.name, None, node.clock.business())
    return True


_HANDLERS: dict[str, Callable[[Connection, Node, Opened], bool]] = {
    REFERRAL_SUBMITTED.id: _submitted,
    REFERRAL_STATE.id: _state,
    COUNTER_REFERRAL.id: _counter_referral,
    CONSENT_WITHDRAWN.id: _withdrawn,
    WITHDRAWAL_ANSWERED.id: _noted,
    MESSAGE_INAPPLICABLE.id: _noted,
}


def tell_state(
    connection: Connection,
    node: Node,
    referral: StoredReferral,
    event: StoredEvent,
    *,
    now: datetime,
) -> StoredReferral:
    """Stores an event of this side and queues the message that tells the other."""
    referrals.add_event(connection, node.vault, referral, event, now=now)
    after = referrals.stand_again(connection, referral, now=now)
    travelling = {
        k: v for k, v in event.detail.items() if k in {"reason", "appointment", "seen_by"}
    }
    body = ReferralState(state=event.state, at=event.at, **travelling)
    message = control_message(
        node,
        referral,
        REFERRAL_STATE.id,
        body.model_dump(mode="json", exclude_none=True),
        event_seq=event.seq,
        state=event.state,
    )
    outbox.put(connection, node.vault, referral.data_key_id, [message], now=now)
    return after


def control_message(
    node: Node,
    referral: StoredReferral,
    message_type: str,
    body: dict[str, Any],
    *,
    event_seq: int | None = None,
    state: State | None = None,
    withdrawn: list[str] | None = None,
) -> OutgoingMessage:
    """A message to the other side that no consent is needed for: it holds no personal data."""
    other = referral.receiver if referral.role == "sender" else referral.sender
    return OutgoingMessage(
        id=new_id(),
        referral_id=referral.id,
        reference_code=referral.reference_code,
        sender=referral.owner,
        receiver=other,
        message_type=message_type,
        pathway=referral.pathway,
        triage=referral.triage,
        event_seq=event_seq,
        state=None if state is None else COARSE[state],
        withdrawn=withdrawn or [],
        test=referral.test,
        expires_at=max(referral.expires_at, node.clock.business() + DEFAULT_LIFETIME),
        body=body,
    )


def _answer_inapplicable(
    connection: Connection, node: Node, referral: StoredReferral, message_id: str, now: datetime
) -> None:
    body = MessageInapplicable(
        message=message_id, state=referral.state, event_seq=referral.next_seq - 1
    )
    message = control_message(node, referral, MESSAGE_INAPPLICABLE.id, body.model_dump(mode="json"))
    outbox.put(connection, node.vault, referral.data_key_id, [message], now=now)


def _party_to(
    connection: Connection, referral_id: str, source: str, recipient: str
) -> tuple[StoredReferral, Actor]:
    """The referral, if these two are its two sides, and which side speaks.

    Raises:
        ProblemError: `not_found`, the same whether it is unknown or somebody else's.
    """
    held = referrals.lock(connection, referral_id)
    if held is not None:
        if (held.sender, held.receiver) == (source, recipient) and held.role == "receiver":
            return held, "sender"
        if (held.receiver, held.sender) == (source, recipient) and held.role == "sender":
            return held, "receiver"
    raise ProblemError("not_found")


def _tell(
    connection: Connection, referral: StoredReferral, what: str, seq: int | None, now: datetime
) -> None:
    feed.append(connection, [feed.FeedEvent(what, referral.id, referral.owner, now, event_seq=seq)])
