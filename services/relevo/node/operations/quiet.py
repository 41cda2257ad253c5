"""Days of quiet that a pathway names: nobody is reminded, surveyed or followed up in them (domain rule 8)."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import Connection

from relevo.contracts.lifecycles.referral import Event, replay
from relevo.contracts.pathways.loader import pathways
from relevo.node.storage import referrals
from relevo.node.storage.referrals import StoredReferral

from .context import Node


def quiet_until(
    connection: Connection, node: Node, referral: StoredReferral, *, now: datetime
) -> datetime | None:
    """When the quiet ends that holds for this referral now, because of itself or of one it belongs with."""
    ends = [
        reached + timedelta(days=days)
        for one in _together(connection, referral)
        for reached, days in _stretches(connection, node, one)
    ]
    return max((end for end in ends if end > now), default=None)


def _together(connection: Connection, referral: StoredReferral) -> list[StoredReferral]:
    """This one, the one that it continues, and those that continue either."""
    roots = {referral.id} | ({referral.part_of} if referral.part_of else set())
    parts = {part for root in roots for part in referrals.parts_of(connection, root, party=None)}
    return list(referrals.by_ids(connection, sorted(roots | parts)).values())


def _stretches(
    connection: Connection, node: Node, one: StoredReferral
) -> Iterator[tuple[datetime, int]]:
    route = pathways().get(one.pathway)
    if route is None or not route.quiet_days:
        return
    events = referrals.numbered_events(connection, [one.id])[one.id]
    for event in replay(events).path:
        if days := route.quiet_after(event.state):
            yield events[Event(event.seq, event.state, event.actor)], days
    whole = referrals.get(connection, node.vault, one.id)
    outcome = None if whole is None else whole.counter_referral
    if outcome is not None and (days := route.quiet_after(outcome.outcome)):
        yield outcome.ended_at, days
