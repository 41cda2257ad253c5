"""The authority stays silent past its clock, or will not take the notice: the alternate is told."""

import asyncio
from dataclasses import replace
from datetime import datetime

from pydantic import ValidationError
from sqlalchemy import Connection

from relevo.contracts.childhood import AUTHORITY_MANDATE
from relevo.contracts.person import Person
from relevo.contracts.problem import ProblemError
from relevo.contracts.referral import Need, ReferralSubmission
from relevo.node.storage import child_notices, feed, outbox, referrals
from relevo.node.storage.child_notices import NoticeRow
from relevo.node.storage.referrals import StoredReferral
from relevo.servicekit.access_token import Caller

from .child_notice import (
    NOTICE_PATHWAY,
    UNKNOWN,
    Known,
    event_of,
    look_up_authorities,
    notice_row,
    notice_to,
)
from .context import Node
from .directory import Directory
from .draft import Draft


async def tell_alternates_once(node: Node, directory: Directory) -> bool:
    """Tells the alternate of what the authority did not look at in time. True when it did something."""
    now = node.clock.business()
    settled = await node.database.read(child_notices.settled)
    if settled:
        await node.database.write(child_notices.close, settled)
    silent = await node.database.read(child_notices.silent, now=now)
    if not silent:
        return bool(settled)
    authorities = await look_up_authorities(node, directory)
    for row in silent:
        before = await node.database.read(referrals.get, node.vault, row.notice_id or "")
        outcome = await asyncio.to_thread(_again, node, row, before, authorities, now)
        await node.database.write(_store_again, row, outcome, now)
    node.wake()
    return True


def _again(
    node: Node,
    row: NoticeRow,
    before: StoredReferral | None,
    authorities: Known,
    now: datetime,
) -> tuple[NoticeRow, Draft | None]:
    alternate = node.settings.child_protection_alternate
    problem = UNKNOWN
    if before is not None and alternate is not None:
        unit = None if row.owner == node.institution else row.owner
        ourselves = Caller("child-notice", node.institution, unit, frozenset(), None, frozenset())
        try:
            persons = [Person.model_validate(person) for person in before.persons]
            submission = ReferralSubmission(
                receiver=alternate,
                pathway=NOTICE_PATHWAY,
                triage="red",
                purpose=AUTHORITY_MANDATE,
                needs=[Need(service="child_protection")],
                persons=persons,
                share=[],
                triaged_at=before.created_at,
            )
            made = notice_to(
                node,
                ourselves,
                row.owner,
                submission,
                alternate,
                authorities.get(alternate),
                profiles={},
                now=now,
            )
        except ProblemError as refused:
            problem = refused.name
        except ValidationError:
            problem = "grant_not_live"  # the child was erased
        else:
            again = notice_row(row.owner, now, authority=alternate, notice_id=made.answer.id)
            return replace(again, referral_id=row.referral_id), made
    return replace(notice_row(row.owner, now, problem=problem), referral_id=row.referral_id), None


def _store_again(
    connection: Connection,
    row: NoticeRow,
    outcome: tuple[NoticeRow, Draft | None],
    now: datetime,
) -> None:
    again, made = outcome
    if not child_notices.close(connection, [row.id]):
        return
    child_notices.add(connection, [again])
    events = [event_of(again, now)]
    if made is not None:
        referrals.add(connection, [made.referral])
        outbox.add(connection, [made.message])
        events.append(
            feed.FeedEvent("referral.submitted", made.answer.id, row.owner, now, event_seq=0)
        )
    feed.append(connection, events)
