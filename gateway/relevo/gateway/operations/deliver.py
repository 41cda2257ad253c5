"""Hop 6: what waits is handed to nodes and peers, a batch a flight, one flight a target at a time.

A push is a lease taken by our own worker. Whatever dies meanwhile, the lease runs out, somebody else
sends the same bytes again, and the receiver knows them.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection

from relevo.contracts.envelope import MAX_BATCH_BYTES, MAX_BATCH_MESSAGES
from relevo.contracts.exchange import BatchAnswer, MessageAnswer, MessageBatch
from relevo.contracts.problem_types import PROBLEM_TYPES
from relevo.contracts.receipt import Receipt
from relevo.gateway.domain.delivery import split_target
from relevo.gateway.storage import deliveries, ledger
from relevo.gateway.storage.deliveries import Delivery, WaitingReceipt
from relevo.servicekit.backoff import delay_seconds
from relevo.servicekit.http_client import RefusedError, RetryableError
from relevo.servicekit.logging import get_logger

from . import liveness
from .context import Gateway
from .directory import Directory
from .endings import Ending, end
from .liveness import GrantFacts

_HELD_SECONDS: Final = 10.0
_CLOSED_SECONDS: Final = 15.0
_FIRST_PAUSE_SECONDS: Final = 0.5
_RETRYABLE_STATUS: Final = frozenset({408, 421, 425, 429})

Send = Callable[[MessageBatch], Awaitable[BatchAnswer]]


@dataclass
class _Target:
    """What is remembered of a target between flights."""

    failures: int = 0
    limit: int = MAX_BATCH_MESSAGES


@dataclass
class _Load:
    """What one flight carries."""

    messages: list[Delivery] = field(default_factory=list)
    receipts: list[WaitingReceipt] = field(default_factory=list)
    facts: GrantFacts = field(default_factory=lambda: GrantFacts({}, set(), {}))
    unconfirmed: set[str] = field(default_factory=set)

    @property
    def lease_id(self) -> str:
        return next((item.lease_id for item in self.messages if item.lease_id), "")


class Deliverer:
    """Keeps one flight a target in the air."""

    def __init__(self, gateway: Gateway, directory: Directory) -> None:
        self._gateway = gateway
        self._directory = directory
        self._targets: dict[str, _Target] = {}
        self._flights: dict[str, asyncio.Task[None]] = {}

    async def step(self) -> bool:
        """Starts a flight to each target for which something is due; False when there is none."""
        due = await self._gateway.database.read(
            deliveries.due_targets, now=self._gateway.security()
        )
        started = False
        for target in due:
            if target not in self._flights:
                self._flights[target] = asyncio.create_task(self._fly(target))
                started = True
        return started

    async def drain(self) -> None:
        """Waits for the flights that are in the air."""
        while self._flights:
            await asyncio.gather(*self._flights.values(), return_exceptions=True)

    async def _fly(self, target: str) -> None:
        try:
            while await self._flight(target):
                pass
        except Exception as error:  # noqa: BLE001 - one target's trouble is not the others'
            get_logger().error("flight_failed", exc_info=error)
            await asyncio.sleep(_FIRST_PAUSE_SECONDS)
        finally:
            self._flights.pop(target, None)
            self._gateway.wake()

    async def _flight(self, target: str) -> bool:
        """Sends one batch; True when there may be more to send at once."""
        gateway = self._gateway
        send = await gateway.database.read(self._way_to, target)
        if send is None:
            until = gateway.security() + timedelta(seconds=_CLOSED_SECONDS)
            await gateway.database.write(deliveries.postpone, target, until=until)
            return False
        state = self._targets.setdefault(target, _Target())
        load = await gateway.database.write(self._load, target, state.limit)
        taken = len(load.messages) + len(load.receipts)
        load = await self._confirm(load)
        if not load.messages and not load.receipts:
            return taken > 0
        receipts = await gateway.database.read(_whole_receipts, load.receipts)
        batch = MessageBatch.model_construct(
            envelopes=[item.jws for item in load.messages if item.jws], receipts=receipts
        )
        try:
            answer = await _answered(send, batch)
        except RetryableError as error:
            await self._back_off(target, state, load, error)
            return False
        except RefusedError as error:
            await self._refused(target, state, load, error)
            return False
        await gateway.database.write(self._land, target, load, answer.answers)
        if state.failures:
            state.failures = 0
            await gateway.database.write(deliveries.hurry, target, now=gateway.security())
        state.limit = min(state.limit * 2, MAX_BATCH_MESSAGES)
        return True

    def _way_to(self, connection: Connection, target: str) -> Send | None:
        """How a target is reached now; None when it is closed."""
        kind, name = split_target(target)
        if kind == "gateway":
            peer = self._gateway.peers(connection).by_name.get(name)
            return self._gateway.peer_client(peer).relay if peer else None
        known = self._directory.home(connection, [name]).get(name)
        if known is None or known.state != "active" or known.profile.node_url is None:
            return None
        return self._gateway.node_client(known.profile.node_url).deliver

    def _load(self, connection: Connection, target: str, limit: int) -> _Load:
        """Leases what is due, and ends what may not leave any more."""
        gateway = self._gateway
        security, business = gateway.security(), gateway.business()
        lease_seconds = gateway.settings.lease_seconds
        claimed = deliveries.claim(
            connection,
            target,
            now=security,
            limit=limit,
            max_bytes=MAX_BATCH_BYTES,
            lease_seconds=lease_seconds,
        )
        receipts = deliveries.claim_receipts(
            connection, target, now=security, limit=limit, lease_seconds=lease_seconds
        )
        facts = liveness.facts(
            connection,
            gateway,
            [item.id for item in claimed if item.message_class == "content"],
            only_ours=target.startswith("gateway:"),
        )
        ending: list[Ending] = []
        live: list[Delivery] = []
        for item in claimed:
            if item.expires_at <= business:
                ending.append(Ending(item, "expired"))
            elif item.jws is None:
                ending.append(Ending(item, "dead", "internal_error"))
            elif liveness.verdict(gateway, facts, item.id) == "dead":
                ending.append(Ending(item, "refused", "grant_not_live"))
            else:
                live.append(item)
        end(connection, gateway, ending)
        return _Load(live, receipts, facts)

    async def _confirm(self, load: _Load) -> _Load:
        """Asks what must be asked about grants, and takes out what may not leave yet, or never."""
        gateway = self._gateway
        asked = liveness.stale(gateway, load.facts)
        learned = await liveness.ask(gateway, asked) if asked else {}
        facts = replace(load.facts, copies={**load.facts.copies, **learned})
        leaving: list[Delivery] = []
        held: list[Delivery] = []
        dead: list[Delivery] = []
        unconfirmed: set[str] = set()
        for item in load.messages:
            verdict = liveness.verdict(gateway, facts, item.id)
            if verdict == "dead":
                dead.append(item)
            elif verdict == "live":
                leaving.append(item)
            elif liveness.may_go_unconfirmed(gateway, item):
                leaving.append(item)
                unconfirmed.add(item.id)
            else:
                held.append(item)
        if held or dead:
            await gateway.database.write(self._keep_back, load.lease_id, held, dead)
        return replace(load, messages=leaving, facts=facts, unconfirmed=unconfirmed)

    def _keep_back(
        self, connection: Connection, lease_id: str, held: list[Delivery], dead: list[Delivery]
    ) -> None:
        now = self._gateway.security()
        if held:
            deliveries.hold(
                connection,
                [item.id for item in held],
                now=now,
                due_at=now + timedelta(seconds=_HELD_SECONDS),
                lease_id=lease_id,
            )
        endings = [Ending(item, "refused", "grant_not_live") for item in dead]
        end(connection, self._gateway, endings, lease_id=lease_id)

    def _land(
        self, connection: Connection, target: str, load: _Load, answers: list[MessageAnswer]
    ) -> None:
        """Writes down what became of each message of a flight that arrived."""
        now = self._gateway.security()
        to_node = target.startswith("node:")
        endings: list[Ending] = []
        again: list[str] = []
        for item, answer in zip(load.messages, answers, strict=True):
            if answer.result != "refused":
                flagged = item.id in load.unconfirmed
                endings.append(Ending(item, "delivered", unconfirmed=flagged, told=to_node))
            elif answer.problem is None or _passes(answer.problem.status):
                again.append(item.id)
            else:
                endings.append(Ending(item, "refused", _name_of(answer)))
        end(connection, self._gateway, endings, lease_id=load.lease_id)
        if again:
            deliveries.release(
                connection,
                again,
                now=now,
                due_at=now + self._pause(2),
                error="receiver_not_ready",
                lease_id=load.lease_id,
            )
        if load.receipts:
            deliveries.finish_receipts(
                connection,
                [item.id for item in load.receipts],
                lease_id=load.receipts[0].lease_id,
            )

    async def _back_off(
        self, target: str, state: _Target, load: _Load, error: RetryableError
    ) -> None:
        state.failures += 1
        pause = self._pause(state.failures)
        if error.retry_after is not None:
            cap = self._gateway.settings.retry_cap_seconds
            pause = max(pause, timedelta(seconds=min(error.retry_after, cap)))
        get_logger().warning(
            "flight_postponed",
            reason=error.cause,
            attempt=state.failures,
            count=len(load.messages),
            peer=split_target(target)[1],
        )
        await self._gateway.database.write(self._put_back, load, pause, error.cause, refused=False)

    async def _refused(self, target: str, state: _Target, load: _Load, error: RefusedError) -> None:
        """The other side refused the whole batch: smaller ones find out whose fault that is."""
        state.failures += 1
        state.limit = max(1, state.limit // 2)
        get_logger().error(
            "flight_refused",
            status=error.status,
            problem=error.name,
            count=len(load.messages),
            peer=split_target(target)[1],
        )
        cause = error.name or error.oauth_error or f"status_{error.status}"
        await self._gateway.database.write(
            self._put_back, load, self._pause(state.failures), cause, refused=True
        )

    def _put_back(
        self, connection: Connection, load: _Load, pause: timedelta, cause: str, *, refused: bool
    ) -> None:
        now = self._gateway.security()
        most = self._gateway.settings.refusals_before_dead
        dead = [item for item in load.messages if refused and item.refusals + 1 >= most]
        again = [item.id for item in load.messages if item not in dead]
        if again:
            deliveries.release(
                connection,
                again,
                now=now,
                due_at=now + pause,
                error=cause,
                lease_id=load.lease_id,
                refused=refused,
            )
        problem = cause if cause in PROBLEM_TYPES else None
        end(
            connection,
            self._gateway,
            [Ending(item, "dead", problem) for item in dead],
            lease_id=load.lease_id,
        )
        if load.receipts:
            deliveries.release_receipts(
                connection,
                [item.id for item in load.receipts],
                now=now,
                due_at=now + pause,
                error=cause,
                lease_id=load.receipts[0].lease_id,
            )

    def _pause(self, failures: int) -> timedelta:
        return timedelta(
            seconds=delay_seconds(
                failures,
                base=_FIRST_PAUSE_SECONDS,
                cap=self._gateway.settings.retry_cap_seconds,
                jitter=random.random(),  # noqa: S311 - only spreads retries
            )
        )


async def _answered(send: Send, batch: MessageBatch) -> BatchAnswer:
    answer = await send(batch)
    if len(answer.answers) != len(batch.envelopes):
        raise RetryableError("not_of_this_contract")
    return answer


def _whole_receipts(connection: Connection, items: list[WaitingReceipt]) -> list[Receipt]:
    places = [item.ledger_index for item in items if item.ledger_index is not None]
    ours = ledger.receipts_at(connection, places) if places else {}
    return [
        ours[item.ledger_index]
        if item.ledger_index is not None
        else Receipt.model_validate_json(item.receipt or "")
        for item in items
    ]


def _passes(status: int) -> bool:
    """Whether a refusal is of the kind that passes."""
    return status >= 500 or status in _RETRYABLE_STATUS


def _name_of(answer: MessageAnswer) -> str | None:
    name = answer.problem.type.rpartition("/")[2] if answer.problem else ""
    return name if name in PROBLEM_TYPES else None


async def expire(gateway: Gateway) -> bool:
    """Ends what nobody fetched in time; True when there may be more."""
    return await gateway.database.write(_expire, gateway)


def _expire(connection: Connection, gateway: Gateway) -> bool:
    late = deliveries.expired(
        connection,
        now=gateway.business(),
        lease_now=gateway.security(),
        limit=MAX_BATCH_MESSAGES,
    )
    end(connection, gateway, [Ending(item, "expired") for item in late])
    return len(late) == MAX_BATCH_MESSAGES
