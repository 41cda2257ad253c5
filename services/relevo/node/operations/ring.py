"""When a clock of a referral runs out: told to the institution's systems once, and ended when its time is over.

Nothing here reaches for the person: what is told goes to the event feed, ids only.
"""

from dataclasses import replace
from datetime import datetime
from typing import Final

import structlog
from sqlalchemy import Connection

from relevo.node.domain import timing
from relevo.node.storage import deadlines
from relevo.node.storage.holdings import Holdings
from relevo.node.storage.referrals import StoredEvent, StoredReferral
from relevo.node.storage.vault import ErasedError

from .context import Node
from .quiet import quiet_until
from .tell import tell_state

_AT_ONCE: Final = 100
_log = structlog.get_logger()


async def ring_once(node: Node) -> bool:
    """Looks at the referrals whose alarm has come; whether there were any."""
    now = node.clock.business()
    # Mostly there is nothing, and reading costs no write.
    if not await node.database.read(deadlines.ringing, now=now, limit=1):
        return False
    rang = await node.database.write(_ring, node)
    if rang:
        node.wake()
    return rang


def _ring(connection: Connection, node: Node) -> bool:
    now = node.clock.business()
    holdings = Holdings(
        connection, node.vault, deadlines.ringing(connection, now=now, limit=_AT_ONCE)
    )
    for held in holdings.all():
        _look_at(connection, node, holdings, held, now)
    holdings.write()
    return bool(holdings.all())


def _look_at(
    connection: Connection, node: Node, holdings: Holdings, held: StoredReferral, now: datetime
) -> None:
    if timing.may_expire(held.role, held.state, held.pathway) and held.expires_at <= now:
        _expire(holdings, held, now)
        return
    fresh = [
        alarm
        for alarm in timing.kept(held.alarms)
        if alarm.at <= now and timing.name(alarm) not in held.told
    ]
    quiet = quiet_until(connection, node, held, now=now) if fresh else None
    if quiet is not None:
        holdings.put_off(held, quiet)
        return
    for alarm in fresh:
        what = "referral.overdue" if alarm.rung is None else "referral.escalated"
        holdings.tell(held, what, now=now)
    told = [*held.told, *(timing.name(alarm) for alarm in fresh)]
    # The referral itself did not change.
    holdings.stand(replace(held, told=told), now=held.updated_at)


def _expire(holdings: Holdings, held: StoredReferral, now: datetime) -> None:
    try:
        tell_state(holdings, held, StoredEvent(held.next_seq, "expired", "receiver", now), now=now)
    except ErasedError:
        # It ends here all the same; of an erased person nothing can be sent any more.
        _log.warning("expiry_not_told", referral_id=held.id)
    holdings.tell(held, "referral.state_changed", now=now, event_seq=held.next_seq)
