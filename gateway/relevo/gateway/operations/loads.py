"""What is handed to one receiver at once, whoever fetches it: leased, looked at again, and landed.

Our own worker takes loads to nodes and peers; a node without an open port takes its own. What may
leave, and what becomes of it, is decided here for both.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection

from relevo.contracts.envelope import MAX_BATCH_BYTES, MAX_BATCH_MESSAGES
from relevo.contracts.exchange import MessageAnswer
from relevo.contracts.problem_types import PROBLEM_TYPES
from relevo.contracts.receipt import Receipt
from relevo.gateway.domain.delivery import split_target
from relevo.gateway.storage import deliveries, ledger
from relevo.gateway.storage.deliveries import Delivery, WaitingReceipt
from relevo.servicekit.backoff import delay_seconds
from relevo.servicekit.ids import random_id

from . import liveness
from .context import Gateway
from .endings import Ending, end

FIRST_PAUSE_SECONDS: Final = 0.5
_HELD_SECONDS: Final = 10.0
_RETRYABLE_STATUS: Final = frozenset({408, 421, 425, 429})


@dataclass(frozen=True)
class Bounds:
    """How much one load may be, and for how long it is its taker's alone."""

    lease_seconds: float
    messages: int = MAX_BATCH_MESSAGES
    envelope_bytes: int = MAX_BATCH_BYTES
    receipt_bytes: int = MAX_BATCH_BYTES


@dataclass(frozen=True)
class Load:
    """What is under one lease. `worked` is true as well when something was due and did not leave."""

    target: str
    lease_id: str
    messages: list[Delivery] = field(default_factory=list)
    waiting: list[WaitingReceipt] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)
    worked: bool = False

    @property
    def is_empty(self) -> bool:
        return not self.messages and not self.waiting

    @property
    def envelopes(self) -> list[str]:
        return [item.jws for item in self.messages if item.jws]


async def take(gateway: Gateway, target: str, bounds: Bounds) -> Load:
    """Leases what is due for a target and may leave now, withdrawals and red first."""
    load, facts = await gateway.database.write(_lease, gateway, target, bounds)
    if load.messages:
        load = await _confirm(gateway, load, facts)
    if load.waiting:
        load = await _with_receipts(gateway, load, bounds)
    return load


def _lease(
    connection: Connection, gateway: Gateway, target: str, bounds: Bounds
) -> tuple[Load, liveness.GrantFacts]:
    """Leases what is due, and ends what may not leave any more."""
    security, business = gateway.security(), gateway.business()
    lease_id = random_id()
    claimed = deliveries.claim(
        connection,
        target,
        now=security,
        limit=bounds.messages,
        max_bytes=bounds.envelope_bytes,
        lease_seconds=bounds.lease_seconds,
        lease_id=lease_id,
    )
    receipts = deliveries.claim_receipts(
        connection,
        target,
        now=security,
        limit=bounds.messages,
        lease_seconds=bounds.lease_seconds,
        lease_id=lease_id,
    )
    facts = liveness.facts(
        connection,
        gateway,
        [item.id for item in claimed if item.message_class == "content"],
        only_ours=split_target(target)[0] == "gateway",
    )
    ending: list[Ending] = []
    live: list[Delivery] = []
    for item in claimed:
        if item.expires_at <= business:
            ending.append(Ending(item, "expired"))
        elif item.jws is None:
            ending.append(Ending(item, "dead", "internal_error"))
        elif liveness.verdict(gateway, facts, item.id) == "dead":
            ending.append(Ending(item, "refused", "grant_not_live"))
        else:
            live.append(item)
    end(connection, gateway, ending)
    load = Load(target, lease_id, live, receipts, worked=bool(claimed or receipts))
    return load, facts


async def _confirm(gateway: Gateway, load: Load, facts: liveness.GrantFacts) -> Load:
    """Asks what must be asked about grants, and takes out what may not leave yet, or never."""
    asked = liveness.stale(gateway, facts)
    learned = await liveness.ask(gateway, asked) if asked else {}
    facts = replace(facts, copies={**facts.copies, **learned})
    leaving: list[Delivery] = []
    held: list[Delivery] = []
    dead: list[Delivery] = []
    flags: dict[bool, list[str]] = {}
    for item in load.messages:
        verdict = liveness.verdict(gateway, facts, item.id)
        if verdict == "dead":
            dead.append(item)
        elif verdict == "live" or liveness.may_go_unconfirmed(gateway, item):
            leaving.append(item)
            unconfirmed = verdict != "live"
            if item.unconfirmed != unconfirmed:
                flags.setdefault(unconfirmed, []).append(item.id)
        else:
            held.append(item)
    if held or dead or flags:
        await gateway.database.write(_keep_back, gateway, load.lease_id, held, dead, flags)
    return replace(load, messages=leaving)


def _keep_back(
    connection: Connection,
    gateway: Gateway,
    lease_id: str,
    held: list[Delivery],
    dead: list[Delivery],
    flags: dict[bool, list[str]],
) -> None:
    now = gateway.security()
    for unconfirmed, ids in flags.items():
        deliveries.flag_unconfirmed(connection, ids, unconfirmed=unconfirmed, lease_id=lease_id)
    if held:
        deliveries.hold(
            connection,
            [item.id for item in held],
            now=now,
            due_at=now + timedelta(seconds=_HELD_SECONDS),
            lease_id=lease_id,
        )
    endings = [Ending(item, "refused", "grant_not_live") for item in dead]
    end(connection, gateway, endings, lease_id=lease_id)


async def _with_receipts(gateway: Gateway, load: Load, bounds: Bounds) -> Load:
    """The whole receipts, as many as fit; the others wait for the next load."""
    whole = await gateway.database.read(_whole_receipts, load.waiting)
    fitting, size = 0, 0
    for receipt in whole:
        size += len(receipt.model_dump_json())
        if fitting and size > bounds.receipt_bytes:
            break
        fitting += 1
    if fitting < len(whole):
        left = [item.id for item in load.waiting[fitting:]]
        await gateway.database.write(_leave_receipts, gateway, load.lease_id, left)
    return replace(load, waiting=load.waiting[:fitting], receipts=whole[:fitting])


def _whole_receipts(connection: Connection, items: list[WaitingReceipt]) -> list[Receipt]:
    places = [item.ledger_index for item in items if item.ledger_index is not None]
    ours = ledger.receipts_at(connection, places) if places else {}
    return [
        ours[item.ledger_index]
        if item.ledger_index is not None
        else Receipt.model_validate_json(item.receipt or "")
        for item in items
    ]


def _leave_receipts(
    connection: Connection, gateway: Gateway, lease_id: str, ids: list[str]
) -> None:
    now = gateway.security()
    deliveries.release_receipts(connection, ids, now=now, due_at=now, error=None, lease_id=lease_id)


def land(
    connection: Connection, gateway: Gateway, load: Load, answers: Sequence[MessageAnswer]
) -> None:
    """Writes down what became of each message of a load that arrived."""
    now = gateway.security()
    # A message relayed to a peer is delivered by that peer, which says so itself.
    told = split_target(load.target)[0] != "gateway"
    endings: list[Ending] = []
    again: list[str] = []
    for item, answer in zip(load.messages, answers, strict=True):
        if answer.result != "refused":
            endings.append(Ending(item, "delivered", told=told))
        elif answer.problem is None or _passes(answer.problem.status):
            again.append(item.id)
        else:
            endings.append(Ending(item, "refused", _name_of(answer)))
    end(connection, gateway, endings, lease_id=load.lease_id)
    if again:
        deliveries.release(
            connection,
            again,
            now=now,
            due_at=now + pause(gateway, 2),
            error="receiver_not_ready",
            lease_id=load.lease_id,
        )
    if load.waiting:
        deliveries.finish_receipts(
            connection, [item.id for item in load.waiting], lease_id=load.lease_id
        )


def put_back(
    connection: Connection,
    gateway: Gateway,
    load: Load,
    wait: timedelta,
    cause: str,
    *,
    refused: bool,
) -> None:
    """Nothing of it arrived: it goes again later, or to a person when it was refused too often."""
    now = gateway.security()
    most = gateway.settings.refusals_before_dead
    dead = [item for item in load.messages if refused and item.refusals + 1 >= most]
    again = [item.id for item in load.messages if item not in dead]
    if again:
        deliveries.release(
            connection,
            again,
            now=now,
            due_at=now + wait,
            error=cause,
            lease_id=load.lease_id,
            refused=refused,
        )
    problem = cause if cause in PROBLEM_TYPES else None
    end(
        connection,
        gateway,
        [Ending(item, "dead", problem) for item in dead],
        lease_id=load.lease_id,
    )
    if load.waiting:
        deliveries.release_receipts(
            connection,
            [item.id for item in load.waiting],
            now=now,
            due_at=now + wait,
            error=cause,
            lease_id=load.lease_id,
        )


def pause(gateway: Gateway, failures: int) -> timedelta:
    """How long what failed so often waits before it goes again."""
    return timedelta(
        seconds=delay_seconds(
            failures,
            base=FIRST_PAUSE_SECONDS,
            cap=gateway.settings.retry_cap_seconds,
            jitter=random.random(),  # noqa: S311 - only spreads retries
        )
    )


def _passes(status: int) -> bool:
    """Whether a refusal is of the kind that passes."""
    return status >= 500 or status in _RETRYABLE_STATUS


def _name_of(answer: MessageAnswer) -> str | None:
    name = answer.problem.type.rpartition("/")[2] if answer.problem else ""
    return name if name in PROBLEM_TYPES else None
