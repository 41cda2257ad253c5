"""The desk of undelivered messages: what no attempt could hand over waits here for a person.

Whoever sits here sees which message, of which kind, between whom and why not. Never what is in it.
"""

from collections.abc import Callable
from typing import Final

from sqlalchemy import Connection

from relevo.contracts.identifiers import Uuid
from relevo.contracts.model import ContractModel, Moment
from relevo.contracts.problem import ProblemError
from relevo.gateway.domain.delivery import QUEUED, DeliveryState
from relevo.gateway.domain.ledger import moment
from relevo.gateway.storage import blobs, deliveries, ledger
from relevo.gateway.storage.deliveries import Delivery
from relevo.servicekit.logging import get_logger

from . import endings
from .context import Gateway
from .endings import Ending

_DEAD: Final = "dead"
_Change = Callable[[Connection, Gateway, Delivery], bool]


class Undelivered(ContractModel):
    """A message as the desk sees it.

    Attributes:
        id: The message's.
        state: Where its delivery stands.
        message_type: Its kind and version.
        triage: How much haste it needs.
        sender: Party that sent it.
        receiver: Party that it is for.
        attempts: How often it was tried.
        problem: Name of the problem type for which it ended.
        last_error: What the last attempt met.
        accepted_at: When this gateway took it.
        expires_at: When nobody takes it any more.
    """

    id: Uuid
    state: DeliveryState
    message_type: str
    triage: str | None = None
    sender: str
    receiver: str
    attempts: int
    problem: str | None = None
    last_error: str | None = None
    accepted_at: Moment
    expires_at: Moment


async def page(
    gateway: Gateway, *, state: DeliveryState, cursor: str | None, limit: int
) -> tuple[list[Undelivered], str | None]:
    """Deliveries in a state, oldest first, and the cursor of the next page."""
    found = await gateway.database.read(
        deliveries.page, state=state, after=cursor or "", limit=limit + 1
    )
    more = len(found) > limit
    shown = [_shown(item) for item in found[:limit]]
    return shown, shown[-1].id if more else None


async def retry(gateway: Gateway, message_id: str, *, client: str) -> Undelivered:
    """Sends the same bytes again, as if for the first time.

    Raises:
        ProblemError: `not_found`; `illegal_transition` when it is not dead or its envelope is gone;
            `envelope_expired` when nobody would take it any more.
    """
    return await _at_desk(gateway, message_id, _retry, QUEUED, client)


async def give_back(gateway: Gateway, message_id: str, *, client: str) -> Undelivered:
    """Returns it to the sender with the cause: a receipt `dead`, proved by the ledger.

    Raises:
        ProblemError: `not_found` or `illegal_transition`.
    """
    return await _at_desk(gateway, message_id, _give_back, "returned", client)


async def close(gateway: Gateway, message_id: str, *, client: str) -> Undelivered:
    """Takes it off the desk: it was settled in another way.

    Raises:
        ProblemError: `not_found` or `illegal_transition`.
    """
    return await _at_desk(gateway, message_id, _close, "closed", client)


async def _at_desk(
    gateway: Gateway, message_id: str, change: _Change, to: DeliveryState, client: str
) -> Undelivered:
    found, changed = await gateway.database.write(_move, gateway, message_id, change, to)
    if changed:
        get_logger().warning("delivery_moved", message_id=message_id, state=to, client=client)
        gateway.wake()
    return _shown(found)


def _shown(item: Delivery) -> Undelivered:
    return Undelivered.model_validate(
        {name: getattr(item, name) for name in Undelivered.model_fields}
    )


def _move(
    connection: Connection, gateway: Gateway, message_id: str, change: _Change, to: DeliveryState
) -> tuple[Delivery, bool]:
    """The delivery afterwards, and whether it was this that changed it."""
    before = _get(connection, message_id)
    if before.state == to:
        return before, False
    if before.state != _DEAD or not change(connection, gateway, before):
        # Somebody else at the desk may have been faster since it was read.
        state = _get(connection, message_id).state
        raise ProblemError("illegal_transition", subject="delivery", from_state=state, to_state=to)
    return _get(connection, message_id), True


def _get(connection: Connection, message_id: str) -> Delivery:
    found = deliveries.get_many(connection, [message_id])
    if not found:
        raise ProblemError("not_found")
    return found[0]


def _retry(connection: Connection, gateway: Gateway, item: Delivery) -> bool:
    now = gateway.business()
    if item.expires_at <= now:
        raise ProblemError(
            "envelope_expired", expired_at=moment(item.expires_at), server_time=moment(now)
        )
    return deliveries.requeue(connection, item.id, now=gateway.security())


def _give_back(connection: Connection, gateway: Gateway, item: Delivery) -> bool:
    now = gateway.business()
    if not deliveries.end_dead(connection, item.id, state="returned", now=now):
        return False
    blobs.end_of_messages(connection, [item.id])
    if item.id not in ledger.positions_of(connection, [item.id], "dead"):
        ending = Ending(item, "dead", item.problem)
        recorded = gateway.record(connection, endings.entries(gateway, [ending]))
        endings.send_back(connection, gateway, [ending], first=recorded.first)
    # Else the entry and the receipt were written together when it died: the sender has it.
    return True


def _close(connection: Connection, gateway: Gateway, item: Delivery) -> bool:
    blobs.end_of_messages(connection, [item.id])
    return deliveries.end_dead(connection, item.id, state="closed", now=gateway.business())
