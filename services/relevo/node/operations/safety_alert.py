"""She is not safe: the follow-up ends, and a new referral of her begins in the same transaction."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from relevo.contracts.follow_up import FollowUp, SafetyAlert
from relevo.contracts.lifecycles.follow_up import TRANSITIONS, check_transition
from relevo.contracts.person import Person, ProtectionConcern
from relevo.contracts.problem import FieldError, ProblemError
from relevo.contracts.referral import ReferralSubmission
from relevo.node.storage import follow_ups, outbox
from relevo.node.storage.feed import FeedEvent
from relevo.node.storage.follow_ups import StoredFollowUp
from relevo.node.storage.vault import ErasedError
from relevo.servicekit.access_token import Caller

from .context import Node
from .draft import Draft
from .follow_up_book import Book
from .reach import reach_of
from .read_follow_up import found_follow_up, view_follow_up
from .send import Submission, SubmissionDesk, answered_before
from .visibility import party_of


@dataclass(frozen=True)
class _Raised:
    """An alert with what this node holds of whom it is about."""

    held: StoredFollowUp
    submission: Submission


async def raise_alert(
    node: Node,
    desk: SubmissionDesk,
    caller: Caller,
    follow_up_id: str,
    alert: SafetyAlert,
    *,
    key: str,
    digest: str,
) -> FollowUp:
    """Refers her to whom the alert names; a follow-up that is still open ends as `unsafe` with it.

    Raises:
        ProblemError: `not_found`, `illegal_transition`, `not_your_step`, `invalid_input`, or what stands
            against the new referral. Nothing is changed then.
    """
    party_of(node, caller)
    raised = await node.database.read(
        _prepare, node, caller, follow_up_id, alert, key, f"{follow_up_id}:{digest}"
    )
    if await node.database.read(answered_before, caller, raised.submission) is None:
        _check_open(raised.held)

        def beside(connection: Connection, new: Draft) -> list[FeedEvent]:
            return _end(connection, node, follow_up_id, new, node.clock.business())

        await desk.submit(caller, raised.submission, beside=beside)
    node.wake()
    return await node.database.read(_view, node, caller, follow_up_id)


def _view(connection: Connection, node: Node, caller: Caller, follow_up_id: str) -> FollowUp:
    return view_follow_up(connection, node, found_follow_up(connection, node, caller, follow_up_id))


def _prepare(
    connection: Connection,
    node: Node,
    caller: Caller,
    follow_up_id: str,
    alert: SafetyAlert,
    key: str,
    digest: str,
) -> _Raised:
    held = found_follow_up(connection, node, caller, follow_up_id)
    if held.role != "holder":
        raise ProblemError(
            "not_your_step", from_state=held.state, to_state="unsafe", actor="holder"
        )
    known = reach_of(connection, node, held).referral.persons
    keys = alert.person_ids or [f"{held.id}.{place}" for place in held.persons]
    if len(keys) != len(held.persons):
        detail = f"one for each of the {len(held.persons)} persons of the follow-up"
        raise ProblemError(
            "invalid_input", errors=[FieldError(pointer="/person_ids", detail=detail)]
        )
    persons = [
        _person(known[place - 1], own_key, alert)
        for own_key, place in zip(keys, held.persons, strict=True)
    ]
    submission = ReferralSubmission(
        **alert.model_dump(exclude={"concern", "person_ids"}),
        persons=persons,
        part_of=held.referral_id,
    )
    return _Raised(held, Submission(submission, key, digest))


def _person(known: dict[str, object], own_key: str, alert: SafetyAlert) -> Person:
    person = Person.model_validate({**known, "person_id": own_key})
    if alert.concern is None:
        return person
    concern = ProtectionConcern(summary=alert.concern)
    return person.model_copy(update={"protection_concern": concern})


def _check_open(held: StoredFollowUp) -> None:
    """Unsafe may be said now, or was said and nobody referred her yet."""
    if held.state == "unsafe" and "alert_referral_id" not in held.words:
        return
    check_transition(held.state, "unsafe", held.role)


def _end(
    connection: Connection, node: Node, follow_up_id: str, new: Draft, now: datetime
) -> list[FeedEvent]:
    """She is referred, whatever became of the follow-up in the moment since it was read."""
    held = follow_ups.lock(connection, node.vault, follow_up_id)
    if held is None or "alert_referral_id" in held.words:
        return []
    book = Book(connection, node, now)
    held = replace(held, words={**held.words, "alert_referral_id": new.answer.id})
    try:
        follow_ups.put_words(connection, node.vault, held)
        if (held.state, "unsafe") in TRANSITIONS:
            held = book.move(held, "unsafe")
            book.tell(held, "follow_up.safety_alert", held.last_seq)
    except ErasedError:
        raise ProblemError("grant_not_live", grant_state="erased") from None
    outbox.add(connection, book.messages)
    return book.told
