"""What schemathesis is pointed at: a running service and its document.

On SQLite alone: what is tried here is the edge (parsing, validation, documents), which is the same
code on both databases; what stands behind it is tried on both by the storage and network tests.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from relevo.servicekit.database import Database

FOLDER: Final = Path(__file__).resolve().parents[2] / "openapi"
SERVICES: Final = ("auth", "gateway", "node")


@dataclass(frozen=True)
class Target:
    """A running service, and how its operations are called.

    Attributes:
        service: Which one.
        url: Where it answers.
        database: What it stores in.
        furnish: Makes what the document's examples speak of, and says what it is called here:
            example to real. Each time untouched, so that no use of it spoils the next.
        credentials: The headers for a request, by the operation's path, the method and the path.
        renewed: A body with what must be new in each request.
    """

    service: str
    url: str
    database: Database
    furnish: Callable[[], dict[str, str]]
    credentials: Callable[[str, str, str], dict[str, str]]
    renewed: Callable[[Any], Any] = lambda body: body

    def document(self) -> dict[str, Any]:
        """The OpenAPI document, its examples naming what this service really holds; the caller's own."""
        text = _text(self.service)
        for example, thing in self.furnish().items():
            text = text.replace(_inside(example), _inside(thing))
        found: dict[str, Any] = json.loads(text)
        return found


def _inside(text: str) -> str:
    """As it stands between quotation marks."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


@cache
def _text(service: str) -> str:
    return (FOLDER / f"{service}.json").read_text("utf-8")


@cache
def committed(service: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_text(service))
    return found


def operations(service: str) -> list[tuple[str, str]]:
    """Path and method of each operation."""
    return [(path, method) for path, item in committed(service)["paths"].items() for method in item]


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
