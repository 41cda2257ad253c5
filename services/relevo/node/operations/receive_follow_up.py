"""Messages about follow-ups that came: a request, a state, a result."""

from collections.abc import Callable
from typing import Final, cast

from relevo.contracts.follow_up import FollowUpResult
from relevo.contracts.identifiers import institution_of
from relevo.contracts.lifecycles.follow_up import OPEN
from relevo.contracts.message_types.follow_up_requested import (
    FOLLOW_UP_REQUESTED,
    FollowUpRequested,
)
from relevo.contracts.message_types.follow_up_result import FOLLOW_UP_RESULT
from relevo.contracts.message_types.follow_up_state import FOLLOW_UP_STATE, FollowUpState
from relevo.contracts.problem import ProblemError
from relevo.node.storage import follow_ups, grants, referrals, splits
from relevo.node.storage.follow_ups import Event, StoredFollowUp
from relevo.node.storage.referrals import StoredReferral

from .batch import Batch
from .follow_up_book import Book, ends_at
from .follow_up_grants import live_among, live_slices
from .open_envelope import Opened

MOST_OPEN: Final = 24
"""Open follow-ups of one referral; more are a fault of whoever asks."""
_BUSY_SECONDS: Final = 24 * 3600


def _requested(batch: Batch, item: Opened) -> bool:
    envelope, body = item.envelope, cast("FollowUpRequested", item.body)
    before = follow_ups.get(batch.connection, batch.node.vault, envelope.sub)
    if before is not None:
        if (before.role, before.asker) != ("holder", envelope.iss):
            raise ProblemError("not_found")
        return False
    referral = _followed(batch, envelope.reference_code)
    if referral is None or referral.receiver != envelope.aud:
        raise ProblemError("not_found")
    held = [
        *grants.of_referral(batch.connection, referral.id),
        *batch.new_grants(referral.id),
    ]
    live = live_among(
        batch.connection, held, holder=envelope.aud, asker=envelope.iss, now=batch.now
    )
    if not live:
        # As a code that does not exist: whoever is not named learns nothing.
        raise ProblemError("not_found")
    if follow_ups.count_open(batch.connection, referral.id) >= MOST_OPEN:
        raise ProblemError("too_many_requests", retry_after_seconds=_BUSY_SECONDS)
    places = referral.details.get("follow_up", {})
    gone = splits.gone_from(batch.connection, referral.id)[0]
    persons = sorted({places[one.held.id] for one in live if one.held.id in places} - gone)
    if gone and not persons:
        raise ProblemError("not_found")
    new = StoredFollowUp(
        id=envelope.sub,
        role="holder",
        reference_code=envelope.reference_code,
        referral_id=referral.id,
        asker=envelope.iss,
        holder=envelope.aud,
        owner=referral.owner,
        state="requested",
        last_seq=0,
        window_from=body.window_from,
        window_until=body.window_until,
        ends_at=ends_at("requested", body.window_until),
        kind=body.kind,
        questions=list(body.questions),
        persons=persons,
        scheduled_at=None,
        cancel_asked=False,
        refused_with=None,
        test=envelope.test,
        created_at=batch.now,
        updated_at=batch.now,
        data_key_id=_key(batch, referral, persons),
    )
    if not follow_ups.add(batch.connection, new):
        raise ProblemError("not_found")
    event = Event(0, "requested", body.requested_at)
    follow_ups.add_event(batch.connection, batch.node.vault, new, event)
    book = _book(batch)
    book.tell(new, "follow_up.requested", 0)
    book.hand_over(batch.holdings)
    return True


def _followed(batch: Batch, reference_code: str) -> StoredReferral | None:
    """The referral, whole; it may have come in this very batch."""
    new = batch.holdings.new_by_code(reference_code)
    if new is not None:
        return new
    referral_id = follow_ups.received_referral(batch.connection, reference_code)
    if referral_id is None:
        return None
    return referrals.get(batch.connection, batch.node.vault, referral_id)


def _key(batch: Batch, referral: StoredReferral, persons: list[int]) -> str:
    """What is learned of one person goes with her; what is learned of several, with their referral."""
    if len(persons) == 1:
        own = follow_ups.key_of_person(batch.connection, referral.id, persons[0])
        if own is not None:
            return own
    return referral.data_key_id


def _state(batch: Batch, item: Opened) -> bool:
    envelope, body = item.envelope, cast("FollowUpState", item.body)
    held = follow_ups.lock(batch.connection, batch.node.vault, envelope.sub)
    if held is not None and (held.role, held.asker, held.holder) == (
        "holder",
        envelope.iss,
        envelope.aud,
    ):
        return _cancel(batch, held, body)
    _check_from_holder(held, item)
    if held is None or body.seq == 0:
        raise ProblemError("envelope_malformed", fault="an event needs its number")
    event = Event(body.seq, body.state, body.at, body.reason)
    if not follow_ups.add_event(batch.connection, batch.node.vault, held, event):
        return False
    book = _book(batch)
    if body.seq > held.last_seq:
        held = book.change(held, state=body.state, last_seq=body.seq)
    book.tell(held, "follow_up.state_changed", body.seq)
    book.hand_over(batch.holdings)
    return True


def _cancel(batch: Batch, held: StoredFollowUp, body: FollowUpState) -> bool:
    if (body.state, body.seq) != ("cancelled", 0):
        raise ProblemError("envelope_malformed", fault="the asker may only wish to cancel")
    if held.state not in OPEN:
        return False  # it ended before, and the asker was told how
    book = _book(batch)
    book.move(held, "cancelled")
    book.hand_over(batch.holdings)
    return True


def _result(batch: Batch, item: Opened) -> bool:
    held = follow_ups.lock(batch.connection, batch.node.vault, item.envelope.sub)
    _check_from_holder(held, item)
    if batch.withdrawn & {(grant.iss, grant.jti) for grant in item.grants}:
        raise ProblemError("grant_not_live", grant_state="withdrawn")
    if held is None or "result" in held.words:
        return False
    body = cast("FollowUpResult", item.body)
    told = StoredFollowUp(**{**vars(held), "words": {"result": body.model_dump(mode="json")}})
    follow_ups.put_words(batch.connection, batch.node.vault, told)
    book = _book(batch)
    book.tell(book.change(held), "follow_up.result_received")
    book.hand_over(batch.holdings)
    return True


def _check_from_holder(held: StoredFollowUp | None, item: Opened) -> None:
    """Only whom we asked answers; it may answer the institution where a unit asked."""
    envelope = item.envelope
    if (
        held is None
        or (held.role, held.holder) != ("asker", envelope.iss)
        or envelope.aud not in {held.asker, institution_of(held.asker)}
    ):
        raise ProblemError("not_found")


def stop_uncovered(batch: Batch, referral_id: str) -> None:
    """Ends every open follow-up that no slice covers any more."""
    book = _book(batch)
    for held in follow_ups.open_of_referral(batch.connection, batch.node.vault, referral_id):
        if not live_slices(batch.connection, held, now=batch.now):
            book.move(held, "consent_withdrawn")
    book.hand_over(batch.holdings)


def _book(batch: Batch) -> Book:
    return Book(batch.connection, batch.node, batch.now)


FOLLOW_UP_HANDLERS: Final[dict[str, Callable[[Batch, Opened], bool]]] = {
    FOLLOW_UP_REQUESTED.id: _requested,
    FOLLOW_UP_STATE.id: _state,
    FOLLOW_UP_RESULT.id: _result,
}
