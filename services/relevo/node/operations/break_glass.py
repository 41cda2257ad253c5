"""Opening a record in an emergency, and looking at that afterwards (domain rule 15)."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from relevo.contracts.break_glass import (
    REVIEW_WITHIN,
    BreakGlassOpening,
    BreakGlassPage,
    BreakGlassReview,
    BreakGlassUse,
    UseState,
)
from relevo.contracts.identifiers import institution_of
from relevo.contracts.problem import FieldError, ProblemError
from relevo.node.storage import access_log, break_glass, feed, referrals
from relevo.node.storage.break_glass import StoredUse
from relevo.node.storage.feed import FeedEvent
from relevo.servicekit import idempotency
from relevo.servicekit.access_token import Caller
from relevo.servicekit.ids import new_id

from .context import Node
from .cursor import from_cursor, to_cursor
from .visibility import may_touch, only_party, party_of

_OPERATION: Final = "break_glass"
_ENFORCEMENT: Final = "enforcement"
_AT_ONCE: Final = 100


async def open_record(
    node: Node,
    caller: Caller,
    referral_id: str,
    opening: BreakGlassOpening,
    *,
    key: str,
    digest: str,
) -> BreakGlassUse:
    """Opens a referral of another unit of this institution, for some hours, to be read alone.

    Whoever holds it and whoever reviews it are told at once.

    Raises:
        ProblemError: `not_found`, `break_glass_not_needed`, `review_overdue`, or `invalid_input` for a
            reviewer who is not of another institution when somebody was alone.
    """
    party_of(node, caller)
    use = await node.database.write(_open, node, caller, referral_id, opening, key, digest)
    node.wake()
    return use


def _open(
    connection: Connection,
    node: Node,
    caller: Caller,
    referral_id: str,
    opening: BreakGlassOpening,
    key: str,
    digest: str,
) -> BreakGlassUse:
    digest = f"{referral_id}:{digest}"
    before = idempotency.begin(
        connection, caller.client_id, _OPERATION, key, digest, node.clock.security()
    )
    now = node.clock.business()
    if before is not None:
        made = break_glass.get(connection, node.vault, before.body.decode())
        if made is None:
            raise ProblemError("not_found")
        return _shown(connection, made, now)
    held = referrals.by_ids(connection, [referral_id]).get(referral_id)
    if held is None:
        raise ProblemError("not_found")
    if may_touch(caller, held.owner):
        raise ProblemError("break_glass_not_needed")
    _check_reviewer(node, opening)
    if opening.risk != "life" and break_glass.has_overdue(connection, caller.party, now):
        # Where a life is at risk nobody is shut out for paper that is late.
        raise ProblemError("review_overdue")
    use = StoredUse(
        id=new_id(),
        referral_id=held.id,
        owner=held.owner,
        party=caller.party,
        client_id=caller.client_id,
        risk=opening.risk,
        alone_on_shift=opening.alone_on_shift,
        reviewer=opening.reviewer,
        opened_at=now,
        expires_at=now + timedelta(hours=opening.hours),
        review_due_at=now + REVIEW_WITHIN,
        data_key_id=node.vault.new_key(),
        words={"reason": opening.reason, "opened_by": opening.opened_by},
    )
    break_glass.add(connection, node.vault, use)
    idempotency.complete(
        connection, caller.client_id, _OPERATION, key, status=201, body=use.id.encode()
    )
    _tell(connection, "break_glass.opened", [(use.id, use.owner, use.party)], now)
    return _shown(connection, use, now)


def _check_reviewer(node: Node, opening: BreakGlassOpening) -> None:
    if opening.reviewer is None:
        return
    elsewhere = not node.is_ours(opening.reviewer)
    if opening.alone_on_shift and not elsewhere:
        detail = "another institution reviews what somebody did who was alone"
        raise ProblemError("invalid_input", errors=[FieldError(pointer="/reviewer", detail=detail)])


async def review_use(
    node: Node, caller: Caller, use_id: str, review: BreakGlassReview
) -> BreakGlassUse:
    """Closes the review. Repeating it changes nothing; a second finding is refused.

    Raises:
        ProblemError: `not_found`, `reviewer_not_independent`, or `illegal_transition` when it was
            reviewed otherwise.
    """
    use = await node.database.write(_review, node, caller, use_id, review)
    node.wake()
    return use


def _review(
    connection: Connection, node: Node, caller: Caller, use_id: str, review: BreakGlassReview
) -> BreakGlassUse:
    now = node.clock.business()
    use = break_glass.get(connection, node.vault, use_id, lock=True)
    if use is None or not _may_see(node, caller, use):
        raise ProblemError("not_found")
    said = review.model_dump(mode="json")
    if use.review == said:
        return _shown(connection, use, now)
    if not _is_independent(node, caller, use, review):
        raise ProblemError("reviewer_not_independent")
    if use.reviewed_at is not None:
        raise ProblemError(
            "illegal_transition", subject="review", from_state="reviewed", to_state="reviewed"
        )
    after = replace(use, reviewed_at=now, reviewed_by_party=caller.party, review=said)
    break_glass.put_review(connection, node.vault, after)
    _tell(connection, "break_glass.reviewed", [(use.id, use.owner, use.party)], now)
    return _shown(connection, after, now)


def _is_independent(node: Node, caller: Caller, use: StoredUse, review: BreakGlassReview) -> bool:
    if use.alone_on_shift:
        return not node.is_ours(caller.institution)
    same_person = use.words.get("opened_by", "").casefold() == review.reviewed_by.casefold()
    return not same_person


def _may_see(node: Node, caller: Caller, use: StoredUse) -> bool:
    if _ENFORCEMENT in caller.mandates:
        return False
    if node.is_ours(caller.institution):
        return may_touch(caller, use.owner) or may_touch(caller, use.party)
    return use.reviewer is not None and institution_of(use.reviewer) == caller.institution


async def list_uses(
    node: Node, caller: Caller, *, cursor: str | None, limit: int
) -> BreakGlassPage:
    """Every use that the caller may look at, newest first. A reviewing institution sees its own.

    Raises:
        ProblemError: `not_yours`; `invalid_input`, the cursor is none of ours.
    """
    ours = node.is_ours(caller.institution)
    if _ENFORCEMENT in caller.mandates:
        raise ProblemError("not_yours")
    return await node.database.read(
        _page,
        node,
        party=only_party(caller) if ours else None,
        reviewer=None if ours else caller.institution,
        before=None if cursor is None else from_cursor(cursor),
        limit=limit,
    )


def _page(
    connection: Connection,
    node: Node,
    *,
    party: str | None,
    reviewer: str | None,
    before: tuple[datetime, str] | None,
    limit: int,
) -> BreakGlassPage:
    found = break_glass.page(
        connection, node.vault, party=party, reviewer=reviewer, before=before, limit=limit + 1
    )
    shown = found[:limit]
    now = node.clock.business()
    following = to_cursor(shown[-1].opened_at, shown[-1].id) if found[limit:] else None
    return BreakGlassPage(
        uses=[_shown(connection, use, now) for use in shown], next_cursor=following
    )


async def escalate_unreviewed(node: Node) -> bool:
    """Tells of uses that nobody reviewed in time, once each. True when there may be more."""
    now = node.clock.business()
    if not await node.database.read(break_glass.unreviewed, now=now, limit=1):
        return False
    told = await node.database.write(_escalate, now)
    if told:
        node.wake()
    return told == _AT_ONCE


def _escalate(connection: Connection, now: datetime) -> int:
    late = break_glass.unreviewed(connection, now=now, limit=_AT_ONCE)
    if late:
        break_glass.note_escalated(connection, [use for use, _, _ in late], now)
        _tell(connection, "break_glass.unreviewed", late, now)
    return len(late)


def _tell(
    connection: Connection, what: str, uses: list[tuple[str, str, str]], now: datetime
) -> None:
    feed.append(
        connection,
        [
            FeedEvent(what, use, party, now)
            for use, owner, opener in uses
            for party in dict.fromkeys((owner, opener))
        ],
    )


def _shown(connection: Connection, use: StoredUse, now: datetime) -> BreakGlassUse:
    return BreakGlassUse(
        id=use.id,
        referral_id=use.referral_id,
        party=use.party,
        risk="life" if use.risk == "life" else "serious_harm",
        reason=use.words.get("reason"),
        opened_by=use.words.get("opened_by"),
        alone_on_shift=use.alone_on_shift,
        reviewer=use.reviewer,
        opened_at=use.opened_at,
        expires_at=use.expires_at,
        review_due_at=use.review_due_at,
        state=_state(use, now),
        reads=access_log.reads_under(connection, [use.id]).get(use.id, 0),
        escalated_at=use.escalated_at,
        reviewed_at=use.reviewed_at,
        reviewed_by_party=use.reviewed_by_party,
        review=None if use.review is None else BreakGlassReview.model_validate(use.review),
    )


def _state(use: StoredUse, now: datetime) -> UseState:
    if use.reviewed_at is not None:
        return "reviewed"
    if use.review_due_at <= now:
        return "overdue"
    return "open" if now < use.expires_at else "ended"
