"""Ports of this machine that nobody uses, and that the system does not hand out by itself."""

import atexit
import random
import socket
import threading
from collections.abc import Iterator
from typing import Final

_RANGE: Final = range(20_000, 32_000)
"""Below what Linux and macOS take for outgoing connections, so a restarted service finds its port free."""
_BLOCK: Final = 40

_lock = threading.Lock()


def free_port() -> int:
    """A port that no other call gives out, in this process or in another that runs beside it.

    Raises:
        OSError: There is none left.
    """
    with _lock:
        for port in _ports:
            if (probe := _bound(port)) is not None:
                probe.close()
                return port
    raise OSError("no free port is left")


def _own_ports() -> Iterator[int]:
    """The ports of blocks that only this process draws from: it holds the first of each."""
    starts = _RANGE[::_BLOCK]
    for start in random.sample(starts, len(starts)):
        if (first := _bound(start)) is not None:
            atexit.register(first.close)
            yield from range(start + 1, start + _BLOCK)


def _bound(port: int) -> socket.socket | None:
    probe = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        probe.bind(("127.0.0.1", port))
    except OSError:
        probe.close()
        return None
    return probe


_ports = _own_ports()
