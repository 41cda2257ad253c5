"""Which of the offered languages a reader prefers (RFC 9110 §12.5.4, RFC 4647 §3.4)."""

from collections.abc import Sequence
from typing import Final

_MAX_CHARS: Final = 500


def preferred_tag(accept_language: str | None, offered: Sequence[str]) -> str:
    """The best of the offered tags; the first of them when none is asked for.

    `es-NI` is answered with `es` where no `es-NI` is offered, and so is `es-419`.
    """
    known = {tag.lower(): tag for tag in offered}
    best: tuple[float, str] = (0.0, offered[0])
    for part in (accept_language or "")[:_MAX_CHARS].split(","):
        asked, _, parameters = part.strip().partition(";")
        quality = _quality(parameters)
        tag = asked.strip().lower()
        while tag and tag not in known:
            tag = tag.rpartition("-")[0]
        if tag and quality > best[0]:
            best = (quality, known[tag])
    return best[1]


def _quality(parameters: str) -> float:
    try:
        quality = float(parameters.strip().removeprefix("q=") or 1)
    except ValueError:
        return 0.0
    return quality if 0 <= quality <= 1 else 0.0
