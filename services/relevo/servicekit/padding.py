"""Sealed content is padded, so its size does not tell a gateway which kind of case it is."""

from typing import Final

BUCKETS: Final = tuple(1024 << power for power in range(9))
"""Sizes in bytes: 1, 2, 4 … 256 KiB."""


class TooLargeToPadError(ValueError):
    """The content does not fit into the largest bucket."""


def pad(json_bytes: bytes) -> bytes:
    """JSON of a bucket's size. Trailing spaces are JSON white space: there is nothing to undo.

    Raises:
        TooLargeToPadError: It is larger than 256 KiB.
    """
    for bucket in BUCKETS:
        if len(json_bytes) <= bucket:
            return json_bytes.ljust(bucket, b" ")
    raise TooLargeToPadError(f"content exceeds {BUCKETS[-1]} bytes")
