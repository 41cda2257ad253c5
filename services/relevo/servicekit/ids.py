"""Names for new things."""

import os
import secrets
import threading
import time
import uuid

from relevo.contracts.identifiers import reference_code

_lock = threading.Lock()
_last = 0


def new_id() -> str:
    """A UUIDv7 (RFC 9562): tells when it was made; those of one process sort in their order."""
    global _last  # noqa: PLW0603 - the last one given is what makes the next one greater
    nanoseconds = time.time_ns()
    milliseconds, rest = divmod(nanoseconds, 1_000_000)
    # RFC 9562 §6.2 method 3: the 12 bits after the milliseconds are a fraction of one.
    ticks = milliseconds << 12 | (rest << 12) // 1_000_000
    with _lock:
        if ticks <= _last:
            ticks = _last + 1
        _last = ticks
    random_bits = int.from_bytes(os.urandom(8)) & (1 << 62) - 1
    value = (ticks >> 12) << 80 | 0x7 << 76 | (ticks & 0xFFF) << 64 | 0b10 << 62 | random_bits
    return str(uuid.UUID(int=value))


def random_id() -> str:
    """A UUIDv4, for what must not tell when it was made (grants)."""
    return str(uuid.uuid4())


def new_reference_code(country: str) -> str:
    """A code that people can read out, not to be guessed: 50 random bits.

    Args:
        country: ISO 3166-1 alpha-2 code of the country of the sender's home gateway.
    """
    return reference_code(country, secrets.randbits(50))
