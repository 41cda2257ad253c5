"""A line between an institution and the world, which can be cut and mended.

It forwards TCP, byte for byte. A cut line breaks what passes and resets whoever tries, on the same
ports, so that nobody else can take them meanwhile. It remembers what it carried: that is what
somebody who taps the line would hold.
"""

import asyncio
import contextlib
import socket
import struct
import threading
from types import TracebackType
from typing import Final, Self

_PIECE: Final = 64 * 1024
_REMEMBERED: Final = 16 * 1024 * 1024


class Link:
    """Forwarders in a thread of their own, all up or all down."""

    def __init__(self) -> None:
        self.is_up = True
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="link", daemon=True)
        self._thread.start()
        self._servers: list[asyncio.Server] = []
        self._open: set[asyncio.Task[None]] = set()
        self._carried = bytearray()

    def forward(self, to_port: int) -> int:
        """Begins to forward a new port of this machine to another one, and says which."""
        return asyncio.run_coroutine_threadsafe(self._listen(to_port), self._loop).result(10)

    def take_down(self) -> None:
        """Cuts the line: whatever is on its way is lost."""
        self.is_up = False
        asyncio.run_coroutine_threadsafe(self._break_off(), self._loop).result(10)

    def bring_up(self) -> None:
        """Mends the line."""
        self.is_up = True

    def tapped(self) -> bytes:
        """What passed so far, as somebody who taps the line holds it."""
        return bytes(self._carried)

    def close(self) -> None:
        """Ends all forwarding. May be called twice."""
        if self._loop.is_closed():
            return
        asyncio.run_coroutine_threadsafe(self._shut(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    async def _listen(self, to_port: int) -> int:
        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            passing = asyncio.ensure_future(self._pass_on(reader, writer, to_port))
            self._open.add(passing)
            try:
                # Cancelled from outside, it ends here and not in asyncio's own callback.
                await asyncio.wait([passing])
            finally:
                self._open.discard(passing)
                _reset(writer)

        server = await asyncio.start_server(accept, "127.0.0.1", 0, family=socket.AF_INET)
        self._servers.append(server)
        port: int = server.sockets[0].getsockname()[1]
        return port

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, to_port: int
    ) -> None:
        if not self.is_up:
            return
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", to_port)
        except OSError:
            return
        try:
            # Either side closing ends both: HTTP needs no half-open connection.
            ways = [
                asyncio.ensure_future(self._pump(reader, far_writer)),
                asyncio.ensure_future(self._pump(far_reader, writer)),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        finally:
            _reset(far_writer)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while piece := await reader.read(_PIECE):
                if len(self._carried) < _REMEMBERED:
                    self._carried += piece
                writer.write(piece)
                await writer.drain()

    async def _break_off(self) -> None:
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _shut(self) -> None:
        for server in self._servers:
            server.close()
        await self._break_off()
        # Transports close their sockets one turn of the loop after they were told to.
        await asyncio.sleep(0.01)


def _reset(writer: asyncio.StreamWriter) -> None:
    # Without lingering, so that the other end notices at once and cannot take it for an ordinary end.
    with contextlib.suppress(OSError):
        writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
    writer.transport.abort()
