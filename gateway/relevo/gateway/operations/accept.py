"""Hop 5: a batch is judged, then everything that passed is stored in one transaction.

Timeline, grants, withdrawals, deliveries, ledger: together or not at all. One signed checkpoint serves
the whole batch, and each message's receipt is its inclusion proof. Signatures are verified before the
transaction, so that nobody waits for them.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from relevo.contracts.envelope import MAX_BATCH_BYTES
from relevo.contracts.exchange import BatchAnswer, MessageAnswer, MessageBatch
from relevo.contracts.identifiers import country_of
from relevo.contracts.message_types.referral_submitted import REFERRAL_SUBMITTED
from relevo.contracts.problem import ProblemError
from relevo.gateway.domain.delivery import priority_of
from relevo.gateway.domain.ledger import receipt_leaf
from relevo.gateway.storage import blobs, deliveries, grants, referral_status
from relevo.gateway.storage.blobs import NamedBlobs
from relevo.gateway.storage.deliveries import NewDelivery
from relevo.gateway.storage.grants import GrantKey, RecordedGrant
from relevo.gateway.storage.ledger import Entry
from relevo.gateway.storage.referral_status import ReferralStatus
from relevo.servicekit.logging import get_logger

from . import arrivals, endings
from .arrivals import Arrival, SliceReader, Source
from .blobs import named_in
from .context import Gateway
from .directory import Directory
from .endings import Ending
from .judge import Judged, Passed, judge

_TRIES: Final = 3


class Acceptance:
    """Takes batches of messages from nodes and from peers."""

    def __init__(self, gateway: Gateway, directory: Directory) -> None:
        self._gateway = gateway
        self._directory = directory
        self._slices = SliceReader()

    async def accept(self, source: Source, batch: MessageBatch) -> BatchAnswer:
        """Answers each message on its own, in the order of the batch.

        Raises:
            ProblemError: `body_too_large`, for the whole batch.
        """
        if not batch.envelopes:
            return BatchAnswer(answers=[])
        if sum(map(len, batch.envelopes)) > MAX_BATCH_BYTES:
            raise ProblemError("body_too_large", limit=MAX_BATCH_BYTES)
        arrived = await asyncio.to_thread(arrivals.read_all, batch.envelopes, source, self._slices)
        tries = 0
        while True:
            judged = await self._judge(source, arrived)
            if not judged.passed:
                break
            try:
                taken = await self._gateway.database.write(
                    store, self._gateway, source, judged.passed
                )
            except IntegrityError:
                # The same message came in two batches at once; the other was first.
                tries += 1
                if tries >= _TRIES:
                    raise
                continue
            judged.answers.update(taken)
            self._gateway.wake()
            break
        return _answer(judged, arrived, source)

    async def _judge(self, source: Source, arrived: list[Arrival]) -> Judged:
        judged = await self._ask_judge(source, arrived, ask_first=True)
        if judged.stale:
            peers = await self._gateway.database.read(self._gateway.peers)
            await self._directory.refresh(
                {name: peers.by_name[peer] for name, peer in judged.stale.items()}
            )
            judged = await self._ask_judge(source, arrived, ask_first=False)
        return judged

    async def _ask_judge(
        self, source: Source, arrived: list[Arrival], *, ask_first: bool
    ) -> Judged:
        return await self._gateway.database.read(
            judge,
            self._gateway,
            self._directory,
            self._slices,
            source,
            arrived,
            ask_first=ask_first,
        )


def _answer(judged: Judged, arrived: Sequence[Arrival], source: Source) -> BatchAnswer:
    for position, first in judged.twins.items():
        answer = judged.answers[first]
        judged.answers[position] = answer.model_copy(
            update={"result": "duplicate"} if answer.result == "accepted" else {}
        )
    answers = [judged.answers[position] for position in range(len(arrived))]
    refused = [answer.problem for answer in answers if answer.problem is not None]
    get_logger().info(
        "batch_judged",
        count=len(answers),
        failed=len(refused),
        problem=sorted({problem.type.rpartition("/")[2] for problem in refused}) or None,
        institution=source.institution,
        peer=source.peer.gateway if source.peer else None,
    )
    return BatchAnswer.model_construct(answers=answers)


def store(
    connection: Connection, gateway: Gateway, source: Source, passed: dict[int, Passed]
) -> dict[int, MessageAnswer]:
    """Stores what passed. Raises `IntegrityError` when one of the messages came meanwhile."""
    business, security = gateway.business(), gateway.security()
    messages = list(passed.values())
    deliveries.add(connection, [_delivery(item) for item in messages], now=security)
    blobs.expect(connection, [_blobs(item, source) for item in messages], now=security)
    codes = _note_states(connection, gateway, source, messages, business)
    grants.record(connection, [grant for item in messages for grant in _grants(item, codes)])
    if source.peer is not None:
        _note_confirmed(connection, source, messages, security)
    stopped = _withdraw(connection, gateway, messages, business)
    entries = [
        Entry(
            "accepted",
            receipt_leaf(
                kind="accepted",
                gateway=gateway.name,
                message_id=item.arrival.envelope.jti,
                digest=item.arrival.digest,
                at=business,
            ),
            item.arrival.envelope.jti,
        )
        for item in messages
    ]
    recorded = gateway.record(connection, entries + endings.entries(gateway, stopped))
    endings.send_back(connection, gateway, stopped, first=recorded.first + len(entries))
    return {
        position: MessageAnswer.model_construct(
            message_id=item.arrival.envelope.jti,
            result="accepted",
            receipt=recorded.receipt(offset, entries[offset].leaf),
            problem=None,
        )
        for offset, (position, item) in enumerate(passed.items())
    }


def _delivery(item: Passed) -> NewDelivery:
    envelope, kind = item.arrival.envelope, item.arrival.kind
    return NewDelivery(
        id=envelope.jti,
        target=item.target,
        return_to=item.return_to,
        sender=envelope.iss,
        receiver=envelope.aud,
        message_type=envelope.message_type,
        message_class=kind.message_class,
        triage=envelope.triage,
        digest=item.arrival.digest,
        expires_at=_moment(envelope.exp),
        priority=priority_of(envelope, kind),
        jws=item.arrival.jws,
    )


def _blobs(item: Passed, source: Source) -> NamedBlobs:
    return named_in(
        item.arrival.envelope,
        source=item.arrival.sender if source.peer is None else source.peer.gateway,
        target=item.target,
        priority=priority_of(item.arrival.envelope, item.arrival.kind),
    )


def _moment(epoch: int) -> datetime:
    return datetime.fromtimestamp(epoch, tz=UTC)


def _grants(item: Passed, codes: set[str]) -> list[RecordedGrant]:
    envelope = item.arrival.envelope
    unique = {token.claims.jti: token.claims for token in item.arrival.grants}
    code = envelope.reference_code if envelope.jti in codes else None
    return [
        RecordedGrant(
            message_id=envelope.jti,
            grant_id=claims.jti,
            issuer=claims.iss,
            expires_at=_moment(claims.exp),
            reference_code=code,
            status_parties=tuple(claims.status_parties),
            follow_up_parties=tuple(claims.follow_up_parties),
        )
        for claims in unique.values()
    ]


def _note_states(
    connection: Connection,
    gateway: Gateway,
    source: Source,
    messages: Sequence[Passed],
    now: datetime,
) -> set[str]:
    """Keeps the coarse state by reference code; returns the messages that fit their referral.

    The first message of a referral says between whom it is; a message between others, who may have
    come by the code, neither changes its state nor names anybody who may ask.
    """
    ours = [
        item.arrival.envelope
        for item in messages
        if gateway.is_home(country_of_code(item.arrival.envelope.reference_code))
    ]
    if not ours:
        return set()
    if source.peer is None:
        referral_status.begin(
            connection,
            [
                ReferralStatus(
                    reference_code=envelope.reference_code,
                    referral_id=envelope.sub,
                    sender=envelope.iss,
                    receiver=envelope.aud,
                    state=envelope.state or "submitted",
                    triage=envelope.triage,
                    event_seq=envelope.event_seq or 0,
                    since=now,
                    pathway=envelope.pathway,
                    begun_at=now,
                )
                for envelope in ours
                if envelope.message_type == REFERRAL_SUBMITTED.id
            ],
        )
    known = referral_status.get_many(connection, {envelope.reference_code for envelope in ours})
    fitting: set[str] = set()
    steps: list[ReferralStatus] = []
    newest: dict[str, ReferralStatus] = {}
    for envelope in ours:
        status = known.get(envelope.reference_code)
        if status is None or status.referral_id != envelope.sub:
            continue
        if {envelope.iss, envelope.aud} != {status.sender, status.receiver}:
            continue
        fitting.add(envelope.jti)
        latest = newest.get(envelope.reference_code, status)
        sequence = _sequence(envelope.event_seq, latest, envelope.state)
        if envelope.state is not None and sequence > latest.event_seq:
            reached = replace(status, state=envelope.state, event_seq=sequence, since=now)
            newest[envelope.reference_code] = reached
            steps.append(reached)
    referral_status.advance(connection, steps)
    return fitting


def _sequence(said: int | None, latest: ReferralStatus, state: str | None) -> int:
    """Position of an event; what carries no number follows what is known, except a submission."""
    if said is not None:
        return said
    return latest.event_seq if state == "submitted" else latest.event_seq + 1


def country_of_code(reference_code: str) -> str:
    """The country whose gateway is the home of a code."""
    return reference_code.partition("-")[0]


def _note_confirmed(
    connection: Connection, source: Source, messages: Sequence[Passed], now: datetime
) -> None:
    """A peer that relays content has just checked the grants whose issuers are at home there."""
    if source.peer is None:
        return
    countries = set(source.peer.card.countries)
    confirmed: set[GrantKey] = {
        (token.claims.jti, token.claims.iss)
        for item in messages
        for token in item.arrival.grants
        if country_of(token.claims.iss) in countries
    }
    grants.put_copies(connection, dict.fromkeys(confirmed, "active"), as_of=now)


def _withdraw(
    connection: Connection, gateway: Gateway, messages: Sequence[Passed], now: datetime
) -> list[Ending]:
    """Notes withdrawals, and ends what still waits under the grants they name."""
    named: set[str] = set()
    for item in messages:
        envelope = item.arrival.envelope
        if envelope.withdrawn:
            keys = {(grant_id, item.arrival.sender) for grant_id in envelope.withdrawn}
            grants.withdraw(connection, keys, message_id=envelope.jti, now=now)
            named.update(envelope.withdrawn)
    blobs.end_under_withdrawn(connection, named)
    stopped = deliveries.waiting_under_withdrawn(connection, named, now=gateway.security())
    if not stopped:
        return []
    return endings.finish(
        connection,
        gateway,
        [
            Ending(delivery, "refused", "grant_not_live")
            for delivery in deliveries.get_many(connection, stopped)
        ],
    )
