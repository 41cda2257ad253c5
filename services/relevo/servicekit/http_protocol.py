"""HTTP/1.1 with an end to what a request's head may be, in bytes and in seconds.

uvicorn leaves both open when it parses with httptools: one connection could fill the memory with a
single header line, and a thousand could each hold one open by never ending theirs.
"""

import asyncio
from typing import Final

from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES: Final = 32 * 1024
HEAD_SECONDS: Final = 30.0

_TOO_LARGE: Final = "431 Request Header Fields Too Large"
_TOO_SLOW: Final = "408 Request Timeout"


class _RefusedHeadError(Exception):
    """Ends the parser, which then calls `send_400_response`."""


class BoundedHttpProtocol(HttpToolsProtocol):
    """One connection. A head that is too large is answered 431, one that does not end 408."""

    _in_head = True
    _begun_now = False
    _head_bytes = 0
    _too_large = False
    _head_timer: asyncio.TimerHandle | None = None

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect_head()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._head_is_here()
        super().connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        self._begun_now = False
        super().data_received(data)
        if self._in_head and not self.transport.is_closing():
            # Where in these bytes the head began is not told; the piece that it began in is free.
            self._head_bytes += 0 if self._begun_now else len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._refuse(_TOO_LARGE)

    @override
    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._begun_now, self._head_bytes = True, True, 0
        self._expect_head()

    @override
    def on_headers_complete(self) -> None:
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > MAX_HEAD_BYTES:
            self._too_large = True
            raise _RefusedHeadError
        if self.parser.get_http_version() == "1.1" and self._hosts() != 1:
            raise _RefusedHeadError  # RFC 9112 §3.2
        self._in_head = False
        self._head_is_here()
        super().on_headers_complete()

    @override
    def send_400_response(self, msg: str) -> None:
        self._head_is_here()
        if self._too_large:
            self._refuse(_TOO_LARGE)
        else:
            super().send_400_response(msg)

    @override
    def _unsupported_upgrade_warning(self) -> None:
        """Anybody may ask for another protocol, and nobody needs to read of it (RFC 9110 §7.8)."""

    def _hosts(self) -> int:
        return sum(name == b"host" for name, _ in self.headers)

    def _expect_head(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self._refuse, _TOO_SLOW)

    def _head_is_here(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _refuse(self, status: str) -> None:
        self._head_is_here()
        if self.transport.is_closing():
            return
        head = f"HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        self.transport.write(head.encode("ascii"))
        self.transport.close()
