"""Issue access tokens: requests that arrive together share one transaction.

Signature, client, scope and audience are checked and the token is signed inside the transaction
that stores the assertion's id, and no token leaves before that transaction is durable. The ids of
a batch are stored by one statement, which is what makes thousands of tokens a second possible.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection

from relevo.auth import authlib_server
from relevo.auth.authlib_server import Desk, Issued
from relevo.auth.domain.dpop_proof import AcceptedProof, accept_proof
from relevo.auth.domain.oauth_error import OAuthError
from relevo.auth.domain.oauth_form import OAuthForm
from relevo.auth.domain.private_key_jwt import AcceptedAssertion
from relevo.auth.storage import used_jtis
from relevo.servicekit.ids import random_id

from .context import Issuer
from .known_clients import known_clients
from .signing_keys import current_key

LARGEST_BATCH: Final = 64
_REPLAYED = "Client assertion refused: its jti was used before; make a new assertion."
_PROOF_REPLAYED = "DPoP proof refused: its jti was used before; make a new proof."

Outcome = dict[str, Any] | OAuthError


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """One request at the token endpoint."""

    form: OAuthForm
    proofs: tuple[str, ...] = ()


class TokenDesk:
    """Where requests wait while the batch before them is being made durable."""

    def __init__(self, issuer: Issuer) -> None:
        self._issuer = issuer
        self._waiting: deque[tuple[TokenRequest, asyncio.Future[Outcome]]] = deque()
        self._serving: asyncio.Task[None] | None = None

    async def issue(self, request: TokenRequest) -> dict[str, Any]:
        """The answer of RFC 6749 §5.1.

        Raises:
            OAuthError: The request is refused.
        """
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.append((request, future))
        if self._serving is None or self._serving.done():
            self._serving = asyncio.create_task(self._serve())
        outcome = await future
        if isinstance(outcome, OAuthError):
            raise outcome
        return outcome

    async def _serve(self) -> None:
        while self._waiting:
            size = min(len(self._waiting), LARGEST_BATCH)
            batch = [self._waiting.popleft() for _ in range(size)]
            try:
                outcomes = await self._issuer.database.write(
                    issue_batch, self._issuer, [request for request, _ in batch]
                )
            except Exception as error:  # noqa: BLE001 - each of those who wait gets it
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
            else:
                for (_, future), outcome in zip(batch, outcomes, strict=True):
                    if not future.done():
                        future.set_result(outcome)


def desk_of(connection: Connection, issuer: Issuer, forms: Sequence[OAuthForm]) -> Desk:
    """What Authlib needs to know for these requests, as it is in this transaction."""
    claimed = {client_id for form in forms if (client_id := form.claimed_client()) is not None}
    return Desk(
        issuer=issuer.issuer,
        assertion_audiences=(issuer.issuer, issuer.token_endpoint),
        clients=known_clients(connection, issuer, claimed),
        signing_key=current_key(connection, issuer),
        now=issuer.clock.security(),
        new_jti=random_id,
    )


def assertion_digest(assertion: AcceptedAssertion) -> bytes:
    return used_jtis.digest_of("assertion", assertion.client_id, assertion.jti)


def issue_batch(
    connection: Connection, issuer: Issuer, requests: Sequence[TokenRequest]
) -> list[Outcome]:
    """One transaction: the outcome of each request, in their order."""
    desk = desk_of(connection, issuer, [request.form for request in requests])
    drafts = [_draft(desk, issuer, request) for request in requests]
    forget_at: dict[bytes, int] = {}
    for draft in drafts:
        if not isinstance(draft, OAuthError):
            for digest, (_, moment) in draft.ids.items():
                forget_at.setdefault(digest, moment)
    unused = used_jtis.remember(connection, forget_at)
    outcomes: list[Outcome] = []
    for draft in drafts:
        if isinstance(draft, OAuthError):
            outcomes.append(draft)
            continue
        replayed = [refusal for digest, (refusal, _) in draft.ids.items() if digest not in unused]
        # The first of the batch takes the id; whoever comes after it finds it used.
        unused.difference_update(draft.ids)
        outcomes.append(replayed[0] if replayed else draft.issued.answer)
    return outcomes


@dataclass(frozen=True, slots=True)
class _Draft:
    """A token that may leave if each of its ids proves unused, with the refusal if one is not."""

    issued: Issued
    ids: dict[bytes, tuple[OAuthError, int]]


def _draft(desk: Desk, issuer: Issuer, request: TokenRequest) -> _Draft | OAuthError:
    try:
        proof = accept_proof(request.proofs, method="POST", url=issuer.token_endpoint, now=desk.now)
        issued = authlib_server.issue(
            desk, request.form, thumbprint=None if proof is None else proof.thumbprint
        )
    except OAuthError as error:
        return error
    return _Draft(issued, _ids(issued.assertion, proof))


def _ids(
    assertion: AcceptedAssertion, proof: AcceptedProof | None
) -> dict[bytes, tuple[OAuthError, int]]:
    ids = {
        assertion_digest(assertion): (
            OAuthError("invalid_client", _REPLAYED),
            assertion.forget_at,
        )
    }
    if proof is not None:
        digest = used_jtis.digest_of("proof", proof.thumbprint, proof.jti)
        ids[digest] = (OAuthError("invalid_dpop_proof", _PROOF_REPLAYED), proof.forget_at)
    return ids
