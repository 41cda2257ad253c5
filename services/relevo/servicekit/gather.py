"""What arrives together is done together: whatever comes while a batch runs is the next batch.

For work whose cost is mostly per statement and per transaction, not per item.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")

GATHER_SECONDS: Final = 0.001


@dataclass(frozen=True, slots=True)
class _Waiting(Generic[Item, Outcome]):
    item: Item
    future: asyncio.Future[Outcome]


class Gather(Generic[Item, Outcome]):
    """Gives items to `run` in batches, one batch at a time; a lone item does not wait for others.

    Args:
        run: Does a batch; its outcomes are in the order of the items.
        most: Largest batch.
    """

    def __init__(
        self, run: Callable[[list[Item]], Awaitable[Sequence[Outcome]]], *, most: int = 64
    ) -> None:
        self._run = run
        self._most = most
        self._waiting: deque[_Waiting[Item, Outcome]] = deque()
        self._running: asyncio.Task[None] | None = None
        self._busy = False

    async def add(self, item: Item) -> Outcome:
        """The outcome of one item.

        An item is done even when whoever added it is cancelled meanwhile. When a batch fails, each of
        its items is tried alone, so that none fails for another's sake.
        """
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(item, future))
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._serve())
        return await future

    async def _serve(self) -> None:
        while self._waiting:
            # Those just answered tend to come back together: worth a moment, but only then.
            await asyncio.sleep(GATHER_SECONDS if self._busy else 0)
            size = min(len(self._waiting), self._most)
            self._busy = size > 1
            await self._do([self._waiting.popleft() for _ in range(size)])

    async def _do(self, batch: list[_Waiting[Item, Outcome]]) -> None:
        try:
            outcomes = await self._run([waiting.item for waiting in batch])
        except Exception as error:  # noqa: BLE001 - goes to whoever added the item
            if len(batch) > 1:
                for waiting in batch:
                    await self._do([waiting])
            elif not batch[0].future.done():
                batch[0].future.set_exception(error)
            return
        for waiting, outcome in zip(batch, outcomes, strict=True):
            if not waiting.future.done():
                waiting.future.set_result(outcome)
