"""Are a message's grants still live? Their issuer's home gateway knows; we remember for five minutes.

What cannot be confirmed is held: neither released nor refused. Red messages go out on the last known
status after fifteen minutes, flagged.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import Connection

from relevo.contracts.exchange import GrantStatus, GrantStatusAnswer, GrantStatusQuestion
from relevo.contracts.grant_slice import GrantState
from relevo.contracts.identifiers import country_of
from relevo.gateway.storage import grants
from relevo.gateway.storage.deliveries import Delivery
from relevo.gateway.storage.grants import GrantCopy, GrantKey, RecordedGrant
from relevo.servicekit.http_client import RefusedError, RetryableError
from relevo.servicekit.logging import get_logger

from .context import Gateway

Verdict = Literal["live", "dead", "unknown"]
_MOST_ASKED = 500


@dataclass(frozen=True)
class GrantFacts:
    """What is known of the grants of some messages."""

    by_message: dict[str, list[RecordedGrant]]
    withdrawn: set[GrantKey]
    copies: dict[GrantKey, GrantCopy]
    homes: dict[str, str] = field(default_factory=dict)
    """Gateway of each issuer whose home is elsewhere."""


def facts(
    connection: Connection, gateway: Gateway, messages: Iterable[str], *, only_ours: bool
) -> GrantFacts:
    """Reads what is known here.

    Args:
        connection: Any transaction.
        gateway: This gateway.
        messages: Ids of content messages.
        only_ours: Whether grants whose home is elsewhere do not matter: a relay leaves them to the
            receiver's gateway, which asks before it releases.
    """
    records = grants.of_messages(connection, list(messages))
    by_message: dict[str, list[RecordedGrant]] = {}
    for record in records:
        by_message.setdefault(record.message_id, []).append(record)
    withdrawn = grants.withdrawn(connection, {record.grant_id for record in records})
    if only_ours:
        return GrantFacts(by_message, withdrawn, {})
    foreign = {record.key for record in records if not gateway.is_home(country_of(record.issuer))}
    if not foreign:
        return GrantFacts(by_message, withdrawn, {})
    peers = gateway.peers(connection)
    homes = {
        issuer: peers.by_country[country_of(issuer)].gateway
        for _, issuer in foreign
        if country_of(issuer) in peers.by_country
    }
    copies = grants.copies(connection, foreign)
    # An issuer whose country has no gateway here any more stays unknown, and its content is held.
    for _, issuer in foreign:
        homes.setdefault(issuer, "")
    return GrantFacts(by_message, withdrawn, copies, homes)


def stale(gateway: Gateway, known: GrantFacts) -> dict[str, set[GrantKey]]:
    """Grants to ask about before anything is released under them, by gateway."""
    asked: dict[str, set[GrantKey]] = {}
    for records in known.by_message.values():
        for record in records:
            home = known.homes.get(record.issuer)
            if home and record.key not in known.withdrawn and not _fresh(gateway, known, record):
                asked.setdefault(home, set()).add(record.key)
    return asked


async def ask(gateway: Gateway, asked: dict[str, set[GrantKey]]) -> dict[GrantKey, GrantCopy]:
    """Asks the home gateways, remembers what they say; those that cannot be asked are left out."""
    learned: dict[GrantKey, GrantCopy] = {}
    peers = await gateway.database.read(gateway.peers)
    for name, keys in asked.items():
        peer = peers.by_name.get(name)
        if peer is None:
            continue
        issuers: dict[str, set[GrantKey]] = {}
        for key in keys:
            issuers.setdefault(key[0], set()).add(key)
        ids = sorted(issuers)
        for first in range(0, len(ids), _MOST_ASKED):
            question = GrantStatusQuestion(grant_ids=ids[first : first + _MOST_ASKED])
            now = gateway.security()
            try:
                answer = await gateway.peer_client(peer).grant_status(question)
            except (RetryableError, RefusedError):
                get_logger().warning("grant_status_not_learned", peer=name, count=len(ids))
                break
            states = {
                key: _state(said)
                for said in answer.grants
                for key in issuers.get(said.grant_id, ())
            }
            await gateway.database.write(grants.put_copies, states, as_of=now)
            learned |= {key: GrantCopy(state, now) for key, state in states.items()}
    return learned


def _state(said: GrantStatus) -> GrantState:
    # Of a grant that its home never saw nobody has withdrawn anything: the slice itself is proof.
    return "active" if said.state == "unknown" else said.state


def verdict(gateway: Gateway, known: GrantFacts, message_id: str) -> Verdict:
    """Whether everything under which a message came is live."""
    unknown = False
    for record in known.by_message.get(message_id, []):
        if record.key in known.withdrawn or record.expires_at <= gateway.business():
            return "dead"
        if record.issuer not in known.homes:
            continue
        copy = known.copies.get(record.key)
        # A withdrawal is never taken back, so an old one still counts.
        if copy is not None and copy.state != "active":
            return "dead"
        unknown = unknown or not _fresh(gateway, known, record)
    return "unknown" if unknown else "live"


def may_go_unconfirmed(gateway: Gateway, delivery: Delivery) -> bool:
    """Red has waited long enough for an answer."""
    if delivery.triage != "red" or delivery.held_since is None:
        return False
    held = gateway.security() - delivery.held_since
    return held >= timedelta(seconds=gateway.settings.red_hold_seconds)


def _fresh(gateway: Gateway, known: GrantFacts, record: RecordedGrant) -> bool:
    copy = known.copies.get(record.key)
    if copy is None:
        return False
    age = gateway.security() - copy.as_of
    return age <= timedelta(seconds=gateway.settings.grant_cache_seconds)


async def answer(gateway: Gateway, question: GrantStatusQuestion) -> GrantStatusAnswer:
    """What this gateway, home of the grants' issuers, says of them to a peer."""
    return await gateway.database.read(_answer, gateway, question, gateway.business())


def _answer(
    connection: Connection, gateway: Gateway, question: GrantStatusQuestion, now: datetime
) -> GrantStatusAnswer:
    ids = set(question.grant_ids)
    ours = {key for key in grants.withdrawn(connection, ids) if gateway.is_home(country_of(key[1]))}
    withdrawn = {grant_id for grant_id, _ in ours}
    recorded = {
        record.grant_id: record
        for record in grants.known(connection, ids)
        if gateway.is_home(country_of(record.issuer))
    }

    def state(grant_id: str) -> GrantState | Literal["unknown"]:
        if grant_id in withdrawn:
            return "withdrawn"
        record = recorded.get(grant_id)
        if record is None:
            return "unknown"
        return "expired" if record.expires_at <= now else "active"

    return GrantStatusAnswer(
        grants=[
            GrantStatus(grant_id=grant_id, state=state(grant_id), as_of=now)
            for grant_id in question.grant_ids
        ]
    )
