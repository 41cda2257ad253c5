"""Hop 2: a referral is checked against consent, cut to what may leave, and stored with its message.

One transaction: referral, persons, first event, grants, outgoing message, feed. It is decided before
that transaction, which looks again at what the decision stood on: the consents and the keys of the
requests. If those changed meanwhile, everything is decided anew.

The link may be down: nothing here waits for it.
"""

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from relevo.contracts.consent import Consent
from relevo.contracts.problem import ProblemError
from relevo.contracts.referral import ReferralSubmission
from relevo.node.storage import consents, feed, grants, outbox, referrals
from relevo.node.storage.referrals import StoredReferral
from relevo.servicekit import idempotency
from relevo.servicekit.access_token import Caller
from relevo.servicekit.gather import Gather
from relevo.servicekit.idempotency import Answered, Replay

from .context import Node
from .directory import Directory, Peer
from .draft import Draft, SubmittedReferral, draft
from .visibility import party_of

_OPERATION: Final = "submit_referral"
_TRIES: Final = 5

Outcome = SubmittedReferral | ProblemError


@dataclass(frozen=True)
class Submission:
    """One referral to submit, with its idempotency key and the digest of its bytes."""

    referral: ReferralSubmission
    key: str
    digest: str


@dataclass(frozen=True)
class _Asked:
    """A submission with whoever asked for it and what is known of its receiver."""

    caller: Caller
    sender: str
    item: Submission
    peer: Peer | ProblemError | None


class _ConsentChangedError(Exception):
    """A consent ended between decision and transaction."""


class SubmissionDesk:
    """Takes submissions. Those that come at the same time share a transaction."""

    def __init__(self, node: Node, directory: Directory) -> None:
        self._node = node
        self._directory = directory
        self._single: Gather[_Asked, Outcome] = Gather(self._submit)

    async def submit(self, caller: Caller, submission: Submission) -> SubmittedReferral:
        """Submits one referral.

        Raises:
            ProblemError: What stands against it.
        """
        sender = party_of(self._node, caller)
        peer = await self._look_up(submission.referral.receiver)
        outcome = await self._single.add(_Asked(caller, sender, submission, peer))
        if isinstance(outcome, ProblemError):
            raise outcome
        return outcome

    async def submit_many(self, caller: Caller, submissions: list[Submission]) -> list[Outcome]:
        """Submits referrals in one transaction, each answered on its own.

        Raises:
            ProblemError: `not_yours`, for all of them.
        """
        sender = party_of(self._node, caller)
        peers: dict[str, Peer | ProblemError | None] = {}
        for receiver in dict.fromkeys(item.referral.receiver for item in submissions):
            peers[receiver] = await self._look_up(receiver)
        return await self._submit(
            [_Asked(caller, sender, item, peers[item.referral.receiver]) for item in submissions]
        )

    async def _look_up(self, receiver: str) -> Peer | ProblemError | None:
        try:
            return await self._directory.peer_if_known(receiver)
        except ProblemError as problem:
            return problem

    async def _submit(self, batch: list[_Asked]) -> list[Outcome]:
        for _ in range(_TRIES):
            decided = await self._node.database.read(_decide, self._node, batch)
            drafts = {
                index: outcome
                for index, outcome in enumerate(decided)
                if isinstance(outcome, Draft)
            }
            try:
                if drafts:
                    accepted = [(batch[index], new) for index, new in drafts.items()]
                    await self._node.database.write(_store, self._node, accepted)
                    self._node.wake()
            except (IntegrityError, _ConsentChangedError):
                continue
            return [one.answer if isinstance(one, Draft) else one for one in decided]
        raise ProblemError("unavailable")


def _decide(
    connection: Connection, node: Node, batch: list[_Asked]
) -> list[Draft | SubmittedReferral | ProblemError]:
    now = node.clock.business()
    answered = _answered(connection, batch)
    wanted = {consent_id for asked in batch for consent_id in asked.item.referral.consent_ids}
    held = consents.get_many(connection, node.vault, sorted(wanted))
    continued = {asked.item.referral.part_of for asked in batch if asked.item.referral.part_of}
    parents = referrals.by_ids(connection, sorted(continued)) if continued else {}
    return [_decide_one(node, asked, answered, held, parents, now) for asked in batch]


def _answered(
    connection: Connection, batch: list[_Asked]
) -> dict[tuple[str, str], tuple[str, SubmittedReferral]]:
    """Digest and answer by client and key, of the keys that were used before."""
    keys = defaultdict[str, list[str]](list)
    for asked in batch:
        keys[asked.caller.client_id].append(asked.item.key)
    found: dict[str, dict[str, tuple[str, Replay]]] = {
        client_id: idempotency.kept(connection, client_id, _OPERATION, of_client)
        for client_id, of_client in keys.items()
    }
    return {
        (client_id, key): (digest, SubmittedReferral.model_validate_json(replay.body))
        for client_id, of_client in found.items()
        for key, (digest, replay) in of_client.items()
    }


def _decide_one(
    node: Node,
    asked: _Asked,
    answered: dict[tuple[str, str], tuple[str, SubmittedReferral]],
    held: dict[str, tuple[Consent, str]],
    parents: dict[str, StoredReferral],
    now: datetime,
) -> Draft | SubmittedReferral | ProblemError:
    key = (asked.caller.client_id, asked.item.key)
    if key in answered:
        digest, before = answered[key]
        return before if digest == asked.item.digest else ProblemError("idempotency_key_reused")
    try:
        if isinstance(asked.peer, ProblemError):
            raise asked.peer
        new = draft(
            node,
            asked.caller,
            asked.sender,
            asked.item.referral,
            peer=asked.peer,
            consents=held,
            now=now,
            parent=parents.get(asked.item.referral.part_of or ""),
        )
    except ProblemError as problem:
        return problem
    # The same key may stand twice in one batch.
    answered[key] = (asked.item.digest, new.answer)
    return new


def _store(connection: Connection, node: Node, accepted: list[tuple[_Asked, Draft]]) -> None:
    drafts = [new for _, new in accepted]
    stands_on = frozenset[str]().union(*(new.consent_ids for new in drafts))
    if not consents.hold_active(connection, set(stands_on)):
        raise _ConsentChangedError
    seen_at = node.clock.security()
    idempotency.keep(
        connection,
        [
            Answered(
                client_id=asked.caller.client_id,
                operation=_OPERATION,
                key=asked.item.key,
                digest=asked.item.digest,
                created_at=seen_at,
                status=201,
                body=new.answer.model_dump_json().encode(),
            )
            for asked, new in accepted
        ],
    )
    referrals.add(connection, [new.referral for new in drafts])
    grants.add(connection, [grant for new in drafts for grant in new.grants])
    outbox.add(connection, [new.message for new in drafts])
    feed.append(
        connection,
        [
            feed.FeedEvent(
                "referral.submitted",
                new.answer.id,
                asked.sender,
                new.referral.referral["created_at"],
                event_seq=0,
            )
            for asked, new in accepted
        ],
    )


def digest_of_submission(submission: ReferralSubmission) -> str:
    """The digest that tells a retry of an item from another item under its key."""
    return hashlib.sha256(submission.model_dump_json().encode()).hexdigest()
