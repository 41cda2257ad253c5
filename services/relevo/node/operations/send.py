"""Hop 2: a referral is checked against consent, cut to what may leave, and stored with its message.

One transaction: referral, persons, first event, grants, outgoing message, feed. It is decided before
that transaction, which looks again at what the decision stood on: the consents and the keys of the
requests. If those changed meanwhile, everything is decided anew.

The link may be down: nothing here waits for it.
"""

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from relevo.contracts.consent import Consent
from relevo.contracts.identifiers import country_of
from relevo.contracts.implicated import without_implicated
from relevo.contracts.institution import InstitutionProfile
from relevo.contracts.pathways.loader import pathway
from relevo.contracts.person import excluded_countries, implicated_in
from relevo.contracts.problem import ProblemError
from relevo.contracts.referral import ReferralSubmission
from relevo.node.storage import (
    child_notices,
    coming_of_age,
    consents,
    feed,
    grants,
    outbox,
    peers,
    referrals,
)
from relevo.node.storage.referrals import StoredReferral
from relevo.servicekit import idempotency
from relevo.servicekit.access_token import Caller
from relevo.servicekit.gather import Gather
from relevo.servicekit.idempotency import Answered, Replay

from . import attach
from .attach import read_uploads
from .candidates import keep_searches_apart
from .child_notice import (
    Known,
    event_of,
    is_about_children_alone,
    look_up_authorities,
    telling,
    with_notice,
)
from .context import Node
from .cut import unasked_institutions
from .directory import Directory, Peer
from .draft import Draft, SubmittedReferral, draft
from .visibility import party_of

_OPERATION: Final = "submit_referral"
_TRIES: Final = 5
_MOST_OFFERED: Final = 10

Outcome = SubmittedReferral | ProblemError
Beside = Callable[[Connection, Draft], list[feed.FeedEvent]]
"""Stores what belongs to a submission, and says what is told of it."""


@dataclass(frozen=True)
class Submission:
    """One referral to submit, with its idempotency key and the digest of its bytes."""

    referral: ReferralSubmission
    key: str
    digest: str


@dataclass(frozen=True)
class _Asked:
    """A submission with whoever asked for it and what is known of its receiver.

    Attributes:
        authorities: Whom this node tells of children; empty when nobody has to be told.
        beside: What is stored with it, in the same transaction.
    """

    caller: Caller
    sender: str
    item: Submission
    peer: Peer | ProblemError | None
    authorities: Known
    beside: Beside | None = None


class _ConsentChangedError(Exception):
    """A consent ended, or a file was dropped, between decision and transaction."""


class SubmissionDesk:
    """Takes submissions. Those that come at the same time share a transaction."""

    def __init__(self, node: Node, directory: Directory) -> None:
        self._node = node
        self._directory = directory
        self._single: Gather[_Asked, Outcome] = Gather(self._submit)

    async def submit(
        self, caller: Caller, submission: Submission, *, beside: Beside | None = None
    ) -> SubmittedReferral:
        """Submits one referral.

        Args:
            caller: Who submits.
            submission: What shall leave.
            beside: Stores what belongs to it, in its transaction and only once.

        Raises:
            ProblemError: What stands against it.
        """
        sender = party_of(self._node, caller)
        # Together: with the link down, one wait is enough.
        peer, _ = await asyncio.gather(
            self._look_up(submission.referral.receiver), self._look_up_ourselves()
        )
        authorities = await self._look_up_authorities([submission])
        outcome = await self._single.add(
            _Asked(caller, sender, submission, peer, authorities, beside)
        )
        if isinstance(outcome, ProblemError):
            await self._offer_others(submission.referral, outcome)
            raise outcome
        return outcome

    async def _offer_others(self, referral: ReferralSubmission, problem: ProblemError) -> None:
        """Names others with the mandate: one that lacks it, or is implicated, is not the only one."""
        if problem.name not in {"implicated_party_excluded", "receiver_lacks_mandate"}:
            return
        node, route = self._node, pathway(referral.pathway)
        held = await node.database.read(
            consents.get_many, node.vault, sorted(set(referral.consent_ids))
        )
        kept_away = [
            *implicated_in(referral.persons),
            *(one for record, _ in held.values() for one in record.implicated),
        ]
        here = country_of(referral.receiver)
        away = excluded_countries(referral.persons)
        others = await self._directory.offer(
            route.receiver_mandates,
            countries=[
                country
                for country in sorted(route.countries, key=lambda country: country != here)
                if country not in away
            ],
        )
        problem.members["offered"] = without_implicated(kept_away, others)[:_MOST_OFFERED]

    async def submit_many(self, caller: Caller, submissions: list[Submission]) -> list[Outcome]:
        """Submits referrals in one transaction, each answered on its own.

        Raises:
            ProblemError: `not_yours`, for all of them.
        """
        sender = party_of(self._node, caller)
        receivers = list(dict.fromkeys(item.referral.receiver for item in submissions))
        found, _ = await asyncio.gather(self._look_up_all(receivers), self._look_up_ourselves())
        known = dict(zip(receivers, found, strict=True))
        authorities = await self._look_up_authorities(submissions)
        outcomes = await self._submit(
            [
                _Asked(caller, sender, item, known[item.referral.receiver], authorities)
                for item in submissions
            ]
        )
        for item, outcome in zip(submissions, outcomes, strict=True):
            if isinstance(outcome, ProblemError):
                await self._offer_others(item.referral, outcome)
        return outcomes

    async def _look_up_authorities(self, submissions: list[Submission]) -> Known:
        """Whom to tell, when any of these is about a child alone."""
        now = self._node.clock.business()
        if not any(is_about_children_alone(item.referral, now) for item in submissions):
            return {}
        await self._directory.profile(self._node.institution)
        return await look_up_authorities(self._node, self._directory)

    async def _look_up_ourselves(self) -> None:
        """What we may start, and what another basis than consent allows, depends on the directory."""
        await self._directory.profile(self._node.institution)

    async def _look_up(self, receiver: str) -> Peer | ProblemError | None:
        try:
            return await self._directory.peer_if_known(receiver)
        except ProblemError as problem:
            return problem

    async def _look_up_all(self, receivers: list[str]) -> list[Peer | ProblemError | None]:
        return [await self._look_up(receiver) for receiver in receivers]

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
    continued = {
        before
        for asked in batch
        for before in (asked.item.referral.part_of, _told_in(asked.item.referral))
        if before is not None
    }
    parents = referrals.by_ids(connection, sorted(continued)) if continued else {}
    named = unasked_institutions([record for record, _ in held.values()])
    profiles = peers.profiles(connection, sorted({*named, node.institution}))
    return [
        _decide_one(connection, node, asked, answered, held, parents, profiles, now)
        for asked in batch
    ]


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
    connection: Connection,
    node: Node,
    asked: _Asked,
    answered: dict[tuple[str, str], tuple[str, SubmittedReferral]],
    held: dict[str, tuple[Consent, str]],
    parents: dict[str, StoredReferral],
    profiles: dict[str, InstitutionProfile],
    now: datetime,
) -> Draft | SubmittedReferral | ProblemError:
    key = (asked.caller.client_id, asked.item.key)
    if key in answered:
        digest, before = answered[key]
        return before if digest == asked.item.digest else ProblemError("idempotency_key_reused")
    try:
        if isinstance(asked.peer, ProblemError):
            raise asked.peer
        said = telling(
            node,
            asked.caller,
            asked.sender,
            asked.item.referral,
            peer=asked.peer,
            authorities=asked.authorities,
            told_in=parents.get(_told_in(asked.item.referral) or ""),
            profiles=profiles,
            now=now,
        )
        new = draft(
            node,
            asked.caller,
            asked.sender,
            asked.item.referral,
            peer=asked.peer,
            consents=held,
            now=now,
            parent=parents.get(asked.item.referral.part_of or ""),
            profiles=profiles,
            told=None if said is None else said.carried,
            uploads=read_uploads(connection, node, asked.caller, asked.item.referral.attachments),
        )
        new = with_notice(new, said)
    except ProblemError as problem:
        return problem
    # The same key may stand twice in one batch.
    answered[key] = (asked.item.digest, new.answer)
    return new


def answered_before(
    connection: Connection, caller: Caller, submission: Submission
) -> SubmittedReferral | None:
    """The answer to the same submission under the same key, if there was one.

    Raises:
        ProblemError: `idempotency_key_reused`.
    """
    before = idempotency.kept(connection, caller.client_id, _OPERATION, [submission.key])
    if submission.key not in before:
        return None
    digest, replay = before[submission.key]
    if digest != submission.digest:
        raise ProblemError("idempotency_key_reused")
    return SubmittedReferral.model_validate_json(replay.body)


def _told_in(submission: ReferralSubmission) -> str | None:
    return None if submission.children is None else submission.children.told_in


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
    made = [(asked.sender, one) for asked, new in accepted for one in (new, *new.also)]
    if not attach.store(connection, [one.files for _, one in made if one.files is not None]):
        raise _ConsentChangedError
    referrals.add(connection, [one.referral for _, one in made])
    keep_searches_apart(connection, [asked.item.referral for asked, _ in accepted])
    grants.add(connection, [grant for _, one in made for grant in one.grants])
    outbox.add(connection, [one.message for _, one in made])
    notices = [row for new in drafts for row in new.notices]
    child_notices.add(connection, notices)
    coming_of_age.note(connection, [row for _, one in made for row in one.ages])
    told = [
        event
        for asked, new in accepted
        if asked.beside is not None
        for event in asked.beside(connection, new)
    ]
    feed.append(
        connection,
        [
            *(
                feed.FeedEvent(
                    "referral.submitted",
                    one.answer.id,
                    sender,
                    one.referral.referral["created_at"],
                    event_seq=0,
                )
                for sender, one in made
            ),
            *(event_of(row, row.made_at) for row in notices),
            *told,
        ],
    )


def digest_of_submission(submission: ReferralSubmission) -> str:
    """The digest that tells a retry of an item from another item under its key."""
    return hashlib.sha256(submission.model_dump_json().encode()).hexdigest()
