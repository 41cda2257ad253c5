"""An application behind a real socket, served as `relevo … serve` does it, in a thread of its own."""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterator

from starlette.types import ASGIApp

from relevo.sandbox.ports import free_port
from relevo.servicekit.server import serve

HOST = "127.0.0.1"
_PATIENCE_SECONDS = 20.0


@contextlib.contextmanager
def served(app: ASGIApp) -> Iterator[int]:
    """The port at which the application answers until the block ends."""
    port = free_port()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    thread = threading.Thread(
        target=loop.run_until_complete,
        args=(serve(app, host=HOST, port=port, stop=stop),),
        name="served",
        daemon=True,
    )
    thread.start()
    try:
        _await_answer(port, thread)
        yield port
    finally:
        if thread.is_alive():
            loop.call_soon_threadsafe(stop.set)
        thread.join(_PATIENCE_SECONDS)
        loop.close()


def _await_answer(port: int, thread: threading.Thread) -> None:
    until = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < until and thread.is_alive():
        try:
            socket.create_connection((HOST, port), timeout=1).close()
        except OSError:
            time.sleep(0.01)
        else:
            return
    raise RuntimeError("the application does not answer")
