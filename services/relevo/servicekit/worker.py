"""A loop that does work as long as there is some, and waits when there is none."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import structlog

from .backoff import delay_seconds

_log = structlog.get_logger()


class Worker:
    """Runs `step` again at once while it returns True, which says that more work may wait.

    After False it waits for `wake()` or for `idle_seconds`; after a number, for `wake()` or for so
    many seconds. A step that fails is logged and tried again later and later; it never ends the
    worker.
    """

    def __init__(
        self,
        name: str,
        step: Callable[[], Awaitable[bool | float]],
        *,
        idle_seconds: float = 1.0,
    ) -> None:
        self.name = name
        self.failures = 0
        self.running = False
        self._step = step
        self._idle_seconds = idle_seconds
        self._stopped = False
        self._awake = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def wake(self) -> None:
        """Says that there is work, from any thread."""
        if self._loop is not None and not self._awake.is_set() and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._awake.set)

    def stop(self) -> None:
        """Ends the loop after the step that runs now, from any thread."""
        self._stopped = True
        self.wake()

    async def run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.running = True
        try:
            while not self._stopped:
                # Cleared before the step looks: who wakes us meanwhile is not missed.
                self._awake.clear()
                if self._stopped:
                    break
                await self._run_step()
        finally:
            self.running = False

    async def _run_step(self) -> None:
        try:
            outcome = await self._step()
        except Exception as error:  # noqa: BLE001 - a worker outlives whatever its step meets
            self.failures += 1
            _log.error(
                "worker_step_failed", worker=self.name, attempt=self.failures, exc_info=error
            )
            await self._pause(delay_seconds(self.failures, cap=60, jitter=random.random()))  # noqa: S311 - only spreads retries
            return
        self.failures = 0
        if outcome is False:
            await self._pause(self._idle_seconds)
        elif outcome is not True:
            await self._pause(outcome)

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._awake.wait()
        except TimeoutError:
            pass
