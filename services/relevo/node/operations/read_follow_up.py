"""Follow-ups as an institution's systems read them."""

from sqlalchemy import Connection

from relevo.contracts.follow_up import Attempt, FollowUp, FollowUpEvent
from relevo.contracts.lifecycles.follow_up import next_states
from relevo.contracts.problem import ProblemError
from relevo.node.storage import follow_ups
from relevo.node.storage.follow_ups import StoredAttempt, StoredFollowUp
from relevo.servicekit.access_token import Caller

from .access import note_read
from .context import Node
from .cursor import from_cursor, to_cursor
from .visibility import may_touch, only_party, party_of


async def read_follow_up(node: Node, caller: Caller, follow_up_id: str) -> FollowUp:
    """One follow-up with its attempts and its history.

    Raises:
        ProblemError: `not_found`, the same for absent and not yours.
    """
    party_of(node, caller)
    shown = await node.database.read(_read, node, caller, follow_up_id)
    await note_read(
        node, caller, what="follow_up", subject=shown.id, owner=shown.carried_out_by or shown.asker
    )
    return shown


def _read(connection: Connection, node: Node, caller: Caller, follow_up_id: str) -> FollowUp:
    return view_follow_up(connection, node, found_follow_up(connection, node, caller, follow_up_id))


async def list_follow_ups(
    node: Node,
    caller: Caller,
    *,
    role: str | None,
    state: str | None,
    cursor: str | None,
    limit: int,
) -> tuple[list[FollowUp], str | None]:
    """A page, newest first, without attempts and history, and the cursor of the next one.

    Raises:
        ProblemError: `invalid_input`, the cursor is none of ours.
    """
    party_of(node, caller)
    found = await node.database.read(
        follow_ups.page,
        node.vault,
        party=only_party(caller),
        role=role,
        state=state,
        before=None if cursor is None else from_cursor(cursor),
        limit=limit + 1,
    )
    shown = found[:limit]
    following = to_cursor(shown[-1].created_at, shown[-1].id) if len(found) > limit else None
    return [_view(held, [], []) for held in shown], following


def found_follow_up(
    connection: Connection, node: Node, caller: Caller, follow_up_id: str, *, lock: bool = False
) -> StoredFollowUp:
    """The follow-up, if it exists and is the caller's.

    Raises:
        ProblemError: `not_found`, the same for absent and not yours.
    """
    read = follow_ups.lock if lock else follow_ups.get
    held = read(connection, node.vault, follow_up_id)
    if held is None or not may_touch(caller, held.owner):
        raise ProblemError("not_found")
    return held


def view_follow_up(connection: Connection, node: Node, held: StoredFollowUp) -> FollowUp:
    """The whole of it."""
    history = [
        FollowUpEvent.model_validate(
            {"seq": event.seq, "state": event.state, "at": event.at, "reason": event.reason}
        )
        for event in follow_ups.events(connection, held.id)
    ]
    made = follow_ups.attempts(connection, node.vault, held)
    return _view(held, [view_attempt(attempt) for attempt in made], history)


def _view(held: StoredFollowUp, made: list[Attempt], history: list[FollowUpEvent]) -> FollowUp:
    actor = "asker" if held.role == "asker" else "holder"
    possible = next_states(held.state, "asker" if held.role == "asker" else "holder")
    return FollowUp.model_validate(
        {
            "id": held.id,
            "role": actor,
            "reference_code": held.reference_code,
            "asker": held.asker,
            "holder": held.holder,
            "carried_out_by": held.owner if held.role == "holder" else None,
            "referral_id": held.referral_id,
            "state": held.state,
            "event_seq": held.last_seq,
            "window_from": held.window_from,
            "window_until": held.window_until,
            "kind": held.kind,
            "questions": held.questions,
            "persons": held.persons,
            "scheduled_at": held.scheduled_at,
            "attempts": made,
            "report": held.words.get("report"),
            "result": held.words.get("result"),
            "cancel_asked": held.cancel_asked,
            "refused_with": held.refused_with,
            "alert": _alert(held),
            "alert_referral_id": held.words.get("alert_referral_id"),
            "history": history,
            "possible_next": [] if held.cancel_asked else list(possible),
            "created_at": held.created_at,
            "updated_at": held.updated_at,
        }
    )


def _alert(held: StoredFollowUp) -> str | None:
    if "alert_referral_id" in held.words:
        return "referred"
    return "needs_person" if (held.role, held.state) == ("holder", "unsafe") else None


def view_attempt(attempt: StoredAttempt) -> Attempt:
    """An attempt afterwards: a number is shown to whoever opens it, and to nobody who reads about it."""
    return Attempt.model_validate(
        {
            "seq": attempt.seq,
            "modality": attempt.modality,
            "person": attempt.person,
            "opened_at": attempt.opened_at,
            "outcome": attempt.outcome,
            "ended_at": attempt.ended_at,
            "desk": attempt.words.get("desk"),
            "interpreter": attempt.words.get("interpreter"),
            "forbidden_by": attempt.forbidden_by,
        }
    )
