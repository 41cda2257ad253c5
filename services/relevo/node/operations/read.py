"""Reading referrals and the event feed."""

from typing import Any

from sqlalchemy import Connection

from relevo.contracts.lifecycles.referral import Event, replay
from relevo.contracts.problem import ProblemError
from relevo.contracts.referral import HistoryEntry, Referral
from relevo.node.storage import deadlines, feed, referrals
from relevo.node.storage.feed import FeedEvent
from relevo.servicekit.access_token import Caller

from .access import may_read, note_read
from .context import Node
from .cursor import from_cursor, to_cursor
from .visibility import history_entry, only_party, party_of, view
from .whole import whole


async def read_referral(node: Node, caller: Caller, referral_id: str) -> Referral:
    """One referral with its persons.

    Raises:
        ProblemError: `not_found`, the same for absent and not yours.
    """
    party_of(node, caller)
    shown = await node.database.read(whole, node, caller, referral_id)
    owner = shown.sender if shown.role == "sender" else shown.receiver
    await note_read(node, caller, what="referral", subject=shown.id, owner=owner)
    return shown


async def read_history(node: Node, caller: Caller, referral_id: str) -> list[HistoryEntry]:
    """Every event of a referral, in order, with those that did not apply.

    Raises:
        ProblemError: `not_found`.
    """
    party_of(node, caller)
    owner, entries = await node.database.read(_history, node, caller, referral_id)
    await note_read(node, caller, what="history", subject=referral_id, owner=owner)
    return entries


def _history(
    connection: Connection, node: Node, caller: Caller, referral_id: str
) -> tuple[str, list[HistoryEntry]]:
    held = referrals.by_ids(connection, [referral_id]).get(referral_id)
    if held is None or not may_read(connection, node, caller, held):
        raise ProblemError("not_found")
    events = referrals.events(connection, node.vault, held)
    applied = replay(Event(e.seq, e.state, e.actor) for e in events).applied
    return held.owner, [history_entry(event, applicable=event.seq in applied) for event in events]


async def list_referrals(
    node: Node,
    caller: Caller,
    *,
    role: str | None,
    state: str | None,
    cursor: str | None,
    limit: int,
    overdue: bool | None = None,
) -> tuple[list[Referral], str | None]:
    """A page without persons, and the cursor of the next one.

    Newest first; what is overdue, the longest overdue first.

    Raises:
        ProblemError: `invalid_input`, the cursor is none of ours.
    """
    party_of(node, caller)
    now = node.clock.business()
    past = None if cursor is None else from_cursor(cursor)
    which: dict[str, Any] = {"party": only_party(caller), "role": role, "state": state}
    if overdue:
        page = await node.database.read(
            deadlines.overdue, **which, now=now, after=past, limit=limit + 1
        )
    else:
        page = await node.database.read(
            referrals.page,
            **which,
            before=past,
            limit=limit + 1,
            in_time_at=None if overdue is None else now,
        )
    more = page[limit:]
    shown = page[:limit]
    views = [view(item, now) for item in shown]
    if not more:
        return views, None
    last = shown[-1]
    ended_at = last.overdue_at if overdue else last.created_at
    return views, to_cursor(ended_at or last.created_at, last.id)


async def read_events(node: Node, caller: Caller, *, after: int, limit: int) -> list[FeedEvent]:
    """Events past a position. A reader that stores the last position misses none."""
    party_of(node, caller)
    return await node.database.read(feed.after, after, limit=limit, party=only_party(caller))


def cloud_event(node: Node, event: FeedEvent) -> dict[str, object]:
    """CloudEvents 1.0 in structured form; ids only."""
    data: dict[str, object] = {"id": event.subject}
    if event.event_seq is not None:
        data["event_seq"] = event.event_seq
    return {
        "specversion": "1.0",
        "id": event.id,
        "source": node.settings.base_url,
        "type": f"org.relevo.{event.type}",
        "subject": event.subject,
        "time": event.at.isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "position": event.position,
        "data": data,
    }
