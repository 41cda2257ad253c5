"""Somebody who holds the paper asks to withdraw: at any institution, for a referral of this one or another.

Whoever asks is told nothing. Here, at the node that holds the consent, the phrase is compared in constant
time; after three wrong ones nobody is listened to for a day, and whoever referred her is warned.
"""

import asyncio
import hmac
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from relevo.contracts.consent import Consent, Withdrawal
from relevo.contracts.pathways.loader import pathways
from relevo.contracts.problem import ProblemError
from relevo.contracts.withdrawal import (
    MOST_TRIES,
    PAUSE,
    WITHDRAWAL_REQUEST_TYP,
    PendingRequest,
    PendingRequests,
    PersonSaid,
    WaitingRequest,
    WithdrawalAsk,
    WithdrawalRequest,
    WithdrawalTaken,
)
from relevo.node.domain.phrase_check import phrase_check
from relevo.node.storage import consents, feed, grants, referrals, withdrawals
from relevo.node.storage.feed import FeedEvent
from relevo.node.storage.referrals import StoredReferral
from relevo.node.storage.withdrawals import Tries
from relevo.servicekit import jose
from relevo.servicekit.access_token import Caller
from relevo.servicekit.http_client import RefusedError, RetryableError
from relevo.servicekit.ids import random_id

from .ask_status import home_gateway_of
from .consent import withdraw_now
from .context import Node
from .directory import Directory
from .visibility import may_touch, only_party, party_of

_QUERY_SECONDS = 120
_MOST_LISTED = 200


async def ask_to_withdraw(
    node: Node, directory: Directory, caller: Caller, asked: WithdrawalAsk
) -> WithdrawalTaken:
    """Passes a request on. The answer says nothing of whether the code or the phrase is right.

    Raises:
        ProblemError: `gateway_unreachable` or `too_many_requests`.
    """
    party = party_of(node, caller)
    try:
        gateway = await home_gateway_of(node, directory, asked.reference_code)
        check = await asyncio.to_thread(phrase_check, asked.pass_phrase, asked.reference_code)
        now = int(node.clock.security().timestamp())
        request = WithdrawalRequest(
            iss=party,
            aud=gateway,
            jti=random_id(),
            iat=now,
            exp=now + _QUERY_SECONDS,
            reference_code=asked.reference_code,
            phrase_check=check,
        )
        key = node.keys.signing[0]
        signed = jose.sign(request.model_dump(), key, typ=WITHDRAWAL_REQUEST_TYP)
        return await node.gateway.ask_to_withdraw(signed)
    except RetryableError as error:
        raise ProblemError("gateway_unreachable") from error
    except RefusedError as error:
        if error.status == 429:
            raise ProblemError("too_many_requests", retry_after_seconds=60) from error
        return WithdrawalTaken()
    except ProblemError as problem:
        if problem.name == "not_found":
            return WithdrawalTaken()
        raise


async def take_requests_once(node: Node) -> bool:
    """Fetches what waits at the gateway and decides on it. True when there was something."""
    if not node.gateway.connected:
        return False
    try:
        waiting = await node.gateway.withdrawal_requests([])
        if not waiting.requests:
            return False
        for request in waiting.requests:
            await judge_request(node, request)
        await node.gateway.withdrawal_requests([request.id for request in waiting.requests])
    except (RetryableError, RefusedError):
        return False
    node.wake()
    return True


async def judge_request(node: Node, request: WaitingRequest) -> None:
    """Withdraws, asks for the person's own word, or counts one wrong try more."""
    found = await node.database.read(_behind, node, request.reference_code)
    matching = await asyncio.to_thread(_matching, [record for record, _ in found], request)
    await node.database.write(_decide, node, request, matching)


def _behind(connection: Connection, node: Node, reference_code: str) -> list[tuple[Consent, str]]:
    """The consents in force behind a referral that was sent from here."""
    referral_id = withdrawals.referral_sent_under(connection, reference_code)
    if referral_id is None:
        return []
    issued = grants.of_referral(connection, referral_id)
    ids = sorted({grant.consent_id for grant in issued if grant.consent_id is not None})
    held = consents.get_many(connection, node.vault, ids)
    return [one for one in held.values() if one[0].state == "active"]


def _matching(records: list[Consent], request: WaitingRequest) -> set[str]:
    """Ids of those whose phrase it is. Every phrase is compared, whatever the first one says."""
    matching = set[str]()
    for record in records:
        phrase = record.contact_rules.pass_phrase
        expected = phrase_check(phrase or "", request.reference_code)
        same = hmac.compare_digest(expected, request.phrase_check)
        if same and phrase is not None:
            matching.add(record.id)
    return matching


def _decide(
    connection: Connection, node: Node, request: WaitingRequest, matching: set[str]
) -> None:
    now = node.clock.business()
    referral_id = withdrawals.referral_sent_under(connection, request.reference_code)
    if referral_id is None:
        return
    held = referrals.lock(connection, [referral_id])[referral_id]
    tries = withdrawals.tries_of(connection, referral_id)
    if tries.paused_until is not None and request.received_at < tries.paused_until:
        return
    live = {record.id: record for record, _ in _behind(connection, node, request.reference_code)}
    matching &= live.keys()
    unspoken = {i for i, record in live.items() if record.contact_rules.pass_phrase is None}
    if not matching and not unspoken:
        if live:
            _count(connection, held, tries, now)
        return
    withdrawals.put_tries(connection, replace(tries, tries=0, paused_until=None))
    # Where nobody agreed on a phrase the paper alone proves nothing, so she is asked herself.
    ask_first = _is_sealed(held) or not matching
    pending = PendingRequest(
        id=request.id,
        referral_id=referral_id,
        consent_ids=sorted(matching or unspoken),
        state="pending_person" if ask_first else "withdrawn",
        received_at=now,
        decided_at=None if ask_first else now,
    )
    if not withdrawals.add_request(connection, pending, owner=held.owner):
        return
    if ask_first:
        event = FeedEvent("consent.withdrawal_pending_person", pending.id, held.owner, now)
        feed.append(connection, [event])
        return
    _withdraw_all(connection, node, pending, said_at=request.received_at)


def _count(connection: Connection, held: StoredReferral, tries: Tries, now: datetime) -> None:
    made = tries.tries + 1
    if made < MOST_TRIES:
        withdrawals.put_tries(connection, replace(tries, tries=made, paused_until=None))
        return
    withdrawals.put_tries(connection, replace(tries, tries=0, paused_until=now + PAUSE))
    warning = FeedEvent("consent.withdrawal_paused", held.id, held.owner, now)
    feed.append(connection, [warning])


def _is_sealed(held: StoredReferral) -> bool:
    route = pathways().get(held.pathway)
    return route is None or route.sensitivity == "sealed"


def _withdraw_all(
    connection: Connection, node: Node, request: PendingRequest, *, said_at: datetime
) -> None:
    known = consents.get_many(connection, node.vault, request.consent_ids)
    for consent_id, (_, owner) in sorted(known.items()):
        unit = None if owner == node.institution else owner
        ourselves = Caller("paper", node.institution, unit, frozenset(), None, frozenset())
        withdraw_now(connection, node, ourselves, consent_id, Withdrawal(said_at=said_at))


async def list_pending(node: Node, caller: Caller) -> PendingRequests:
    """Requests on which the person has to be asked."""
    party_of(node, caller)
    found = await node.database.read(
        withdrawals.pending, party=only_party(caller), limit=_MOST_LISTED
    )
    return PendingRequests(requests=found)


async def answer_pending(
    node: Node, caller: Caller, request_id: str, said: PersonSaid
) -> PendingRequest:
    """The person's own word on a request. Saying the same again changes nothing.

    Raises:
        ProblemError: `not_found`, or `illegal_transition` when she said the contrary before.
    """
    party_of(node, caller)
    decided = await node.database.write(_answer_pending, node, caller, request_id, said)
    node.wake()
    return decided


def _answer_pending(
    connection: Connection, node: Node, caller: Caller, request_id: str, said: PersonSaid
) -> PendingRequest:
    known = withdrawals.get_request(connection, request_id)
    if known is None or not may_touch(caller, known[1]):
        raise ProblemError("not_found")
    request, _ = known
    to = "withdrawn" if said.withdraws else "refused"
    if request.state == to:
        return request
    if request.state != "pending_person":
        raise ProblemError(
            "illegal_transition", subject="withdrawal", from_state=request.state, to_state=to
        )
    now = node.clock.business()
    withdrawals.decide(connection, request_id, to, at=now)
    if said.withdraws:
        _withdraw_all(connection, node, request, said_at=said.asked_at)
    return request.model_copy(update={"state": to, "decided_at": now})
