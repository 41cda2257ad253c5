"""Many services in this process, each on a port of its own: real HTTP, one event loop in a thread.

So a whole region fits on one machine; what it costs to run a service as a process of its own is
shown by the demo and the network tests.
"""

import asyncio
import threading
import time
from concurrent.futures import Future
from typing import Final

import httpx

from relevo.assembly import gateway_process, node_process
from relevo.sandbox.places import GatewayPlace, NodePlace
from relevo.servicekit import server

_READY_SECONDS: Final = 30
_POLL_SECONDS: Final = 0.02


class Host:
    """Runs services by name."""

    def __init__(self) -> None:
        self._loop = server.new_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="services", daemon=True)
        self._thread.start()
        self._running: dict[str, tuple[asyncio.Event, Future[None]]] = {}
        self._http = httpx.Client(trust_env=False, timeout=5)

    def start(self, place: NodePlace | GatewayPlace) -> None:
        """Starts a service and waits until it can do its job.

        Raises:
            RuntimeError: It ended, or takes too long.
        """
        if isinstance(place, NodePlace):
            app, workers = node_process.build(place.settings, place.auth)
        else:
            app, workers = gateway_process.build(place.settings, place.auth)
        stop = asyncio.Event()
        running = asyncio.run_coroutine_threadsafe(
            server.serve(app, host="127.0.0.1", port=place.port, workers=workers, stop=stop),
            self._loop,
        )
        self._running[place.name] = stop, running
        deadline = time.monotonic() + _READY_SECONDS
        while (wrong := self._missing(place.address)) is not None:
            if running.done():
                raise RuntimeError(f"{place.name} ended when it started") from running.exception()
            if time.monotonic() > deadline:
                raise RuntimeError(f"{place.name} does not become ready: {wrong}")
            time.sleep(_POLL_SECONDS)

    @property
    def running(self) -> list[str]:
        """What runs now, and longest first."""
        return list(self._running)

    def is_running(self, name: str) -> bool:
        return name in self._running

    def stop(self, *names: str) -> None:
        """Lets these, or all, finish what they do and end."""
        ending = [self._running.pop(name) for name in names or list(self._running)]
        for stop, _ in ending:
            self._loop.call_soon_threadsafe(stop.set)
        for _, running in ending:
            running.result(2 * server.GRACE_SECONDS)

    def close(self) -> None:
        """Ends everything."""
        self.stop()
        self._http.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _missing(self, address: str) -> str | None:
        """What keeps a service from its job; nothing when it is ready."""
        try:
            answer = self._http.get(f"{address}/readyz")
        except httpx.HTTPError as error:
            return repr(error)
        return None if answer.is_success else answer.text
