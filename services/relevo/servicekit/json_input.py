"""JSON as others send it: read strictly, before anything believes it.

```
JsonInputError
├── MalformedJsonError     not JSON in UTF-8; a key twice; NaN or a number out of range
├── TooDeepError           nested beyond the limit
└── UnstorableTextError    U+0000 or half a surrogate pair, which no database here can store
```
"""

import json
import math
import re
from typing import Any, Final, Never

MAX_DEPTH: Final = 32

# Linear on any input: possessive, and a string that never ends swallows the rest.
_STRING: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_TO_BRACKETS: Final = bytes.maketrans(b"[{]}", b"(())")
_NOT_BRACKETS: Final = bytes(set(range(256)) - set(b"()"))
_SUSPECT_ESCAPE: Final = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")


class JsonInputError(ValueError):
    """The input is refused. Its text never contains the input."""


class MalformedJsonError(JsonInputError):
    pass


class TooDeepError(JsonInputError):
    pass


class UnstorableTextError(JsonInputError):
    pass


def _refuse_constant(_: str) -> Never:
    raise MalformedJsonError("NaN and Infinity are not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise MalformedJsonError("a number is out of range")
    return number


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise MalformedJsonError("a key stands twice in one object")
    return members


def _check_depth(body: bytes, limit: int) -> None:
    if body.count(b"[") + body.count(b"{") <= limit:
        return
    brackets = _STRING.sub(b"", body).translate(_TO_BRACKETS).translate(None, _NOT_BRACKETS)
    # Each round removes the innermost level, so `limit` rounds empty whatever is shallow enough.
    for _ in range(limit):
        brackets = brackets.replace(b"()", b"")
        if not brackets:
            return
    raise TooDeepError(f"nested beyond {limit} levels")


def _check_text(value: Any) -> None:
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            waiting.extend(item)
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)
        elif isinstance(item, str) and (
            "\x00" in item or any("\ud800" <= symbol <= "\udfff" for symbol in item)
        ):
            raise UnstorableTextError("text holds U+0000 or half a surrogate pair")


def parse(body: bytes, *, max_depth: int = MAX_DEPTH) -> Any:
    """Parsed JSON that is safe to validate and to store.

    Raises:
        JsonInputError: It is not; the subclass says why.
    """
    _check_depth(body, max_depth)
    try:
        value = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_constant=_refuse_constant,
            parse_float=_finite,
        )
    except JsonInputError:
        raise
    except (ValueError, RecursionError):
        # The decoder's own message quotes nothing, but its exception carries the document.
        raise MalformedJsonError("not JSON in UTF-8") from None
    if _SUSPECT_ESCAPE.search(body):
        _check_text(value)
    return value
