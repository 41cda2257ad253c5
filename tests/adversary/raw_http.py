"""HTTP by hand: exactly these bytes, and whatever comes back."""

import contextlib
import json
import socket
from dataclasses import dataclass
from typing import Any

from tests.support.serving import HOST


@dataclass(frozen=True)
class Answer:
    """One response."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def exchange(port: int, *pieces: bytes, patience: float = 20) -> tuple[list[Answer], bytes]:
    """Every response until the service closes, and all bytes of them.

    Raises:
        TimeoutError: Nothing came for that many seconds.
    """
    raw = b""
    with socket.create_connection((HOST, port), timeout=patience) as connection:
        # Whoever is refused while he still speaks is cut off; what was said before is there to read.
        with contextlib.suppress(ConnectionError):
            for piece in pieces:
                connection.sendall(piece)
        with contextlib.suppress(ConnectionError):
            while got := connection.recv(65536):
                raw += got
    return _parsed(raw), raw


def _parsed(raw: bytes) -> list[Answer]:
    answers: list[Answer] = []
    rest = raw
    while rest:
        head, _, rest = rest.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value for name, _, value in (line.partition(": ") for line in lines)
        }
        if "transfer-encoding" in headers:
            raise AssertionError("no answer of ours is chunked")
        length = int(headers.get("content-length", "0"))
        answers.append(Answer(int(first.split(" ", 2)[1]), headers, rest[:length]))
        rest = rest[length:]
    return answers


def request(
    path: str,
    body: bytes = b"",
    *,
    method: str = "POST",
    headers: dict[str, str] | None = None,
    fields: bytes = b"",
    length: int | None = None,
) -> bytes:
    """One request, after which the connection closes. `fields` are header lines as they stand."""
    sent = {"Host": "relevo.example", "Connection": "close", **(headers or {})}
    if length is None and "Transfer-Encoding" not in sent:
        length = len(body)
    if length is not None:
        sent["Content-Length"] = str(length)
    lines = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
    head = f"{method} {path} HTTP/1.1\r\n{lines}".encode("latin-1")
    return head + fields + b"\r\n" + body


def chunked(body: bytes, size: int = 8192) -> bytes:
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in [*pieces, b""])
