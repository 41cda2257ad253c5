"""A person says that two records are of one person, or that two people were taken for one.

Nothing is copied from one record to the other: both stay as they are, under their own keys, so that a
merge can be undone and an erased person leaves nothing in the other's record.
"""

from typing import Any

from sqlalchemy import Connection

from relevo.contracts.candidates import check_one_person
from relevo.contracts.lifecycles.returnee import check_transition
from relevo.contracts.matching.compare import compare
from relevo.contracts.problem import FieldError, ProblemError
from relevo.contracts.returnee import Merge, ReturneeRecord, Unmerge
from relevo.node.storage import feed, matching, returnees
from relevo.node.storage.returnees import Step, StoredReturnee
from relevo.servicekit.access_token import Caller

from .context import Node
from .kinship import kinship_between
from .returnees import found_record, move, state_event, whole
from .visibility import party_of


async def merge(node: Node, caller: Caller, returnee_id: str, said: Merge) -> ReturneeRecord:
    """Points a record to the one that goes on for her. Repeating it changes nothing.

    Raises:
        ProblemError: `not_found`, for either; `illegal_transition`; `two_people` or
            `siblings_not_ruled_out`; `grant_not_live`, one of them was erased; `invalid_input`.
    """
    party_of(node, caller)
    record = await node.database.write(_merge, node, caller, returnee_id, said)
    node.wake()
    return record


def _merge(
    connection: Connection, node: Node, caller: Caller, returnee_id: str, said: Merge
) -> ReturneeRecord:
    locked = returnees.lock(connection, {returnee_id, said.into})
    record = found_record(caller, locked.get(returnee_id))
    into = found_record(caller, locked.get(said.into))
    if record.merged_into == into.id:
        return whole(connection, node, caller, record.id)
    if into.id == record.id or into.owner != record.owner:
        raise ProblemError(
            "invalid_input",
            errors=[FieldError(pointer="/into", detail="Another record of the same unit.")],
        )
    check_transition(record.state, "merged")
    if into.state in matching.MATCHES_NOTHING:
        raise ProblemError(
            "illegal_transition", subject="returnee", from_state=into.state, to_state="merged"
        )
    _check_one_person(connection, node, record, into, said)
    now = node.clock.business()
    detail = {"ground": said.ground} | _by_whom(caller, said)
    move(connection, node, record, [Step(record.next_seq, "merged", now, detail)], now=now)
    returnees.change(connection, record.id, merged_into=into.id)
    matching.forget(connection, [record.id])
    feed.append(
        connection,
        [
            state_event(record, record.next_seq, now),
            feed.FeedEvent("returnee.changed", into.id, into.owner, now),
        ],
    )
    return whole(connection, node, caller, record.id)


def _check_one_person(
    connection: Connection, node: Node, record: StoredReturnee, into: StoredReturnee, said: Merge
) -> None:
    bodies = [one.body for one in returnees.by_ids(connection, node.vault, [record.id, into.id])]
    if not all(bodies):
        raise ProblemError("grant_not_live", grant_state="erased")
    one, other = map(matching.subject_in, bodies)
    check_one_person(
        None if one is None or other is None else compare(one, other),
        kinship_between(connection, record, into),
        said.ground,
    )


async def unmerge(node: Node, caller: Caller, returnee_id: str, said: Unmerge) -> ReturneeRecord:
    """Takes a record back to where it was before it was merged. Repeating it changes nothing.

    Raises:
        ProblemError: `not_found`; `illegal_transition`, it is not merged.
    """
    party_of(node, caller)
    record = await node.database.write(_unmerge, node, caller, returnee_id, said)
    node.wake()
    return record


def _unmerge(
    connection: Connection, node: Node, caller: Caller, returnee_id: str, said: Unmerge
) -> ReturneeRecord:
    record = found_record(caller, returnees.lock(connection, {returnee_id}).get(returnee_id))
    states = [step.state for step in returnees.steps(connection, node.vault, record)]
    if record.state != "merged":
        if "merged" in states[-2:]:
            return whole(connection, node, caller, record.id)  # undone by the step before this
        raise ProblemError(
            "illegal_transition", subject="returnee", from_state=record.state, to_state="unmerged"
        )
    before = states[-2]
    check_transition(record.state, before)
    now = node.clock.business()
    step = Step(record.next_seq, before, now, _by_whom(caller, said))
    move(connection, node, record, [step], now=now)
    returnees.change(connection, record.id, merged_into=None)
    [again] = returnees.by_ids(connection, node.vault, [record.id])
    matching.put(connection, [returnees.index_rows(node.vault, again)])
    told = [state_event(record, record.next_seq, now)]
    if record.merged_into is not None:
        told.append(feed.FeedEvent("returnee.changed", record.merged_into, record.owner, now))
    feed.append(connection, told)
    return whole(connection, node, caller, record.id)


def _by_whom(caller: Caller, said: Merge | Unmerge) -> dict[str, Any]:
    given = {
        "confirmed_by": said.confirmed_by,
        "client_id": caller.client_id,
        "note": said.note,
    }
    return {name: value for name, value in given.items() if value is not None}
