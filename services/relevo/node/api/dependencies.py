"""What handlers are given."""

import hashlib
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Header, Request

from relevo.contracts.problem import Language, ProblemError
from relevo.node.operations.context import Node
from relevo.node.operations.directory import Directory
from relevo.node.operations.send import SubmissionDesk
from relevo.servicekit.problems import preferred_language


def _node(request: Request) -> Node:
    return cast("Node", request.app.state.node)


def _directory(request: Request) -> Directory:
    return cast("Directory", request.app.state.directory)


def _submissions(request: Request) -> SubmissionDesk:
    return cast("SubmissionDesk", request.app.state.submissions)


def _language(accept_language: Annotated[str | None, Header()] = None) -> Language:
    return preferred_language(accept_language)


@dataclass(frozen=True)
class Idempotency:
    """The key of a request and the digest of its body: same key and body, same answer."""

    key: str
    digest: str


async def _idempotency(
    request: Request,
    idempotency_key: Annotated[
        str | None,
        Header(
            description="New for each new request; the same for a retry.",
            max_length=255,
            examples=["0198c7a2-4f1e-7d51-9a60-6f1b7a51c001"],
        ),
    ] = None,
) -> Idempotency:
    key = (idempotency_key or "").strip()
    if not key or not key.isprintable():
        raise ProblemError("idempotency_key_required")
    return Idempotency(key, hashlib.sha256(await request.body()).hexdigest())


NodeHere = Annotated[Node, Depends(_node)]
DirectoryHere = Annotated[Directory, Depends(_directory)]
SubmissionsHere = Annotated[SubmissionDesk, Depends(_submissions)]
LanguageAsked = Annotated[Language, Depends(_language)]
IdempotencyKey = Annotated[Idempotency, Depends(_idempotency)]
