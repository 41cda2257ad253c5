"""Somebody turns 18: what a guardian or an authority allowed ends, and the person is asked.

Nothing more is released under it. What was accepted goes on: nobody loses a bed on a birthday (domain
rule 3).
"""

from datetime import datetime

from sqlalchemy import Connection

from relevo.contracts.consent import Consent
from relevo.contracts.families import given_until
from relevo.node.storage import coming_of_age, consents, feed, grants, outbox
from relevo.node.storage.coming_of_age import ComingOfAge
from relevo.node.storage.holdings import Holdings

from .context import Node
from .receipts import end_message

OWN_CONSENT_NEEDED = "own_consent_needed"


def note_age(connection: Connection, record: Consent, *, owner: str) -> None:
    """Remembers when this consent ends, if the birthday is known; else the referral tells."""
    until = given_until(record, [])
    if until is not None:
        coming_of_age.note(connection, [ComingOfAge("consent", record.id, owner, until)])


async def come_of_age_once(node: Node) -> bool:
    """Ends what ends today. True when there may be more."""
    now = node.clock.business()
    if not await node.database.read(coming_of_age.due, now=now, limit=1):
        return False
    ended = await node.database.write(_end, node, now)
    node.wake()
    return ended


def _end(connection: Connection, node: Node, now: datetime) -> bool:
    due = coming_of_age.due(connection, now=now)
    told = []
    for row in due:
        if not coming_of_age.mark_done(connection, row):
            continue
        if row.kind == "referral" or _pending(connection, node, row.subject, now):
            told.append(
                feed.FeedEvent(f"{row.kind}.{OWN_CONSENT_NEEDED}", row.subject, row.owner, now)
            )
    feed.append(connection, told)
    return bool(due)


def _pending(connection: Connection, node: Node, consent_id: str, now: datetime) -> bool:
    """The consent waits for the person's own word; what never left under it stays here."""
    if not consents.hold_active(connection, {consent_id}):
        return False
    consents.set_state(connection, consent_id, "pending_person")
    of_referrals = {grant.referral_id for grant in grants.of_consent(connection, consent_id)}
    holdings = Holdings(connection, node.vault, of_referrals)
    for referral_id in sorted(of_referrals):
        unsent = outbox.sent(connection, outbox.never_left(connection, referral_id))
        for message in unsent.values():
            end_message(
                connection,
                holdings,
                node,
                message,
                "refused",
                problem="guardian_basis_ended",
                now=now,
            )
    holdings.write()
    return True
