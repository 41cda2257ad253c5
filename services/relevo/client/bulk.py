"""Many referrals in batches, each answered on its own."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import TypeAdapter

from relevo.contracts.problem import FieldError

from .answers import BulkAnswer, BulkAnswers, Outcome
from .call import Call, body, path
from .exceptions import InvalidInputError, NotTheContractError, as_exception
from .plan import Give, Items, Plan
from .requests import Input, new_key
from .session import Session

MOST_ITEMS: Final = 100
MOST_BYTES: Final = 800_000
"""A node takes a mebibyte a request."""
_PLACE: Final = re.compile(r"/items/(\d+)(?:/referral)?(/.*)?")
_ANSWERS: Final = TypeAdapter(BulkAnswers)


@dataclass(frozen=True)
class _Item:
    number: int
    key: str
    content: bytes


def submit_in_batches(
    session: Session, referrals: Iterable[Input], key: Callable[[Any], str] | None
) -> Items[Outcome]:
    """The outcome of each, in their order."""
    for batch in _batches(referrals, key):
        outcomes = yield from _submit(session, batch)
        for number in sorted(outcomes):
            yield Give(outcomes[number])


def _batches(referrals: Iterable[Input], key: Callable[[Any], str] | None) -> Iterator[list[_Item]]:
    batch: list[_Item] = []
    size = 0
    for number, referral in enumerate(referrals):
        item = _Item(number, key(referral) if key else new_key(), body(referral))
        if batch and (len(batch) == MOST_ITEMS or size + len(item.content) > MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += len(item.content)
    if batch:
        yield batch


def _submit(session: Session, batch: Sequence[_Item]) -> Plan[dict[int, Outcome]]:
    """A batch in which some do not fit the contract is refused whole: the others go again."""
    outcomes: dict[int, Outcome] = {}
    while waiting := [item for item in batch if item.number not in outcomes]:
        try:
            answers = yield from session.perform(_call(waiting))
        except InvalidInputError as error:
            refused = _refused(waiting, error)
            if not refused:
                raise
            outcomes |= refused
        else:
            if len(answers.answers) != len(waiting):
                raise NotTheContractError("The node did not answer every referral.")
            for item, answer in zip(waiting, answers.answers, strict=True):
                outcomes[item.number] = _outcome(item, answer)
    return outcomes


def _call(items: Sequence[_Item]) -> Call[BulkAnswers]:
    each = (
        b'{"key":' + json.dumps(item.key).encode() + b',"referral":' + item.content + b"}"
        for item in items
    )
    return Call(
        "POST", path("referrals", "bulk"), _ANSWERS, b'{"items":[' + b",".join(each) + b"]}"
    )


def _outcome(item: _Item, answer: BulkAnswer) -> Outcome:
    problem = None if answer.problem is None else as_exception(answer.problem)
    return Outcome(item.number, item.key, answer.referral, problem)


def _refused(items: Sequence[_Item], error: InvalidInputError) -> dict[int, Outcome]:
    """Those that the refusal names, each with its own places."""
    places: dict[int, list[FieldError]] = {}
    for place in error.errors:
        found = _PLACE.fullmatch(place.pointer)
        if found and int(found[1]) < len(items):
            own = FieldError(pointer=found[2] or "", detail=place.detail)
            places.setdefault(int(found[1]), []).append(own)
    return {
        items[index].number: Outcome(
            items[index].number,
            items[index].key,
            problem=as_exception(error.problem.model_copy(update={"errors": own})),
        )
        for index, own in places.items()
    }
