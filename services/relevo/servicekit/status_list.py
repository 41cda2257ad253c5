"""Which numbers were revoked: a bit each, compressed (Token Status List, draft-ietf-oauth-status-list).

The list says nothing of anybody. Whoever keeps a copy can check any attestation of its issuer without
asking, so that nobody learns which one was shown where.
"""

import zlib
from collections.abc import Iterable, Mapping
from typing import Any, Final

from joserfc.util import urlsafe_b64decode, urlsafe_b64encode

from .jose import MalformedTokenError

_LEVEL: Final = 9


def encode(revoked: Iterable[int], *, size: int) -> dict[str, Any]:
    """The `status_list` member for `size` numbers; a set bit is a revoked one."""
    bits = bytearray((size + 7) // 8)
    for number in revoked:
        bits[number // 8] |= 1 << number % 8
    return {
        "bits": 1,
        "lst": urlsafe_b64encode(zlib.compress(bytes(bits), _LEVEL)).decode("ascii"),
    }


def is_revoked(status_list: Mapping[str, Any], number: int, *, size: int) -> bool:
    """Whether a list names this number.

    Raises:
        MalformedTokenError: It is no such list, is too large once unpacked, or is too short for the number.
    """
    inflate = zlib.decompressobj()
    limit = (size + 7) // 8
    try:
        if status_list["bits"] != 1:
            raise MalformedTokenError("not a list of one bit each")
        bits = inflate.decompress(urlsafe_b64decode(str(status_list["lst"]).encode("ascii")), limit)
    except (KeyError, ValueError, zlib.error):
        raise MalformedTokenError("not a status list") from None
    if inflate.unconsumed_tail or not 0 <= number < len(bits) * 8:
        raise MalformedTokenError("the list does not hold this number")
    return bool(bits[number // 8] >> number % 8 & 1)
