"""Institutions without an open port fetch what is for them, under leases as our own worker's are."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection

from relevo.contracts.exchange import BatchAnswer, MailboxLease
from relevo.contracts.problem import FieldError, ProblemError
from relevo.gateway.domain.delivery import mailbox_target
from relevo.gateway.storage import deliveries
from relevo.servicekit.logging import get_logger

from . import loads
from .context import Gateway
from .directory import Directory
from .loads import Bounds, Load

_LOOK_SECONDS: Final = 0.5
"""How soon what another process took, or what was held, is seen."""
_ENVELOPE_BYTES: Final = 768 * 1024
_RECEIPT_BYTES: Final = 252 * 1024
"""Together, and with what JSON puts around them, less than a mebibyte."""

Gone = Callable[[], Awaitable[bool]]


class Mailboxes:
    """Leases mailboxes, and keeps whoever asks waiting until something comes."""

    def __init__(self, gateway: Gateway, directory: Directory) -> None:
        self._gateway = gateway
        self._directory = directory
        self._waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._changed = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._looking: asyncio.Task[None] | None = None
        self._closed = False

    async def lease(
        self, institution: str, *, limit: int, wait_seconds: float, gone: Gone
    ) -> MailboxLease:
        """What waits for an institution, or what comes within that time.

        Args:
            institution: Whose mailbox.
            limit: Most messages.
            wait_seconds: How long to wait for something.
            gone: Whether nobody waits for the answer any more; then nothing is leased.

        Raises:
            ProblemError: `receiver_not_active`.
        """
        target = mailbox_target(institution)
        bounds = Bounds(
            self._gateway.settings.mailbox_lease_seconds,
            messages=limit,
            envelope_bytes=_ENVELOPE_BYTES,
            receipt_bytes=_RECEIPT_BYTES,
        )
        loop = asyncio.get_running_loop()
        until = loop.time() + wait_seconds
        with self._woken(target) as queued:
            while not await gone():
                queued.clear()
                await self._gateway.database.read(self._check_active, institution)
                expires_at = self._gateway.security() + timedelta(seconds=bounds.lease_seconds)
                load = await loads.take(self._gateway, target, bounds)
                if not load.is_empty:
                    get_logger().info(
                        "mailbox_leased", institution=institution, count=len(load.messages)
                    )
                    return MailboxLease.model_construct(
                        lease_id=load.lease_id,
                        expires_at=expires_at,
                        envelopes=load.envelopes,
                        receipts=load.receipts,
                    )
                if load.worked:
                    continue
                if self._closed or loop.time() >= until:
                    break
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout_at(until):
                        await queued.wait()
        return MailboxLease()

    async def acknowledge(self, institution: str, lease_id: str, answer: BatchAnswer) -> None:
        """Writes down what a node said of each message that it leased.

        Raises:
            ProblemError: `not_found`, the lease ran out, was acknowledged before or is not this
                institution's; `invalid_input`, the answers are not one for each message, in order.
        """
        await self._gateway.database.write(
            _acknowledge, self._gateway, institution, lease_id, answer
        )
        self._gateway.wake()

    def wake(self) -> None:
        """Says that something may have come, from any thread."""
        if self._loop is not None and self._waiting and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._changed.set)

    def close(self) -> None:
        """Lets go whoever waits, from any thread; nobody waits from now on."""
        self._closed = True
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake_all)

    def _wake_all(self) -> None:
        for events in self._waiting.values():
            for event in events:
                event.set()

    def _check_active(self, connection: Connection, institution: str) -> None:
        known = self._directory.home(connection, [institution]).get(institution)
        if known is None:
            raise ProblemError("receiver_not_active", receiver=institution, state="unknown")
        if known.state != "active":
            raise ProblemError("receiver_not_active", receiver=institution, state=known.state)

    @contextlib.contextmanager
    def _woken(self, target: str) -> Iterator[asyncio.Event]:
        """An event that is set whenever something may wait for a target."""
        self._loop = asyncio.get_running_loop()
        event = asyncio.Event()
        self._waiting[target].add(event)
        if self._looking is None or self._looking.done():
            self._looking = self._loop.create_task(self._look())
        try:
            yield event
        finally:
            self._waiting[target].discard(event)
            if not self._waiting[target]:
                del self._waiting[target]
            if not self._waiting and self._looking is not None:
                self._looking.cancel()
                self._looking = None

    async def _look(self) -> None:
        """One look for all who wait: they never ask the database each for themselves."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SECONDS):
                    await self._changed.wait()
            self._changed.clear()
            try:
                due = await self._gateway.database.read(
                    deliveries.due_targets, now=self._gateway.security()
                )
            except Exception as error:  # noqa: BLE001 - the next look may find the database back
                get_logger().error("mailboxes_not_looked_at", exc_info=error)
                continue
            for target in due:
                for event in self._waiting.get(target, ()):
                    event.set()


def _acknowledge(
    connection: Connection, gateway: Gateway, institution: str, lease_id: str, answer: BatchAnswer
) -> None:
    target, now = mailbox_target(institution), gateway.security()
    load = Load(
        target,
        lease_id,
        deliveries.of_lease(connection, target, lease_id, now=now),
        deliveries.receipts_of_lease(connection, target, lease_id, now=now),
    )
    if load.is_empty:
        raise ProblemError("not_found")
    if len(answer.answers) != len(load.messages):
        detail = f"one answer for each message of the lease: {len(load.messages)}"
        raise ProblemError("invalid_input", errors=[FieldError(pointer="/answers", detail=detail)])
    errors = [
        FieldError(pointer=f"/answers/{place}/message_id", detail="not the message at this place")
        for place, (item, said) in enumerate(zip(load.messages, answer.answers, strict=True))
        if said.message_id not in {None, item.id}
    ]
    if errors:
        raise ProblemError("invalid_input", errors=errors)
    loads.land(connection, gateway, load, answer.answers)
