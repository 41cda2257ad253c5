"""Carries plans out in the calling thread, with httpx. Safe to use from several threads."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx

from . import over_httpx
from .plan import Alone, Exchange, Give, Items, Pause, Plan, Running, Step
from .settings import ClientSettings


class BlockingDriver:
    """One connection pool, and a lock for what only one thread does at a time."""

    def __init__(
        self, settings: ClientSettings, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._http = httpx.Client(
            **over_httpx.options(settings), transport=transport, follow_redirects=False
        )
        self._alone = threading.Lock()

    def run(self, plan: Plan[Any]) -> Any:
        """The plan's result."""
        running = Running(plan)
        while running.step is not None:
            self._after(running, running.step)
        return running.result

    def iterate(self, plan: Items[Any]) -> Iterator[Any]:
        """The plan's items, each as soon as it is there."""
        running = Running(plan)
        try:
            while running.step is not None:
                if isinstance(running.step, Give):
                    yield running.step.item
                    running.go_on(None)
                else:
                    self._after(running, running.step)
        finally:
            running.close()

    def close(self) -> None:
        self._http.close()

    def _after(self, running: Running, step: Step | Give[Any]) -> None:
        try:
            result = self._carried_out(step)
        except Exception as error:  # noqa: BLE001 - whatever happened, the plan decides
            running.fail(error)
        else:
            running.go_on(result)

    def _carried_out(self, step: Step | Give[Any]) -> Any:
        match step:
            case Exchange(request):
                try:
                    return over_httpx.response(self._http.request(**over_httpx.asked(request)))
                except httpx.TransportError as error:
                    raise over_httpx.lost(error) from None
            case Pause(seconds):
                time.sleep(seconds)
            case Alone(plan):
                with self._alone:
                    return self.run(plan())
            case Give():
                pass  # only an iteration takes items
        return None
