"""A load generator that costs little itself: ready-made bytes over raw connections, no HTTP library."""

import asyncio
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

import uvloop

from .measure import Figures


class WrongAnswerError(RuntimeError):
    """A measurement of refusals would be worth nothing."""


@dataclass(frozen=True)
class Load:
    """What came of it: how many were answered in which time, each one's wait in seconds, and the last
    answer of each connection.
    """

    seconds: float
    waits: list[float]
    bodies: list[bytes]

    def figures(self, *, each: int = 1) -> Figures:
        """As figures; `each` is how many operations one request is."""
        waits = sorted(self.waits)
        return {
            "rate": each * len(waits) / self.seconds,
            "seconds": self.seconds,
            "p50_ms": 1000 * waits[len(waits) // 2],
            "p99_ms": 1000 * waits[min(len(waits) - 1, int(len(waits) * 0.99))],
        }


def request(
    method: str, path: str, body: bytes, headers: Mapping[str, str], *, content_type: str = ""
) -> bytes:
    """One request as it stands on the wire."""
    lines = [f"{method} {path} HTTP/1.1", "host: 127.0.0.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += [f"content-type: {content_type or 'application/json'}", f"content-length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def drive(
    port: int,
    requests: Iterable[bytes],
    *,
    connections: int,
    seconds: float,
    status: int = 200,
) -> Load:
    """Sends from all connections, each its next request as soon as it is answered.

    Args:
        port: Of this machine.
        requests: Bytes of `request`; taken one after the other by whoever is free.
        connections: How many at once.
        seconds: When no new request is begun; earlier when there are no more.
        status: What every answer must have.

    Raises:
        WrongAnswerError: An answer had another status.
    """
    return uvloop.run(_drive(port, iter(requests), connections, seconds, status))


async def _drive(
    port: int, requests: Iterator[bytes], connections: int, seconds: float, status: int
) -> Load:
    began = time.perf_counter()
    until = began + seconds
    expected = f"HTTP/1.1 {status} ".encode()
    done = await asyncio.gather(
        *(_one(port, requests, until, expected) for _ in range(connections))
    )
    waits = list(chain.from_iterable(waits for waits, _ in done))
    return Load(time.perf_counter() - began, waits, [body for _, body in done])


async def _one(
    port: int, requests: Iterator[bytes], until: float, expected: bytes
) -> tuple[list[float], bytes]:
    waits: list[float] = []
    body = b""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=4 * 1024 * 1024)
    try:
        for data in requests:
            began = time.perf_counter()
            if began >= until:
                break
            writer.write(data)
            head = await reader.readuntil(b"\r\n\r\n")
            body = await reader.readexactly(_length(head))
            waits.append(time.perf_counter() - began)
            if not head.startswith(expected):
                raise WrongAnswerError((head + body)[:2000].decode("utf-8", "replace"))
    finally:
        writer.close()
        await writer.wait_closed()
    return waits, body


def _length(head: bytes) -> int:
    _, _, rest = head.lower().partition(b"content-length:")
    return int(rest.partition(b"\r\n")[0] or 0)
