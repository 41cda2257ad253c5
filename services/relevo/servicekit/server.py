"""One process: the HTTP server and the workers beside it, started and stopped in order."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Generator, Sequence
from typing import Final

import uvicorn
from starlette.types import ASGIApp
from typing_extensions import override

from .http_protocol import BoundedHttpProtocol
from .logging import get_logger
from .settings import ServiceSettings
from .worker import Worker

GRACE_SECONDS: Final = 15


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling, which would end the process before the workers."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextlib.contextmanager
    @override
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def run(app: ASGIApp, settings: ServiceSettings, workers: Sequence[Worker] = ()) -> None:
    """Serve until SIGTERM or SIGINT; then let workers and requests finish what they began.

    Raises:
        SystemExit: The server did not start, for instance because its port is taken.
    """
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(serve(app, host=settings.host, port=settings.port, workers=workers))


def new_loop() -> asyncio.AbstractEventLoop:
    """The fastest event loop that there is here."""
    try:
        import uvloop  # noqa: PLC0415 - there is none for Windows
    except ImportError:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


async def serve(
    app: ASGIApp,
    *,
    host: str,
    port: int,
    workers: Sequence[Worker] = (),
    stop: asyncio.Event | None = None,
) -> None:
    """What `run` runs; `stop` ends it as a signal does."""
    stop = stop or asyncio.Event()
    server = _Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            http=BoundedHttpProtocol,
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )
    with _signals(stop):
        await _run_in_order(server, workers, stop)
    if not server.started:
        get_logger().error("server_did_not_start", host=host, port=port)
        raise SystemExit(3)


async def _run_in_order(server: _Server, workers: Sequence[Worker], stop: asyncio.Event) -> None:
    serving = asyncio.create_task(_serve(server, stop))
    await server.ready.wait()
    # Workers stand on what the application opens when it starts.
    begin = workers if server.started else ()
    running = [asyncio.create_task(worker.run(), name=worker.name) for worker in begin]
    if server.started:
        get_logger().info("serving", count=len(running))
    await stop.wait()
    # And must have ended before it closes: their last transaction needs the database.
    for worker in workers:
        worker.stop()
    if running:
        _, late = await asyncio.wait(running, timeout=GRACE_SECONDS)
        for task in late:
            get_logger().warning("worker_did_not_stop", worker=task.get_name())
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    server.should_exit = True
    await serving
    get_logger().info("stopped")


async def _serve(server: _Server, stop: asyncio.Event) -> None:
    try:
        await server.serve()
    except SystemExit:
        # uvicorn's way of saying that the port is taken; `started` tells the same.
        get_logger().error("server_ended")
    finally:
        server.ready.set()
        stop.set()


@contextlib.contextmanager
def _signals(stop: asyncio.Event) -> Generator[None, None, None]:
    loop = asyncio.get_running_loop()
    handled: list[signal.Signals] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        # Elsewhere than in the main thread (tests), or on Windows, `stop` is the only way.
        with contextlib.suppress(ValueError, RuntimeError):
            loop.add_signal_handler(number, stop.set)
            handled.append(number)
    try:
        yield
    finally:
        for number in handled:
            loop.remove_signal_handler(number)
