"""Reading what services answer: parts of it, comparing it, and telling it in few words."""

import json
from typing import Any

import httpx


def at_path(value: Any, path: str) -> Any:
    """`persons.0.identity` of an answer; None when it is not there."""
    for part in path.split("."):
        if isinstance(value, list) and part.isdigit():
            value = value[int(part)] if int(part) < len(value) else None
        elif isinstance(value, dict):
            value = value.get(part)
        else:
            return None
    return value


def fits(found: Any, wanted: Any) -> bool:
    """Equal; of a table, as much as is wanted."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(fits(found.get(k), v) for k, v in wanted.items())
    if isinstance(wanted, list):
        return (
            isinstance(found, list)
            and len(found) == len(wanted)
            and all(fits(one, other) for one, other in zip(found, wanted, strict=True))
        )
    return bool(found == wanted)


def as_json(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except json.JSONDecodeError:
        return {}


def told(answer: httpx.Response) -> str:
    return f"{answer.status_code}: {short(as_json(answer) or answer.text)}"


def state_of(copy: Any | None) -> str:
    if copy is None:
        return "nothing"
    return f"{copy.get('state')} (event {copy.get('event_seq')})"


def short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 700 else f"{text[:700]}…"
