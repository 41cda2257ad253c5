"""Answers that a reader keeps and asks for again: `ETag` and `If-None-Match` (RFC 9110 §8.8, §13.1)."""

import hashlib


def tag_of(body: bytes) -> str:
    """A strong entity tag: equal bytes, equal tag."""
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def is_held(tag: str, if_none_match: str | None) -> bool:
    """Whether the reader has it already, by weak comparison (RFC 9110 §13.1.2)."""
    held = {part.strip().removeprefix("W/") for part in (if_none_match or "").split(",")}
    return tag in held or "*" in held
