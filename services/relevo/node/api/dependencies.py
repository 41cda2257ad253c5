"""What handlers are given."""

import hashlib
import re
from dataclasses import dataclass
from typing import Annotated, Any, Final, cast

from fastapi import Depends, Header, Request

from relevo.contracts.problem import Language, ProblemError
from relevo.node.operations.context import Node
from relevo.node.operations.directory import Directory
from relevo.node.operations.send import SubmissionDesk
from relevo.servicekit.problems import preferred_language

_MAX_KEY_CHARS: Final = 255
_KEY: Final = r"[!-~]([ -~]*[!-~])?"


# `async`, though nothing waits: FastAPI would run a plain function in a thread of its own.


async def _node(request: Request) -> Node:
    return cast("Node", request.app.state.node)


async def _directory(request: Request) -> Directory:
    return cast("Directory", request.app.state.directory)


async def _submissions(request: Request) -> SubmissionDesk:
    return cast("SubmissionDesk", request.app.state.submissions)


async def _language(accept_language: Annotated[str | None, Header()] = None) -> Language:
    return preferred_language(accept_language)


@dataclass(frozen=True)
class Idempotency:
    """The key of a request and the digest of its body: same key and body, same answer."""

    key: str
    digest: str


async def _idempotency(request: Request) -> Idempotency:
    key = request.headers.get("idempotency-key", "").strip(" ")
    if len(key) > _MAX_KEY_CHARS or not re.fullmatch(_KEY, key):
        raise ProblemError("idempotency_key_required")
    return Idempotency(key, hashlib.sha256(await request.body()).hexdigest())


# Declared here and not as a `Header()`, because its absence has a problem of its own.
IDEMPOTENCY_KEY: Final[dict[str, Any]] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "New for each new request; the same for a retry.",
    "schema": {"type": "string", "maxLength": _MAX_KEY_CHARS, "pattern": f"^{_KEY}$"},
    "example": "0198c7a2-4f1e-7d51-9a60-6f1b7a51c001",
}

NodeHere = Annotated[Node, Depends(_node)]
DirectoryHere = Annotated[Directory, Depends(_directory)]
SubmissionsHere = Annotated[SubmissionDesk, Depends(_submissions)]
LanguageAsked = Annotated[Language, Depends(_language)]
IdempotencyKey = Annotated[Idempotency, Depends(_idempotency)]
