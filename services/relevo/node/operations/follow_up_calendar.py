"""What a referral's pathway proposes after its end, read at the receiver's node and stored nowhere."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection

from relevo.contracts.channels import Channel
from relevo.contracts.contact_rules import usable_channels
from relevo.contracts.follow_up import FOLLOW_UP_PURPOSE
from relevo.contracts.follow_up_calendar import FollowUpCalendar, calendar
from relevo.contracts.grant_slice import GrantSlice
from relevo.contracts.lifecycles.referral import Event, replay
from relevo.contracts.pathways.loader import pathways
from relevo.contracts.problem import ProblemError
from relevo.node.storage import grants, referrals, splits
from relevo.node.storage.referrals import StoredReferral
from relevo.servicekit import jose
from relevo.servicekit.access_token import Caller

from .context import Node
from .quiet import quiet_until
from .reach import Reach
from .visibility import found, party_of


async def read_calendar(node: Node, caller: Caller, referral_id: str) -> FollowUpCalendar:
    """The windows that are proposed, by business time.

    Raises:
        ProblemError: `not_found`, also at the sender, who follows nobody up.
    """
    party_of(node, caller)
    return await node.database.read(_read, node, caller, referral_id)


def _read(connection: Connection, node: Node, caller: Caller, referral_id: str) -> FollowUpCalendar:
    now = node.clock.business()
    held = found(caller, referrals.get(connection, node.vault, referral_id))
    if held.role != "receiver":
        raise ProblemError("not_found")
    reach = Reach(held)
    opted_in = _opted_in(connection, held, now) - splits.gone_from(connection, held.id)[0]
    return calendar(
        held.id,
        pathways().get(held.pathway),
        ended_at=_completed_at(connection, held),
        quiet_until=quiet_until(connection, node, held, now=now),
        reachable={person: _ways(reach, person) for person in opted_in},
    )


def _opted_in(connection: Connection, held: StoredReferral, now: datetime) -> set[int]:
    """Whose consent to follow-up stands now: a live slice for it came with the referral."""
    places = held.details.get("follow_up", {})
    theirs = [
        grant
        for grant in grants.of_referral(connection, held.id)
        if grant.id in places and grant.sender == held.owner and grant.expires_at > now
    ]
    gone = grants.withdrawn_among(connection, [grant.id for grant in theirs])
    live = [grant for grant in theirs if (grant.issuer, grant.id) not in gone]
    return {
        places[grant.id]
        for grant in live
        if GrantSlice.model_validate(jose.peek(grant.jws)[1]).purposes == [FOLLOW_UP_PURPOSE]
    }


def _completed_at(connection: Connection, held: StoredReferral) -> datetime | None:
    """Whoever was refused or never came is not asked how the service was."""
    events = referrals.numbered_events(connection, [held.id])[held.id]
    done = [event for event in replay(events).path if event.state == "completed"]
    if not done:
        return None
    last = done[-1]
    reported = held.counter_referral
    return (
        events[Event(last.seq, last.state, last.actor)] if reported is None else reported.ended_at
    )


def _ways(reach: Reach, person: int) -> Collection[Channel]:
    """What every word of hers leaves; without any, nobody may reach her."""
    contact = reach.contact_of(person)
    left = [usable_channels(rules, contact) for rules in reach.rules_of(person)]
    return frozenset.intersection(*left) if left else frozenset()
