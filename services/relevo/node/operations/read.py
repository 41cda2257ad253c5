"""Reading referrals and the event feed."""

import base64
import binascii
from datetime import UTC, datetime

from sqlalchemy import Connection

from relevo.contracts.lifecycles.referral import Event, replay
from relevo.contracts.problem import FieldError, ProblemError
from relevo.contracts.referral import HistoryEntry, Referral
from relevo.node.storage import feed, referrals
from relevo.node.storage.feed import FeedEvent
from relevo.servicekit.access_token import Caller

from .context import Node
from .visibility import found, history_entry, only_party, party_of, view


async def read_referral(node: Node, caller: Caller, referral_id: str) -> Referral:
    """One referral with its persons.

    Raises:
        ProblemError: `not_found`, the same for absent and not yours.
    """
    party_of(node, caller)
    whole = await node.database.read(referrals.get, node.vault, referral_id)
    return view(found(caller, whole))


async def read_history(node: Node, caller: Caller, referral_id: str) -> list[HistoryEntry]:
    """Every event of a referral, in order, with those that did not apply.

    Raises:
        ProblemError: `not_found`.
    """
    party_of(node, caller)
    return await node.database.read(_history, node, caller, referral_id)


def _history(
    connection: Connection, node: Node, caller: Caller, referral_id: str
) -> list[HistoryEntry]:
    held = found(caller, referrals.by_ids(connection, [referral_id]).get(referral_id))
    events = referrals.events(connection, node.vault, held)
    applied = replay(Event(e.seq, e.state, e.actor) for e in events).applied
    return [history_entry(event, applicable=event.seq in applied) for event in events]


async def list_referrals(
    node: Node,
    caller: Caller,
    *,
    role: str | None,
    state: str | None,
    cursor: str | None,
    limit: int,
) -> tuple[list[Referral], str | None]:
    """A page, newest first, without persons, and the cursor of the next one.

    Raises:
        ProblemError: `invalid_input`, the cursor is none of ours.
    """
    party_of(node, caller)
    page = await node.database.read(
        referrals.page,
        party=only_party(caller),
        role=role,
        state=state,
        before=None if cursor is None else _from_cursor(cursor),
        limit=limit + 1,
    )
    more = page[limit:]
    shown = page[:limit]
    return [view(item) for item in shown], _to_cursor(
        shown[-1].created_at, shown[-1].id
    ) if more else None


def _to_cursor(at: datetime, referral_id: str) -> str:
    return base64.urlsafe_b64encode(f"{at.isoformat()} {referral_id}".encode()).decode()


def _from_cursor(cursor: str) -> tuple[datetime, str]:
    try:
        at, _, referral_id = base64.urlsafe_b64decode(cursor.encode()).decode().partition(" ")
        moment = datetime.fromisoformat(at).astimezone(UTC)
    except (ValueError, binascii.Error) as error:
        raise ProblemError(
            "invalid_input",
            errors=[FieldError(pointer="", detail="cursor: use the one that the page before gave")],
        ) from error
    return moment, referral_id


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
