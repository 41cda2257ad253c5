"""One process: serve, or only work."""

import asyncio
import contextlib
import os
import signal
import threading
from collections.abc import Sequence
from typing import Final

from fastapi import FastAPI

from relevo.servicekit.logging import get_logger
from relevo.servicekit.worker import Worker

from .beside import Beside

_GRACE_SECONDS: Final = 15


async def work(app: Beside, workers: Sequence[Worker]) -> None:
    """Runs a service's workers without serving requests, until SIGTERM or SIGINT."""
    stop = _stopped_by_signal()
    async with app.running():
        running = [asyncio.create_task(worker.run(), name=worker.name) for worker in workers]
        get_logger().info("working", count=len(running))
        await stop.wait()
        for worker in workers:
            worker.stop()
        if running:
            _, late = await asyncio.wait(running, timeout=_GRACE_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
    get_logger().info("stopped")


async def alone(app: FastAPI) -> None:
    """Keeps an application started that brings its own worker, until SIGTERM or SIGINT."""
    stop = _stopped_by_signal()
    async with app.router.lifespan_context(app):
        get_logger().info("working", count=1)
        await stop.wait()
    get_logger().info("stopped")


def _stopped_by_signal() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stop.set)
    return stop


def stop_with_parent() -> None:
    """Ends this process when whoever holds the other end of its standard input is gone.

    That is how the processes of a sandbox never outlive it, whatever ended it.
    """

    def wait() -> None:
        # The descriptor itself: Python's own buffer may be locked while the process ends.
        with contextlib.suppress(OSError):
            while os.read(0, 1024):
                pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="parent", daemon=True).start()
