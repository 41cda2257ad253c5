"""Hop 3: whatever waits in the outbox is sealed, kept, and handed to the gateway in batches."""

import asyncio
import random
from typing import Final

import structlog
from sqlalchemy import Connection

from relevo.contracts.coverage import check_relays, is_consulate
from relevo.contracts.envelope import ENVELOPE_TYP, MAX_BATCH_BYTES, MAX_BATCH_MESSAGES
from relevo.contracts.exchange import MessageAnswer
from relevo.contracts.identifiers import institution_of
from relevo.contracts.message_types.referral_submitted import REFERRAL_SUBMITTED
from relevo.contracts.message_types.registry import MESSAGE_TYPES
from relevo.contracts.privilege import check_privilege
from relevo.contracts.problem import ProblemError
from relevo.node.domain.outgoing import OutgoingMessage, digest_of
from relevo.node.operations.context import Node
from relevo.node.operations.directory import Directory, Peer
from relevo.node.operations.receipts import end_message, show_accepted
from relevo.node.storage import outbox
from relevo.node.storage.holdings import Holdings
from relevo.node.storage.outbox import Waiting
from relevo.servicekit import jose
from relevo.servicekit.backoff import delay_seconds
from relevo.servicekit.http_client import RefusedError, RetryableError
from relevo.servicekit.worker import Worker

_log = structlog.get_logger()
_LONGEST_DELAY_SECONDS: Final = 20.0
_SOON_SECONDS: Final = 0.1
"""After a batch that was not full: whoever writes in another process cannot wake this worker."""
_BYTES_OF_JSON: Final = 4
_MENDABLE: Final = {"gateway_unreachable", "key_not_pinned", "key_changed", "receiver_not_active"}
"""Time or a person can mend these: the message keeps until it expires."""


def relay_worker(node: Node, directory: Directory) -> Worker:
    """A worker that empties the outbox."""

    async def step() -> bool | float:
        return await relay_once(node, directory)

    return Worker("relay", step, idle_seconds=1.0)


async def relay_once(node: Node, directory: Directory) -> bool | float:
    """One batch. True when there is more to send, False when nothing was sent."""
    claimed = await node.database.write(_claim, node)
    if not claimed:
        return False
    receivers = sorted({waiting.receiver for waiting in claimed if waiting.envelope is None})
    peers = {receiver: await _look_up(directory, receiver) for receiver in receivers}
    sealed = await asyncio.to_thread(_seal_all, node, claimed, peers)
    # Stored before any is sent: whoever sends again sends the same bytes.
    batch = await node.database.write(_keep, node, sealed)
    if not batch:
        return True
    try:
        answer = await node.gateway.send([jws for _, jws in batch])
    except (RetryableError, RefusedError) as error:
        await node.database.write(_postpone, node, batch, str(error))
        return False
    await node.database.write(_note_answers, node, batch, answer.answers)
    # Also when the rest of the claimed ones did not fit.
    return len(claimed) == MAX_BATCH_MESSAGES or len(batch) < len(claimed) or _SOON_SECONDS


async def _look_up(directory: Directory, receiver: str) -> Peer | ProblemError:
    try:
        return await directory.peer(receiver)
    except ProblemError as problem:
        return problem


def _claim(connection: Connection, node: Node) -> list[Waiting]:
    return outbox.claim(connection, node.vault, now=node.clock.business(), limit=MAX_BATCH_MESSAGES)


def _seal_all(
    node: Node, claimed: list[Waiting], peers: dict[str, Peer | ProblemError]
) -> list[tuple[Waiting, str | ProblemError]]:
    sealed: list[tuple[Waiting, str | ProblemError]] = []
    for waiting in claimed:
        try:
            jws = waiting.envelope or _seal(node, waiting, peers.get(waiting.receiver))
        except ProblemError as problem:
            sealed.append((waiting, problem))
        except ValueError as error:
            # One message that no envelope can hold must not keep the others here.
            _log.error("message_not_sealed", message_id=waiting.id, exc_info=error)
            sealed.append((waiting, ProblemError("envelope_malformed", fault="cannot be sealed")))
        else:
            sealed.append((waiting, jws))
    return sealed


def _keep(
    connection: Connection, node: Node, sealed: list[tuple[Waiting, str | ProblemError]]
) -> list[tuple[Waiting, str]]:
    """Stores the new envelopes and returns those that go in this batch; the others wait for the next."""
    now = node.clock.business()
    batch: list[tuple[Waiting, str]] = []
    later: list[str] = []
    size = 64
    for waiting, jws in sealed:
        if isinstance(jws, ProblemError):
            continue
        size += len(jws) + _BYTES_OF_JSON
        if batch and size > MAX_BATCH_BYTES:
            later.append(waiting.id)
        else:
            batch.append((waiting, jws))
    outbox.put_back(connection, later, now=now, delay_seconds=0, error="next batch")
    outbox.keep_envelopes(
        connection,
        [
            (waiting.id, jws, digest_of(jws))
            for waiting, jws in sealed
            if waiting.envelope is None and not isinstance(jws, ProblemError)
        ],
    )
    failed = [(waiting, why) for waiting, why in sealed if isinstance(why, ProblemError)]
    if failed:
        holdings = Holdings(connection, node.vault, [waiting.referral_id for waiting, _ in failed])
        for waiting, problem in failed:
            _cannot_seal(connection, holdings, node, waiting, problem)
        holdings.write()
    return batch


def _seal(node: Node, waiting: Waiting, peer: Peer | ProblemError | None) -> str:
    plan = waiting.plan
    if plan is None:
        raise ProblemError("grant_not_live", grant_state="erased")
    if peer is None:
        raise ProblemError("gateway_unreachable")
    if isinstance(peer, ProblemError):
        raise peer
    if MESSAGE_TYPES[plan.message_type].message_class == "content" and peer.state != "active":
        raise ProblemError("receiver_not_active", receiver=plan.receiver, state=peer.state)
    # The link may have been down when it was written: who carries it is known now.
    check_relays(
        peer.gateways,
        sender=plan.sender,
        receiver=plan.receiver,
        excluded_countries=set(plan.excluded_countries),
    )
    if not plan.requested and is_consulate(peer.profile, plan.receiver):
        raise ProblemError("consulate_not_requested", receiver=plan.receiver)
    check_privilege(plan.receiver, peer.profile.type, plan.categories)
    return seal_envelope(node, plan, peer)


def seal_envelope(node: Node, plan: OutgoingMessage, peer: Peer) -> str:
    """The signed envelope around content that only the receiver's institution opens."""
    content = jose.seal(
        plan.content_bytes(),
        peer.encryption,
        apu=institution_of(plan.sender),
        apv=institution_of(plan.receiver),
    )
    claims = plan.envelope(content, now=node.clock.business())
    return jose.sign(
        claims.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
        | {"test": claims.test},
        node.keys.signing[0],
        typ=ENVELOPE_TYP,
    )


def _cannot_seal(
    connection: Connection, holdings: Holdings, node: Node, waiting: Waiting, problem: ProblemError
) -> None:
    now = node.clock.business()
    if waiting.plan is not None and waiting.plan.expires_at <= now:
        problem = ProblemError("envelope_expired", expired_at="", server_time="")
    elif problem.name in _MENDABLE:
        delay = delay_seconds(
            waiting.attempts,
            cap=_LONGEST_DELAY_SECONDS,
            jitter=random.random(),  # noqa: S311
        )
        outbox.put_back(connection, [waiting.id], now=now, delay_seconds=delay, error=problem.name)
        return
    end_message(
        connection,
        holdings,
        node,
        waiting.sent,
        "refused",
        problem=problem.name,
        members=problem.members,
        now=now,
    )


def _postpone(
    connection: Connection, node: Node, batch: list[tuple[Waiting, str]], error: str
) -> None:
    now = node.clock.business()
    attempts = min(waiting.attempts for waiting, _ in batch)
    delay = delay_seconds(attempts, cap=_LONGEST_DELAY_SECONDS, jitter=random.random())  # noqa: S311
    ids = [waiting.id for waiting, _ in batch]
    outbox.put_back(connection, ids, now=now, delay_seconds=delay, error=error)
    _log.info("gateway_not_reached", count=len(ids), attempt=attempts)


def _note_answers(
    connection: Connection,
    node: Node,
    batch: list[tuple[Waiting, str]],
    answers: list[MessageAnswer],
) -> None:
    now = node.clock.business()
    answered = [(waiting, answer) for (waiting, _), answer in zip(batch, answers, strict=True)]
    refused = [(waiting, a) for waiting, a in answered if a.result == "refused"]
    accepted = [(waiting, a) for waiting, a in answered if a.result != "refused"]
    # Referrals before messages, as receipts do: nobody waits for each other.
    show_accepted(
        connection,
        [w.referral_id for w, _ in accepted if w.message_type == REFERRAL_SUBMITTED.id],
        now=now,
    )
    outbox.mark_accepted(
        connection,
        [(w.id, "" if a.receipt is None else a.receipt.model_dump_json()) for w, a in accepted],
    )
    if not refused:
        return
    holdings = Holdings(connection, node.vault, [waiting.referral_id for waiting, _ in refused])
    for waiting, answer in refused:
        said = answer.problem
        end_message(
            connection,
            holdings,
            node,
            waiting.sent,
            "refused",
            problem="" if said is None else said.type.rpartition("/")[2],
            members=None if said is None else said.model_extra,
            now=now,
        )
    holdings.write()
