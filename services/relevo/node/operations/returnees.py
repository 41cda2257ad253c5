"""Records of people who return: entered by hand, read, and taken from step to step."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from relevo.contracts.lifecycles.returnee import steps_from
from relevo.contracts.person import Identity, notes_on
from relevo.contracts.problem import FieldError, ProblemError
from relevo.contracts.returnee import (
    ReturneeDetails,
    ReturneeInput,
    ReturneeRecord,
    ReturneeStep,
    ReturneeTransition,
)
from relevo.contracts.scopes import Scope
from relevo.node.storage import feed, manifests, matching, returnees
from relevo.node.storage.returnees import Step, StoredReturnee
from relevo.servicekit import idempotency
from relevo.servicekit.access_token import Caller
from relevo.servicekit.ids import new_id

from .access import note_read
from .context import Node
from .cursor import from_cursor, to_cursor
from .kinship import group_key, kin_of, link_to
from .visibility import may_touch, only_party, party_of

_OPERATION = "enter_returnee"
_NOT_DETAILS = {
    "state",
    "manifest_reference",
    "groups",
    "relatives",
    "local_reference",
    "sealed_event",
}


async def enter_returnee(
    node: Node, caller: Caller, given: ReturneeInput, *, key: str, digest: str
) -> ReturneeRecord:
    """Stores a record that stands on no list, such as a walk-on's.

    Nothing is sent anywhere, whatever her nationality: registering is the institute's own mandate.

    Raises:
        ProblemError: `not_yours`, or `invalid_input` for a relative without a record here.
    """
    owner = party_of(node, caller)
    record = await node.database.write(_enter, node, caller, owner, given, key, digest)
    node.wake()
    return record


def _enter(
    connection: Connection,
    node: Node,
    caller: Caller,
    owner: str,
    given: ReturneeInput,
    key: str,
    digest: str,
) -> ReturneeRecord:
    before = idempotency.begin(
        connection, caller.client_id, _OPERATION, key, digest, node.clock.security()
    )
    if before is not None:
        return whole(connection, node, caller, before.body.decode())
    now = node.clock.business()
    reference = given.manifest_reference
    listed = (
        None
        if reference is None
        else manifests.by_reference(connection, owner=owner, reference=reference)
    )
    record = StoredReturnee(
        id=new_id(),
        owner=owner,
        state=given.state,
        next_seq=1,
        manifest_id=None if listed is None else listed.id,
        row_key=None,
        row_digest=None,
        seen_version=None,
        merged_into=None,
        created_at=now,
        updated_at=now,
        data_key_id=node.vault.new_key(),
        body={
            "details": given.model_dump(mode="json", exclude_none=True, exclude=_NOT_DETAILS),
            "local_reference": given.local_reference,
            "sealed_event": given.sealed_event,
        },
    )
    _check_relatives(connection, given, owner)
    links = [
        (group.kind, group_key(node.vault, owner, reference or "", group.kind, group.reference))
        for group in given.groups
    ] + [link_to(relative.relation, relative.returnee_id) for relative in given.relatives]
    first = Step(0, given.state, now)
    returnees.add(connection, [returnees.seal(node.vault, record, [first], links, now=now)])
    idempotency.complete(
        connection, caller.client_id, _OPERATION, key, status=201, body=record.id.encode()
    )
    feed.append(
        connection, [feed.FeedEvent(f"returnee.{given.state}", record.id, owner, now, event_seq=0)]
    )
    return whole(connection, node, caller, record.id)


def _check_relatives(connection: Connection, given: ReturneeInput, owner: str) -> None:
    known = returnees.owned_ids(
        connection, [relative.returnee_id for relative in given.relatives], owner=owner
    )
    errors = [
        FieldError(pointer=f"/relatives/{index}/returnee_id", detail="No record of yours.")
        for index, relative in enumerate(given.relatives)
        if relative.returnee_id not in known
    ]
    if errors:
        raise ProblemError("invalid_input", errors=errors)


async def read_returnee(node: Node, caller: Caller, returnee_id: str) -> ReturneeRecord:
    """One record with what is known of her.

    Raises:
        ProblemError: `not_found`, the same for absent and not yours.
    """
    party_of(node, caller)
    shown = await node.database.read(whole, node, caller, returnee_id)
    await note_read(node, caller, what="returnee", subject=shown.id, owner=shown.owner)
    return shown


async def list_returnees(
    node: Node,
    caller: Caller,
    *,
    state: str | None,
    manifest_id: str | None,
    cursor: str | None,
    limit: int,
) -> tuple[list[ReturneeRecord], str | None]:
    """A page, newest first, without persons, and the cursor of the next one.

    Raises:
        ProblemError: `invalid_input`, the cursor is none of ours.
    """
    party_of(node, caller)
    page = await node.database.read(
        returnees.page,
        party=only_party(caller),
        state=state,
        manifest_id=manifest_id,
        before=None if cursor is None else from_cursor(cursor),
        limit=limit + 1,
    )
    shown = page[:limit]
    following = to_cursor(shown[-1].created_at, shown[-1].id) if page[limit:] else None
    return [_bare(record) for record in shown], following


async def take_step(
    node: Node, caller: Caller, returnee_id: str, step: ReturneeTransition
) -> ReturneeRecord:
    """Takes the step, or says why it cannot be taken. Repeating the last one changes nothing.

    Raises:
        ProblemError: `not_found`, `illegal_transition` or `reason_required`.
    """
    party_of(node, caller)
    record = await node.database.write(_step, node, caller, returnee_id, step)
    node.wake()
    return record


def _step(
    connection: Connection, node: Node, caller: Caller, returnee_id: str, step: ReturneeTransition
) -> ReturneeRecord:
    record = found_record(caller, returnees.lock(connection, {returnee_id}).get(returnee_id))
    if record.state == step.to:
        return whole(connection, node, caller, returnee_id)
    if step.to not in steps_from(record.state):
        raise ProblemError(
            "illegal_transition", subject="returnee", from_state=record.state, to_state=step.to
        )
    if step.lacks_reason:
        raise ProblemError("reason_required", to_state=step.to)
    now = node.clock.business()
    move(connection, node, record, [_as_step(record, step, now)], now=now)
    if step.to in matching.MATCHES_NOTHING:
        matching.forget(connection, [record.id])
    feed.append(connection, [state_event(record, record.next_seq, now)])
    return whole(connection, node, caller, returnee_id)


def _as_step(record: StoredReturnee, step: ReturneeTransition, now: datetime) -> Step:
    detail: dict[str, Any] = {"reason": step.reason, "note": step.note}
    return Step(
        record.next_seq,
        step.to,
        step.at or now,
        {name: value for name, value in detail.items() if value is not None},
    )


def move(
    connection: Connection, node: Node, record: StoredReturnee, taken: list[Step], *, now: datetime
) -> None:
    """Stores steps and where the record stands after them; the lifecycle was asked before."""
    returnees.add_steps(
        connection, [returnees.step_row(node.vault, record, step, now=now) for step in taken]
    )
    returnees.change(
        connection,
        record.id,
        state=taken[-1].state,
        next_seq=taken[-1].seq + 1,
        updated_at=now,
    )


def state_event(record: StoredReturnee, seq: int, now: datetime) -> feed.FeedEvent:
    """The same words whatever the state is: events say that something happened, never what to whom."""
    return feed.FeedEvent("returnee.state_changed", record.id, record.owner, now, event_seq=seq)


def found_record(caller: Caller, record: StoredReturnee | None) -> StoredReturnee:
    """The record, or the same answer for one that is absent and one that is not the caller's."""
    if record is None or not may_touch(caller, record.owner):
        raise ProblemError("not_found")
    return record


def whole(connection: Connection, node: Node, caller: Caller, returnee_id: str) -> ReturneeRecord:
    """The record as this caller may read it."""
    record = found_record(caller, returnees.get(connection, node.vault, returnee_id))
    bare = _bare(record)
    if Scope.RETURNEES_READ not in caller.scopes:
        return bare  # whoever may only write is not told what others wrote
    details = record.body.get("details")
    groups, relatives = kin_of(connection, record)
    own = caller.party == record.owner
    steps = returnees.steps(connection, node.vault, record)
    return bare.model_copy(
        update={
            "details": None if details is None else ReturneeDetails.model_validate(details),
            "notes": []
            if details is None
            else notes_on(Identity.model_validate(details["identity"]), "/details/identity"),
            "groups": groups,
            "relatives": relatives,
            "merged_from": returnees.merged_from(connection, record.id),
            "local_reference": record.body.get("local_reference"),
            "sealed_event": record.body.get("sealed_event") if own else None,
            "history": [
                ReturneeStep(
                    state=step.state,
                    at=step.at,
                    # A reason may say what only the unit may know.
                    reason=step.detail.get("reason") if own else None,
                    note=step.detail.get("note") if own else None,
                    ground=step.detail.get("ground") if own else None,
                    confirmed_by=step.detail.get("confirmed_by") if own else None,
                )
                for step in steps
            ],
        }
    )


def _bare(record: StoredReturnee) -> ReturneeRecord:
    return ReturneeRecord(
        id=record.id,
        owner=record.owner,
        state=record.state,
        manifest_id=record.manifest_id,
        merged_into=record.merged_into,
        possible_next=list(steps_from(record.state)),
        created_at=record.created_at,
        updated_at=record.updated_at,
    )
