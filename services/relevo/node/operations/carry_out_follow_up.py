"""The holder's work on a follow-up: its steps, and the report that ends it."""

from datetime import UTC

from sqlalchemy import Connection

from relevo.contracts.contact_rules import usable_channels, zone_of
from relevo.contracts.follow_up import (
    FOLLOW_UP_PURPOSE,
    FollowUp,
    FollowUpReport,
    FollowUpStep,
    opens_offer,
    result_of,
)
from relevo.contracts.lifecycles.follow_up import (
    FRUITLESS,
    NEEDS_REASON,
    Fruitless,
    check_transition,
    check_unreachable,
)
from relevo.contracts.message_types.follow_up_result import FOLLOW_UP_RESULT
from relevo.contracts.privilege import PRIVILEGED
from relevo.contracts.problem import FieldError, ProblemError
from relevo.contracts.vocabularies.loader import in_code_order
from relevo.node.storage import follow_ups, peers
from relevo.node.storage.follow_ups import StoredFollowUp
from relevo.node.storage.vault import ErasedError
from relevo.servicekit.access_token import Caller

from .context import Node
from .directory import Directory
from .follow_up_book import Book
from .follow_up_grants import LiveSlice, live_slices
from .reach import reach_of
from .read_follow_up import found_follow_up, view_follow_up
from .sealed_records import check_reason
from .visibility import party_of

_ENDED_AT_ONCE = 100


async def step_follow_up(
    node: Node, directory: Directory, caller: Caller, follow_up_id: str, step: FollowUpStep
) -> FollowUp:
    """Takes a step and tells the asker. Repeating the last one changes nothing.

    Raises:
        ProblemError: `not_found`, `illegal_transition`, `not_your_step`, `reason_required`,
            `too_few_attempts` or `invalid_input` for no unit of this institution.
    """
    party_of(node, caller)
    if step.redirect_to is not None:
        await directory.profile(node.institution)  # kept, and read in the transaction
    after = await node.database.write(_step, node, caller, follow_up_id, step)
    node.wake()
    return after


def _step(
    connection: Connection, node: Node, caller: Caller, follow_up_id: str, step: FollowUpStep
) -> FollowUp:
    held = found_follow_up(connection, node, caller, follow_up_id, lock=True)
    if held.role == "holder" and held.state == step.to:
        return view_follow_up(connection, node, held)
    check_transition(held.state, step.to, held.role)
    if step.to in NEEDS_REASON and step.reason is None:
        raise ProblemError("reason_required", to_state=step.to)
    check_reason(connection, node, held.referral_id, step.reason)
    book = Book(connection, node, node.clock.business())
    owner = held.owner
    if step.redirect_to is not None:
        owner = _within(connection, node, held, step.redirect_to)
    if step.to == "unreachable":
        _check_tried(connection, node, held)
    try:
        after = book.move(
            held,
            step.to,
            reason=step.reason,
            note=step.note,
            owner=owner,
            scheduled_at=step.scheduled_at or held.scheduled_at,
        )
    except ErasedError:
        raise ProblemError("grant_not_live", grant_state="erased") from None
    if step.to == "unsafe":
        # Whoever carries it out opens a new referral; nothing else may be told to anybody.
        book.tell(after, "follow_up.safety_alert", after.last_seq)
    book.write()
    return view_follow_up(connection, node, after)


def _within(connection: Connection, node: Node, held: StoredFollowUp, party: str) -> str:
    """Another part of the same institution that may know of her: how to reach her never leaves it."""
    if party == held.owner or not node.is_ours(party):
        detail = "another unit of the institution that received the referral, or that institution"
        raise ProblemError(
            "invalid_input", errors=[FieldError(pointer="/redirect_to", detail=detail)]
        )
    ours = peers.profiles(connection, [node.institution]).get(node.institution)
    units = {} if ours is None else {unit.id: unit for unit in ours.units}
    # Before this node first met its gateway, nobody can tell which units there are.
    if party != node.institution and ours is not None:
        unit = units.get(party)
        if unit is None or "enforcement" in unit.mandates:
            detail = "a unit that the directory lists, and none that enforces"
            raise ProblemError(
                "invalid_input", errors=[FieldError(pointer="/redirect_to", detail=detail)]
            )
    return party


def _check_tried(connection: Connection, node: Node, held: StoredFollowUp) -> None:
    made = [
        Fruitless(attempt.opened_at, attempt.modality)
        for attempt in follow_ups.attempts(connection, node.vault, held)
        if attempt.outcome in FRUITLESS
    ]
    reach = reach_of(connection, node, held)
    available = {
        channel
        for person in held.persons
        for rules in reach.rules_of(person)
        for channel in usable_channels(rules, reach.contact_of(person))
    }
    zones = (
        zone_of(rules, rules.only_numbers or _phones(reach.contact_of(person)))
        for person in held.persons
        for rules in reach.rules_of(person)
    )
    zone = next((zone for zone in zones if zone is not None), UTC)
    check_unreachable(made, zone=zone, available=available)


def _phones(contact: object) -> list[str]:
    return list(getattr(contact, "phones", []))


async def report_follow_up(
    node: Node, caller: Caller, follow_up_id: str, report: FollowUpReport
) -> FollowUp:
    """Stores what was learned, ends the follow-up, and sends what consent lets the asker know.

    Repeating the same report changes nothing.

    Raises:
        ProblemError: `not_found`, `illegal_transition`, `not_your_step` or `answered_needed`.
    """
    party_of(node, caller)
    after = await node.database.write(_report, node, caller, follow_up_id, report)
    node.wake()
    return after


def _report(
    connection: Connection, node: Node, caller: Caller, follow_up_id: str, report: FollowUpReport
) -> FollowUp:
    held = found_follow_up(connection, node, caller, follow_up_id, lock=True)
    said = report.model_dump(mode="json")
    if held.words.get("report") == said:
        return view_follow_up(connection, node, held)
    check_transition(held.state, report.ended, held.role)
    made = follow_ups.attempts(connection, node.vault, held)
    if not any(attempt.outcome == "answered" for attempt in made):
        raise ProblemError("answered_needed")
    book = Book(connection, node, node.clock.business())
    live = live_slices(connection, held, now=book.now)
    result = result_of(report, categories=_categories(live), reported_at=book.now)
    words = {"report": said} | ({"result": result.model_dump(mode="json")} if live else {})
    try:
        after = book.move(held, report.ended, words=words)
        follow_ups.put_words(connection, node.vault, after)
        if live:
            _send_result(book, after, live, result.model_dump(mode="json", exclude_none=True))
        if opens_offer(report):
            # One event for whatever it is, so that the feed does not tell what she thinks of doing.
            book.tell(after, "follow_up.offer")
    except ErasedError:
        raise ProblemError("grant_not_live", grant_state="erased") from None
    book.write()
    return view_follow_up(connection, node, after)


def _send_result(
    book: Book, held: StoredFollowUp, live: list[LiveSlice], body: dict[str, object]
) -> None:
    """To the party that the slices name, which may be the institution of the unit that asked."""
    receiver = min((one.claims.receiver for one in live), key=lambda party: party != held.asker)
    covering = [one for one in live if one.claims.receiver == receiver]
    book.send(
        held,
        FOLLOW_UP_RESULT.id,
        body,
        receiver=receiver,
        purpose=FOLLOW_UP_PURPOSE,
        categories=_categories(covering),
        grants=[one.held.jws for one in covering],
        grant_ids=[one.held.id for one in covering],
    )


def _categories(live: list[LiveSlice]) -> list[str]:
    """What every one of them allows: the result is about all of these persons."""
    if not live:
        return []
    common = set.intersection(*(set(one.claims.categories) for one in live)) - PRIVILEGED
    return in_code_order("data_category", common)


async def end_overdue_follow_ups(node: Node) -> bool:
    """Ends those whose time is over. True when there may be more."""
    now = node.clock.business()
    if not await node.database.read(follow_ups.past_their_end, now=now, limit=1):
        return False
    ended = await node.database.write(_end_overdue, node)
    if ended:
        node.wake()
    return ended == _ENDED_AT_ONCE


def _end_overdue(connection: Connection, node: Node) -> int:
    book = Book(connection, node, node.clock.business())
    ids = follow_ups.past_their_end(connection, now=book.now, limit=_ENDED_AT_ONCE)
    for follow_up_id in ids:
        held = follow_ups.lock(connection, node.vault, follow_up_id)
        if held is None or held.ends_at > book.now:
            continue
        try:
            book.move(held, "expired")
        except ErasedError:
            # Nothing may be written about an erased person; the row alone ends.
            book.change(held, state="expired", last_seq=held.last_seq + 1)
    book.write()
    return len(ids)
