"""Trying to reach somebody: a number is shown only while her own rules allow it."""

from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from relevo.contracts.contact_rules import Permission
from relevo.contracts.follow_up import Attempt, AttemptEnding, AttemptOpening
from relevo.contracts.lifecycles.follow_up import ATTEMPTABLE
from relevo.contracts.problem import FieldError, ProblemError
from relevo.node.storage import follow_ups, splits
from relevo.node.storage.follow_ups import StoredAttempt, StoredFollowUp
from relevo.node.storage.vault import ErasedError
from relevo.servicekit import idempotency
from relevo.servicekit.access_token import Caller

from .context import Node
from .follow_up_book import Book
from .follow_up_grants import live_slices
from .reach import Reach, reach_of
from .read_follow_up import found_follow_up, view_attempt
from .visibility import as_text, party_of

_OPERATION = "open_attempt"


async def open_attempt(
    node: Node,
    caller: Caller,
    follow_up_id: str,
    opening: AttemptOpening,
    *,
    key: str,
    digest: str,
) -> Attempt:
    """Shows the number and what to say, or records which rule forbids it and shows nothing.

    Raises:
        ProblemError: `not_found`, `illegal_transition`, `outside_window`, `grant_not_live`, or
            `invalid_input` when it is not clear which person is meant.
    """
    party_of(node, caller)
    attempt = await node.database.write(
        _open, node, caller, follow_up_id, opening, key=key, digest=digest
    )
    node.wake()
    return attempt


def _open(
    connection: Connection,
    node: Node,
    caller: Caller,
    follow_up_id: str,
    opening: AttemptOpening,
    *,
    key: str,
    digest: str,
) -> Attempt:
    # One key is for one attempt on one follow-up.
    digest = f"{follow_up_id}:{digest}"
    before = idempotency.begin(
        connection, caller.client_id, _OPERATION, key, digest, node.clock.security()
    )
    held = found_follow_up(connection, node, caller, follow_up_id, lock=True)
    book = Book(connection, node, node.clock.business())
    if before is not None:
        return _again(book, held, int(before.body), opening)
    _check_time(book, held)
    person = _person(book, held, opening)
    reach = reach_of(connection, node, held)
    permission = reach.permission(
        person, channel=opening.modality, now=book.now, number=opening.number
    )
    made = follow_ups.attempts(connection, node.vault, held)
    words = {
        name: value
        for name, value in (
            ("desk", opening.desk),
            ("interpreter", _interpreted(opening)),
            ("numbers", list(permission.addresses)),
        )
        if value
    }
    attempt = StoredAttempt(
        seq=len(made) + 1,
        person=person,
        modality=opening.modality,
        opened_at=book.now,
        outcome=None if permission.allowed else "not_attempted_rule",
        ended_at=None if permission.allowed else book.now,
        forbidden_by=permission.forbidden_by,
        words=words,
    )
    try:
        follow_ups.add_attempt(connection, node.vault, held, attempt)
        if permission.allowed and held.state != "in_progress":
            held = book.move(held, "in_progress")
    except ErasedError:
        raise ProblemError("grant_not_live", grant_state="erased") from None
    idempotency.complete(
        connection, caller.client_id, _OPERATION, key, status=201, body=str(attempt.seq).encode()
    )
    book.tell(held, "follow_up.attempt_recorded")
    book.write()
    return _shown(attempt, permission, reach)


def _interpreted(opening: AttemptOpening) -> dict[str, Any] | None:
    said = opening.interpreter
    return None if said is None else said.model_dump(mode="json")


def _again(book: Book, held: StoredFollowUp, seq: int, opening: AttemptOpening) -> Attempt:
    """A retry: the same attempt, and its number only if the rules still allow it."""
    made = follow_ups.attempts(book.connection, book.node.vault, held)
    attempt = made[seq - 1]
    if attempt.outcome is not None or held.state not in ATTEMPTABLE:
        return view_attempt(attempt)
    reach = reach_of(book.connection, book.node, held)
    permission = reach.permission(
        attempt.person, channel=opening.modality, now=book.now, number=opening.number
    )
    if not live_slices(book.connection, held, now=book.now):
        return view_attempt(attempt)
    return _shown(attempt, permission, reach)


def _check_time(book: Book, held: StoredFollowUp) -> None:
    if held.role != "holder" or held.state not in ATTEMPTABLE:
        raise ProblemError(
            "illegal_transition",
            subject="follow-up",
            from_state=held.state,
            to_state="in_progress",
        )
    if not held.window_from <= book.now < held.window_until:
        raise ProblemError(
            "outside_window",
            window_from=as_text(held.window_from),
            window_until=as_text(held.window_until),
            server_time=as_text(book.now),
        )


def _person(book: Book, held: StoredFollowUp, opening: AttemptOpening) -> int:
    """Whom it is about: one of those whose consent still covers it."""
    live = {one.held.id for one in live_slices(book.connection, held, now=book.now)}
    if not live:
        raise ProblemError("grant_not_live", grant_state="withdrawn")
    places = reach_of(book.connection, book.node, held).referral.details.get("follow_up", {})
    # Whoever was parted from the others for her safety is not sought through them.
    gone = splits.gone_from(book.connection, held.referral_id or "")[0]
    covered = sorted({place for grant_id, place in places.items() if grant_id in live} - gone)
    if opening.person in covered:
        return int(opening.person or 0)
    if opening.person is None and len(covered) == 1:
        return int(covered[0])
    detail = f"one of: {', '.join(map(str, covered))}"
    raise ProblemError("invalid_input", errors=[FieldError(pointer="/person", detail=detail)])


def _shown(attempt: StoredAttempt, permission: Permission, reach: Reach) -> Attempt:
    if not permission.allowed:
        return view_attempt(attempt).model_copy(
            update={"forbidden_by": permission.forbidden_by, "next_at": permission.next_at}
        )
    return view_attempt(attempt).model_copy(
        update={
            "numbers": list(permission.addresses),
            "introduce_as": reach.introduce_as(attempt.person),
            "ask_pass_phrase": reach.has_pass_phrase(attempt.person),
        }
    )


async def end_attempt(
    node: Node, caller: Caller, follow_up_id: str, seq: int, ending: AttemptEnding
) -> Attempt:
    """Records what came of it. Repeating it changes nothing.

    Raises:
        ProblemError: `not_found`, `illegal_transition` for one that ended otherwise, or
            `pass_phrase_wrong`.
    """
    party_of(node, caller)
    return await node.database.write(_end, node, caller, follow_up_id, seq, ending)


def _end(
    connection: Connection,
    node: Node,
    caller: Caller,
    follow_up_id: str,
    seq: int,
    ending: AttemptEnding,
) -> Attempt:
    held = found_follow_up(connection, node, caller, follow_up_id, lock=True)
    made = {a.seq: a for a in follow_ups.attempts(connection, node.vault, held)}
    attempt = made.get(seq)
    if attempt is None:
        raise ProblemError("not_found")
    if attempt.outcome == ending.outcome:
        return view_attempt(attempt)
    if attempt.outcome is not None:
        raise ProblemError(
            "illegal_transition",
            subject="attempt",
            from_state=attempt.outcome,
            to_state=ending.outcome,
        )
    if ending.outcome == "answered":
        reach = reach_of(connection, node, held)
        if reach.has_pass_phrase(attempt.person) and not reach.is_pass_phrase(
            attempt.person, ending.pass_phrase or ""
        ):
            raise ProblemError("pass_phrase_wrong")
    book = Book(connection, node, node.clock.business())
    words = attempt.words | ({} if ending.note is None else {"note": ending.note})
    ended = replace(attempt, outcome=ending.outcome, ended_at=book.now, words=words)
    try:
        follow_ups.end_attempt(connection, node.vault, held, ended)
    except ErasedError:
        raise ProblemError("grant_not_live", grant_state="erased") from None
    book.tell(held, "follow_up.attempt_recorded")
    book.write()
    return view_attempt(ended)
