"""A family is split for somebody's safety: those who go get a referral that the others never see.

The other adult is neither asked nor told. A second person confirms within the hour; what nobody
confirmed is escalated and stays as it is (domain rule 4).
"""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from relevo.contracts.families import (
    CONFIRM_WITHIN,
    SHEET_TEXTS,
    Split,
    SplitConfirmation,
    SplitRequest,
    check_second,
    check_split,
)
from relevo.contracts.person import Person
from relevo.contracts.problem import FieldError, ProblemError
from relevo.node.storage import feed, referrals, splits, tallies
from relevo.node.storage.feed import FeedEvent
from relevo.node.storage.referrals import StoredReferral
from relevo.node.storage.splits import StoredSplit
from relevo.node.storage.vault import ErasedError
from relevo.servicekit.access_token import Caller
from relevo.servicekit.ids import new_id

from .context import Node
from .draft import Draft
from .send import Submission, SubmissionDesk, answered_before
from .visibility import found, may_touch, only_party, party_of


async def split_family(
    node: Node,
    desk: SubmissionDesk,
    caller: Caller,
    referral_id: str,
    asked: SplitRequest,
    *,
    key: str,
    digest: str,
) -> Split:
    """Splits a referral: a new one for those who go, in one transaction with the split itself.

    Raises:
        ProblemError: `not_found`, `split_needs_best_interests`, `second_person_needed`,
            `invalid_input`, or what stands against the new referral.
    """
    party_of(node, caller)
    submission = Submission(asked.referral, key, f"{referral_id}:{digest}")
    before = await node.database.read(answered_before, caller, submission)
    if before is None:
        held, gone = await node.database.read(_read, node, caller, referral_id)
        now = node.clock.business()
        staying = _check_persons(held, gone, asked)
        check_split(asked, staying, asked.referral.persons, now=now)

        def beside(connection: Connection, new: Draft) -> list[FeedEvent]:
            return _store(connection, node, held, asked, new, now)

        before = await desk.submit(caller, submission, beside=beside)
    made = await node.database.read(splits.of_new, node.vault, before.id)
    if made is None:
        raise ProblemError("idempotency_key_reused")
    return await node.database.read(_view, made)


def _read(
    connection: Connection, node: Node, caller: Caller, referral_id: str
) -> tuple[StoredReferral, set[int]]:
    held = found(caller, referrals.get(connection, node.vault, referral_id))
    return held, splits.gone_from(connection, referral_id)[0]


def _check_persons(held: StoredReferral, gone: set[int], asked: SplitRequest) -> list[Person]:
    """Those who stay; there are some."""
    here = set(range(1, len(held.persons) + 1)) - gone
    if not set(asked.persons) < here:
        detail = "persons who are in the referral, and not all of them"
        raise ProblemError("invalid_input", errors=[FieldError(pointer="/persons", detail=detail)])
    return [
        Person.model_validate(held.persons[place - 1])
        for place in sorted(here - set(asked.persons))
    ]


def _store(
    connection: Connection,
    node: Node,
    held: StoredReferral,
    asked: SplitRequest,
    new: Draft,
    now: datetime,
) -> list[FeedEvent]:
    confirmed = asked.confirmed_by is not None
    # Two splits at once take each person once.
    referrals.lock(connection, [held.id])
    if splits.gone_from(connection, held.id)[0] & set(asked.persons):
        raise ProblemError("idempotency_key_in_flight")
    splits.add(
        connection,
        node.vault,
        StoredSplit(
            id=new_id(),
            owner=held.owner,
            stays=held.id,
            goes=new.answer.id,
            persons=sorted(asked.persons),
            needs=list(asked.needs),
            state="confirmed" if confirmed else "waiting",
            recorded_at=now,
            confirm_by=now + CONFIRM_WITHIN,
            confirmed_at=now if confirmed else None,
            data_key_id=new.referral.referral["data_key_id"],
            words={
                "reason": asked.reason,
                "explanation": asked.explanation,
                "recorded_by": asked.recorded_by,
                "confirmed_by": asked.confirmed_by,
                "sheet_text": asked.sheet_text,
            },
        ),
    )
    tallies.count_coarsely(connection, new.referral.tally)
    # Of those who stay nothing happened: no event, no change, no link.
    return [FeedEvent("referral.split", new.answer.id, held.owner, now)]


async def read_split(node: Node, caller: Caller, split_id: str) -> Split:
    """One split.

    Raises:
        ProblemError: `not_found`, the same for absent and not yours.
    """
    party_of(node, caller)
    return await node.database.read(_read_split, node, caller, split_id)


def _read_split(connection: Connection, node: Node, caller: Caller, split_id: str) -> Split:
    return _view(connection, _own(caller, splits.get(connection, node.vault, split_id)))


async def list_splits(node: Node, caller: Caller, *, state: str | None, limit: int) -> list[Split]:
    """The newest splits, of the caller's own party."""
    party_of(node, caller)
    return await node.database.read(_list, node, caller, state, limit)


def _list(
    connection: Connection, node: Node, caller: Caller, state: str | None, limit: int
) -> list[Split]:
    kept = splits.page(connection, node.vault, party=only_party(caller), state=state, limit=limit)
    return [_view(connection, split) for split in kept if split.words]


async def confirm_split(
    node: Node, caller: Caller, split_id: str, confirmation: SplitConfirmation
) -> Split:
    """A second person stands behind it, in time or later. Repeating it changes nothing.

    Raises:
        ProblemError: `not_found`, or `second_person_needed`.
    """
    party_of(node, caller)
    return await node.database.write(_confirm, node, caller, split_id, confirmation)


def _confirm(
    connection: Connection, node: Node, caller: Caller, split_id: str, by: SplitConfirmation
) -> Split:
    held = _own(caller, splits.get(connection, node.vault, split_id, lock=True))
    if held.state != "confirmed":
        check_second(str(held.words["recorded_by"]), by.confirmed_by)
        now = node.clock.business()
        held = replace(
            held,
            state="confirmed",
            confirmed_at=now,
            words=held.words | {"confirmed_by": by.confirmed_by},
        )
        try:
            splits.put(connection, node.vault, held)
        except ErasedError:
            raise ProblemError("not_found") from None
        feed.append(connection, [FeedEvent("referral.split_confirmed", held.goes, held.owner, now)])
    return _view(connection, held)


async def escalate_splits_once(node: Node) -> bool:
    """Tells of splits whose hour is over without a second person. They stay as they are."""
    now = node.clock.business()
    late = await node.database.read(splits.past_their_hour, now=now)
    if late:
        await node.database.write(_escalate, late, now)
        node.wake()
    return bool(late)


def _escalate(connection: Connection, late: list[tuple[str, str, str]], now: datetime) -> None:
    feed.append(
        connection,
        [
            FeedEvent("referral.split_unconfirmed", goes, owner, now)
            for split_id, goes, owner in late
            if splits.mark_unconfirmed(connection, split_id)
        ],
    )


def _own(caller: Caller, kept: StoredSplit | None) -> StoredSplit:
    # Words are gone with the person who was erased.
    if kept is None or not kept.words or not may_touch(caller, kept.owner):
        raise ProblemError("not_found")
    return kept


def _view(connection: Connection, kept: StoredSplit) -> Split:
    goes = referrals.by_ids(connection, [kept.goes])[kept.goes]
    sheet = SHEET_TEXTS[kept.words["sheet_text"]]
    return Split.model_validate(
        {
            "id": kept.id,
            "state": kept.state,
            "stays": kept.stays,
            "goes": kept.goes,
            "goes_reference_code": goes.reference_code,
            **kept.words,
            "sheet": dict(sheet),
            "recorded_at": kept.recorded_at,
            "confirm_by": kept.confirm_by,
            "confirmed_at": kept.confirmed_at,
        }
    )
