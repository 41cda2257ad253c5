"""Ports of this machine that nobody uses, and that the system does not hand out by itself."""

import random
import socket
from typing import Final

_RANGE: Final = range(20_000, 32_000)
"""Below what Linux and macOS take for outgoing connections, so a restarted service finds its port free."""


def free_ports(count: int) -> list[int]:
    """So many different ones.

    Raises:
        OSError: There are not enough.
    """
    found: list[int] = []
    for port in random.sample(_RANGE, len(_RANGE)):
        if len(found) == count:
            return found
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
    raise OSError("no free ports are left")
