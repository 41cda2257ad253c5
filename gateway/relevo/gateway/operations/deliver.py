"""Hop 6: what waits is handed to nodes and peers, a batch a flight, one flight a target at a time.

A push is a lease taken by our own worker. Whatever dies meanwhile, the lease runs out, somebody else
sends the same bytes again, and the receiver knows them.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection

from relevo.contracts.envelope import MAX_BATCH_MESSAGES
from relevo.contracts.exchange import BatchAnswer, MessageBatch
from relevo.gateway.domain.delivery import split_target
from relevo.gateway.storage import deliveries
from relevo.servicekit.http_client import RefusedError, RetryableError
from relevo.servicekit.logging import get_logger

from . import loads
from .context import Gateway
from .directory import Directory
from .loads import Bounds, Load

_CLOSED_SECONDS: Final = 15.0

Send = Callable[[MessageBatch], Awaitable[BatchAnswer]]


@dataclass
class _Target:
    """What is remembered of a target between flights."""

    failures: int = 0
    limit: int = MAX_BATCH_MESSAGES


class Deliverer:
    """Keeps one flight a target in the air."""

    def __init__(self, gateway: Gateway, directory: Directory) -> None:
        self._gateway = gateway
        self._directory = directory
        self._targets: dict[str, _Target] = {}
        self._flights: dict[str, asyncio.Task[None]] = {}
        self._patient: dict[str, asyncio.Event] = {}

    async def step(self) -> bool:
        """Starts a flight to each target for which something is due; False when there is none."""
        started = False
        due = await self._gateway.database.read(
            deliveries.due_targets, now=self._gateway.security()
        )
        for target, has_messages in due.items():
            if has_messages and target in self._patient:
                self._patient[target].set()
            # A mailbox is emptied by its owner.
            if target not in self._flights and split_target(target)[0] != "mailbox":
                flight = self._fly(target, patient=not has_messages)
                self._flights[target] = asyncio.create_task(flight)
                started = True
        return started

    async def drain(self) -> None:
        """Waits for the flights that are in the air."""
        while self._flights:
            await asyncio.gather(*self._flights.values(), return_exceptions=True)

    async def _fly(self, target: str, *, patient: bool) -> None:
        try:
            if patient:
                await self._wait_for_company(target)
            while await self._flight(target):
                pass
        except Exception as error:  # noqa: BLE001 - one target's trouble is not the others'
            get_logger().error("flight_failed", exc_info=error)
            await asyncio.sleep(loads.FIRST_PAUSE_SECONDS)
        finally:
            self._flights.pop(target, None)
            self._gateway.wake()

    async def _wait_for_company(self, target: str) -> None:
        """A receipt alone waits a moment: the answer to what was delivered tends to follow it."""
        joined = self._patient[target] = asyncio.Event()
        try:
            async with asyncio.timeout(self._gateway.settings.receipt_patience_seconds):
                await joined.wait()
        except TimeoutError:
            pass
        finally:
            del self._patient[target]

    async def _flight(self, target: str) -> bool:
        """Sends one batch; True when there may be more to send at once."""
        gateway = self._gateway
        send = await gateway.database.read(self._way_to, target)
        if send is None:
            until = gateway.security() + timedelta(seconds=_CLOSED_SECONDS)
            await gateway.database.write(deliveries.postpone, target, until=until)
            return False
        state = self._targets.setdefault(target, _Target())
        bounds = Bounds(gateway.settings.lease_seconds, messages=state.limit)
        load = await loads.take(gateway, target, bounds)
        if load.is_empty:
            return load.worked
        batch = MessageBatch.model_construct(envelopes=load.envelopes, receipts=load.receipts)
        try:
            answer = await _answered(send, batch)
        except RetryableError as error:
            await self._back_off(state, load, error)
            return False
        except RefusedError as error:
            await self._refused(state, load, error)
            return False
        await gateway.database.write(loads.land, gateway, load, answer.answers)
        if state.failures:
            state.failures = 0
            await gateway.database.write(deliveries.hurry, target, now=gateway.security())
        is_full = len(load.messages) >= state.limit
        state.limit = min(state.limit * 2, MAX_BATCH_MESSAGES)
        return is_full

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

    async def _back_off(self, state: _Target, load: Load, error: RetryableError) -> None:
        state.failures += 1
        wait = loads.pause(self._gateway, state.failures)
        if error.retry_after is not None:
            cap = self._gateway.settings.retry_cap_seconds
            wait = max(wait, timedelta(seconds=min(error.retry_after, cap)))
        get_logger().warning(
            "flight_postponed",
            reason=error.cause,
            attempt=state.failures,
            count=len(load.messages),
            peer=split_target(load.target)[1],
        )
        await self._put_back(load, wait, error.cause, refused=False)

    async def _refused(self, state: _Target, load: Load, error: RefusedError) -> None:
        """The other side refused the whole batch: smaller ones find out whose fault that is."""
        state.failures += 1
        state.limit = max(1, state.limit // 2)
        get_logger().error(
            "flight_refused",
            status=error.status,
            problem=error.name,
            count=len(load.messages),
            peer=split_target(load.target)[1],
        )
        cause = error.name or error.oauth_error or f"status_{error.status}"
        await self._put_back(load, loads.pause(self._gateway, state.failures), cause, refused=True)

    async def _put_back(self, load: Load, wait: timedelta, cause: str, *, refused: bool) -> None:
        await self._gateway.database.write(
            loads.put_back, self._gateway, load, wait, cause, refused=refused
        )


async def _answered(send: Send, batch: MessageBatch) -> BatchAnswer:
    answer = await send(batch)
    if len(answer.answers) != len(batch.envelopes):
        raise RetryableError("not_of_this_contract")
    return answer
