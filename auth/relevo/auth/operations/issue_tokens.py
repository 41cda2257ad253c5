"""Issue access tokens: requests that arrive together share one transaction.

A token leaves only when the transaction that stored its assertion's id is durable, and only if the
client and the signing key were in that transaction what the token was made from. Making it, which
is mostly cryptography, is done before: a draft, thrown away and made again inside the transaction
when either has changed. The ids of a batch are stored by one statement.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from joserfc.jwk import OKPKey
from sqlalchemy import Connection

from relevo.auth import authlib_server
from relevo.auth.authlib_server import Desk, KnownClient
from relevo.auth.domain.dpop_proof import AcceptedProof, accept_proof
from relevo.auth.domain.oauth_error import OAuthError, OAuthErrorCode
from relevo.auth.domain.oauth_form import OAuthForm
from relevo.auth.domain.private_key_jwt import AcceptedAssertion
from relevo.auth.storage import used_jtis
from relevo.servicekit.ids import random_id

from .context import Issuer
from .known_clients import known_clients
from .signing_keys import current_key

LARGEST_BATCH: Final = 64
GATHER_SECONDS: Final = 0.001
_REPLAYED = "Client assertion refused: its jti was used before; make a new assertion."
_PROOF_REPLAYED = "DPoP proof refused: its jti was used before; make a new proof."

Outcome = dict[str, Any] | OAuthError


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """One request at the token endpoint."""

    form: OAuthForm
    proofs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Waiting:
    request: TokenRequest
    draft: "_Draft | None"
    future: asyncio.Future[Outcome]


class TokenDesk:
    """Where requests wait while the batch before them is being made durable."""

    def __init__(self, issuer: Issuer) -> None:
        self._issuer = issuer
        self._waiting: deque[_Waiting] = deque()
        self._serving: asyncio.Task[None] | None = None
        self._latest: Desk | None = None
        self._busy = False

    async def issue(self, request: TokenRequest) -> dict[str, Any]:
        """The answer of RFC 6749 §5.1.

        Raises:
            OAuthError: The request is refused.
        """
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(request, self._draft_early(request), future))
        if self._serving is None or self._serving.done():
            self._serving = asyncio.create_task(self._serve())
        outcome = await future
        if isinstance(outcome, OAuthError):
            raise outcome
        return outcome

    def _draft_early(self, request: TokenRequest) -> "_Draft | None":
        if self._latest is None:
            return None
        desk = replace(
            self._latest, clients=self._issuer.known_clients, now=self._issuer.clock.security()
        )
        return _draft(desk, self._issuer, request)

    async def _serve(self) -> None:
        while self._waiting:
            # Those just answered tend to come back together: worth a moment, but only then.
            await asyncio.sleep(GATHER_SECONDS if self._busy else 0)
            size = min(len(self._waiting), LARGEST_BATCH)
            self._busy = size > 1
            batch = [self._waiting.popleft() for _ in range(size)]
            try:
                self._latest, outcomes = await self._issuer.database.write(
                    issue_batch, self._issuer, [(entry.request, entry.draft) for entry in batch]
                )
            except Exception as error:  # noqa: BLE001 - each of those who wait gets it
                for entry in batch:
                    if not entry.future.done():
                        entry.future.set_exception(error)
            else:
                for entry, outcome in zip(batch, outcomes, strict=True):
                    if not entry.future.done():
                        entry.future.set_result(outcome)


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
    connection: Connection,
    issuer: Issuer,
    batch: "Sequence[tuple[TokenRequest, _Draft | None]]",
) -> tuple[Desk, list[Outcome]]:
    """One transaction: the outcome of each request in their order, and what it was decided on."""
    desk = desk_of(connection, issuer, [request.form for request, _ in batch])
    drafts = [
        draft if draft is not None and draft.still_holds(desk) else _draft(desk, issuer, request)
        for request, draft in batch
    ]
    forget_at: dict[bytes, int] = {}
    for draft in drafts:
        for used in draft.ids:
            forget_at.setdefault(used.digest, used.forget_at)
    unused = used_jtis.remember(connection, forget_at)
    outcomes: list[Outcome] = []
    for draft in drafts:
        replayed = [used.refusal for used in draft.ids if used.digest not in unused]
        # The first of the batch takes the id; whoever comes after it finds it used.
        unused.difference_update(used.digest for used in draft.ids)
        outcomes.append(OAuthError(*replayed[0]) if replayed else draft.outcome)
    return desk, outcomes


@dataclass(frozen=True, slots=True)
class _UsedId:
    """An id that must prove unused, and what to say if it was not."""

    digest: bytes
    forget_at: int
    refusal: tuple[OAuthErrorCode, str]


@dataclass(frozen=True, slots=True)
class _Draft:
    """An outcome, what it was made from, and the ids on which it still depends."""

    outcome: Outcome
    client: KnownClient | None
    signing_key: OKPKey
    claimed: str | None
    ids: tuple[_UsedId, ...] = ()

    def still_holds(self, desk: Desk) -> bool:
        """Whether the client (or its absence) and the key are the same in this transaction."""
        # One object for each version of a client, and for each key.
        known = desk.clients.get(self.claimed) if self.claimed is not None else None
        return known is self.client and desk.signing_key is self.signing_key


def _draft(desk: Desk, issuer: Issuer, request: TokenRequest) -> _Draft:
    claimed = request.form.claimed_client()
    client = desk.clients.get(claimed) if claimed is not None else None
    try:
        proof = accept_proof(request.proofs, method="POST", url=issuer.token_endpoint, now=desk.now)
        issued = authlib_server.issue(
            desk, request.form, thumbprint=None if proof is None else proof.thumbprint
        )
    except OAuthError as error:
        return _Draft(error, client, desk.signing_key, claimed)
    ids = _ids(issued.assertion, proof)
    return _Draft(issued.answer, client, desk.signing_key, claimed, ids)


def _ids(assertion: AcceptedAssertion, proof: AcceptedProof | None) -> tuple[_UsedId, ...]:
    used = _UsedId(assertion_digest(assertion), assertion.forget_at, ("invalid_client", _REPLAYED))
    if proof is None:
        return (used,)
    digest = used_jtis.digest_of("proof", proof.thumbprint, proof.jti)
    return (
        used,
        _UsedId(digest, proof.forget_at, ("invalid_dpop_proof", _PROOF_REPLAYED)),
    )
