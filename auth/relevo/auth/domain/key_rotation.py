"""When a signing key is published, signs, and is forgotten.

A new key stands in the JWKS before it signs, so that every resource server knows it by the first
token; an old key stays there until the last token it signed has expired.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from .access_token import CLOCK_LEEWAY_SECONDS, TOKEN_LIFETIME_SECONDS

PUBLISHED_BEFORE_SIGNING: Final = timedelta(seconds=120)
"""Twice the 60 s after which a resource server refuses to work with its copy of the JWKS."""
VERIFIES_AFTER_SIGNING: Final = timedelta(
    seconds=TOKEN_LIFETIME_SECONDS + CLOCK_LEEWAY_SECONDS + 30
)
"""A token's life, the leeway of whoever verifies it, and half a minute for slow requests."""


@dataclass(frozen=True, slots=True)
class KeyTimes:
    """The life of one signing key."""

    kid: str
    published_at: datetime
    signs_from: datetime
    withdrawn_at: datetime | None = None
    """Set when the key must not be trusted any more: it was or may have been copied."""

    def stands_at(self, now: datetime) -> bool:
        """Whether the key is published and trusted."""
        return self.published_at <= now and (self.withdrawn_at is None or now < self.withdrawn_at)


def signing_key_at(keys: Iterable[KeyTimes], now: datetime) -> KeyTimes | None:
    """The one key that signs at a moment: the newest of those whose time has come."""
    ready = [key for key in keys if key.stands_at(now) and key.signs_from <= now]
    return max(ready, key=lambda key: (key.signs_from, key.published_at, key.kid), default=None)


def published_keys_at(keys: Iterable[KeyTimes], now: datetime) -> list[KeyTimes]:
    """The keys of the JWKS at a moment, newest first."""
    standing = sorted(
        (key for key in keys if key.stands_at(now)),
        key=lambda key: (key.signs_from, key.published_at, key.kid),
        reverse=True,
    )
    kept: list[KeyTimes] = []
    successor: KeyTimes | None = None
    for key in standing:
        if successor is None or now < successor.signs_from + VERIFIES_AFTER_SIGNING:
            kept.append(key)
        successor = key
    return kept


def next_key_times(
    kid: str, keys: Iterable[KeyTimes], now: datetime, *, at_once: bool = False
) -> KeyTimes:
    """The times of a new key: it signs at once only when no other can, or none may be trusted."""
    wait = (
        timedelta(0) if at_once or signing_key_at(keys, now) is None else PUBLISHED_BEFORE_SIGNING
    )
    return KeyTimes(kid, published_at=now, signs_from=now + wait)
