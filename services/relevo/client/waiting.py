"""Carries plans out on the running event loop, with httpx."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx

from . import over_httpx
from .plan import Alone, Exchange, Give, Items, Pause, Plan, Running, Step
from .settings import ClientSettings


class WaitingDriver:
    """One connection pool, and a lock for what only one task does at a time."""

    def __init__(
        self, settings: ClientSettings, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._http = httpx.AsyncClient(
            **over_httpx.options(settings), transport=transport, follow_redirects=False
        )
        self._alone = asyncio.Lock()

    async def run(self, plan: Plan[Any]) -> Any:
        """The plan's result."""
        running = Running(plan)
        while running.step is not None:
            await self._after(running, running.step)
        return running.result

    async def iterate(self, plan: Items[Any]) -> AsyncIterator[Any]:
        """The plan's items, each as soon as it is there."""
        running = Running(plan)
        try:
            while running.step is not None:
                if isinstance(running.step, Give):
                    yield running.step.item
                    running.go_on(None)
                else:
                    await self._after(running, running.step)
        finally:
            running.close()

    async def aclose(self) -> None:
        await self._http.aclose()

    async def _after(self, running: Running, step: Step | Give[Any]) -> None:
        try:
            result = await self._carried_out(step)
        except Exception as error:  # noqa: BLE001 - whatever happened, the plan decides
            running.fail(error)
        else:
            running.go_on(result)

    async def _carried_out(self, step: Step | Give[Any]) -> Any:
        match step:
            case Exchange(request):
                try:
                    answer = await self._http.request(**over_httpx.asked(request))
                except httpx.TransportError as error:
                    raise over_httpx.lost(error) from None
                return over_httpx.response(answer)
            case Pause(seconds):
                await asyncio.sleep(seconds)
            case Alone(plan):
                async with self._alone:
                    return await self.run(plan())
            case Give():
                pass  # only an iteration takes items
        return None
