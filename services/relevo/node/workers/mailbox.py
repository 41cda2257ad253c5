"""Hop 7 without an open port: the node fetches its messages from the gateway, and says what became of each."""

import asyncio
import random
from typing import Final

import structlog
from typing_extensions import override

from relevo.contracts.envelope import MAX_BATCH_MESSAGES
from relevo.contracts.exchange import BatchAnswer, MailboxLease, MessageAnswer, MessageBatch
from relevo.contracts.problem import ProblemError
from relevo.node.operations.context import Node
from relevo.node.operations.directory import Directory
from relevo.node.operations.receive import receive
from relevo.servicekit.backoff import delay_seconds
from relevo.servicekit.http_client import RefusedError, RetryableError
from relevo.servicekit.worker import Worker

_log = structlog.get_logger()
_WAIT_SECONDS: Final = 20
"""Less than any time-out between here and the gateway."""
_LONGEST_PAUSE_SECONDS: Final = 20.0


class MailboxWorker(Worker):
    """Keeps one lease at a time: fetched, taken in, acknowledged.

    While the gateway is down it asks less and less often. An acknowledgement that got lost is said
    again; if its lease has run out meanwhile, the same messages come again and are known.
    """

    def __init__(
        self, node: Node, directory: Directory, *, wait_seconds: int = _WAIT_SECONDS
    ) -> None:
        super().__init__("mailbox", self.fetch, idle_seconds=1.0)
        self._node = node
        self._directory = directory
        self._wait_seconds = wait_seconds
        self._limit = MAX_BATCH_MESSAGES
        self._unsaid: tuple[str, BatchAnswer] | None = None
        self._tries = 0
        self._not_before = 0.0
        self._ending = asyncio.Event()

    @override
    def stop(self) -> None:
        super().stop()
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._ending.set)

    async def fetch(self) -> bool:
        """One lease. True when the gateway may be asked again at once."""
        now = asyncio.get_running_loop().time
        if now() < self._not_before:
            return False
        try:
            await self._acknowledge()
            began = now()
            lease = await self._lease()
            if lease.lease_id is None:
                self._tries = 0
                # An answer that was not kept back means that the gateway is about to stop.
                return now() - began >= self._wait_seconds / 2
            self._unsaid = lease.lease_id, await self._take(lease)
            await self._acknowledge()
        except (RetryableError, RefusedError) as error:
            self._back_off(error)
            return False
        self._tries = 0
        return True

    async def _lease(self) -> MailboxLease:
        """What waits. Whoever stops the worker need not wait for the answer."""
        asked = asyncio.create_task(
            self._node.gateway.lease(limit=self._limit, wait_seconds=self._wait_seconds)
        )
        ended = asyncio.create_task(self._ending.wait())
        try:
            await asyncio.wait({asked, ended}, return_when=asyncio.FIRST_COMPLETED)
            return asked.result() if asked.done() else MailboxLease()
        finally:
            for task in (asked, ended):
                task.cancel()
            await asyncio.gather(asked, ended, return_exceptions=True)

    async def _take(self, lease: MailboxLease) -> BatchAnswer:
        batch = MessageBatch(envelopes=lease.envelopes, receipts=lease.receipts)
        try:
            answer = await receive(self._node, self._directory, batch)
        except ProblemError as problem:
            return _not_now(batch, problem)
        except Exception as error:  # noqa: BLE001 - one message must not keep the others back for ever
            _log.error("lease_not_taken", count=len(batch.envelopes), exc_info=error)
            self._limit = max(1, len(batch.envelopes) // 2)
            return _not_now(batch, ProblemError("internal_error", error_id=lease.lease_id))
        self._limit = min(self._limit * 2, MAX_BATCH_MESSAGES)
        _log.info("lease_taken", count=len(batch.envelopes))
        return answer

    async def _acknowledge(self) -> None:
        if self._unsaid is None:
            return
        lease_id, answer = self._unsaid
        try:
            await self._node.gateway.acknowledge(lease_id, answer)
        except RefusedError as error:
            _log.warning("lease_lost", problem=error.name, status=error.status)
        self._unsaid = None

    def _back_off(self, error: RetryableError | RefusedError) -> None:
        self._tries += 1
        pause = delay_seconds(self._tries, cap=_LONGEST_PAUSE_SECONDS, jitter=random.random())  # noqa: S311 - only spreads retries
        self._not_before = asyncio.get_running_loop().time() + pause
        _log.info("mailbox_not_reached", reason=str(error), attempt=self._tries)


def _not_now(batch: MessageBatch, problem: ProblemError) -> BatchAnswer:
    """Lets every message come again: nothing of it was stored."""
    said = MessageAnswer(message_id=None, result="refused", problem=problem.problem())
    return BatchAnswer(answers=[said for _ in batch.envelopes])
