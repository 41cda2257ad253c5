"""Asking for follow-up of somebody whom this institution knows by a reference code alone."""

from datetime import datetime

from sqlalchemy import Connection

from relevo.contracts.follow_up import (
    FOLLOW_UP_QUERY_TYP,
    FollowUp,
    FollowUpAsk,
    FollowUpQuery,
)
from relevo.contracts.lifecycles.follow_up import check_transition
from relevo.contracts.message_types.follow_up_requested import (
    FOLLOW_UP_REQUESTED,
    FollowUpRequested,
)
from relevo.contracts.message_types.follow_up_state import FollowUpState
from relevo.contracts.problem import FieldError, ProblemError
from relevo.node.storage import follow_ups
from relevo.node.storage.follow_ups import Event, StoredFollowUp
from relevo.servicekit import idempotency, jose
from relevo.servicekit.access_token import Caller
from relevo.servicekit.http_client import RefusedError, RetryableError
from relevo.servicekit.ids import new_id, random_id

from .ask_status import home_gateway_of
from .context import Node
from .directory import Directory
from .follow_up_book import Book, ends_at
from .read_follow_up import found_follow_up, view_follow_up
from .visibility import party_of

_OPERATION = "request_follow_up"
_QUERY_SECONDS = 120


async def request_follow_up(
    node: Node, directory: Directory, caller: Caller, ask: FollowUpAsk, *, key: str, digest: str
) -> FollowUp:
    """Finds out who carries it out, and queues the request for that party.

    Raises:
        ProblemError: `not_found` for every code that does not name the caller, whether it exists or not;
            `gateway_unreachable`; `too_many_requests`; `key_not_pinned`.
    """
    asker = party_of(node, caller)
    now = node.clock.business()
    if ask.window_until <= now:
        detail = "the window is over"
        raise ProblemError(
            "invalid_input", errors=[FieldError(pointer="/window_until", detail=detail)]
        )
    holder = await _holder(node, directory, asker, ask.reference_code)
    if node.is_ours(holder):
        detail = "your own institution received this referral"
        raise ProblemError(
            "invalid_input", errors=[FieldError(pointer="/reference_code", detail=detail)]
        )
    await directory.peer_if_known(holder)  # the request is sealed for a key that people confirmed
    asked = await node.database.write(
        _store, node, caller, asker, holder, ask, now=now, key=key, digest=digest
    )
    node.wake()
    return asked


async def _holder(node: Node, directory: Directory, asker: str, reference_code: str) -> str:
    now = int(node.clock.security().timestamp())
    query = FollowUpQuery(
        iss=asker,
        aud=await home_gateway_of(node, directory, reference_code),
        jti=random_id(),
        iat=now,
        exp=now + _QUERY_SECONDS,
        reference_code=reference_code,
    )
    signed = jose.sign(query.model_dump(), node.keys.signing[0], typ=FOLLOW_UP_QUERY_TYP)
    try:
        return (await node.gateway.follow_up_holder(signed)).holder
    except RetryableError as error:
        raise ProblemError("gateway_unreachable") from error
    except RefusedError as error:
        if error.status == 429:
            raise ProblemError("too_many_requests", retry_after_seconds=60) from error
        # Whatever else was wrong, an asker learns nothing that a wrong code would not say.
        raise ProblemError("not_found") from error


def _store(
    connection: Connection,
    node: Node,
    caller: Caller,
    asker: str,
    holder: str,
    ask: FollowUpAsk,
    *,
    now: datetime,
    key: str,
    digest: str,
) -> FollowUp:
    before = idempotency.begin(
        connection, caller.client_id, _OPERATION, key, digest, node.clock.security()
    )
    if before is not None:
        held = found_follow_up(connection, node, caller, before.body.decode())
        return view_follow_up(connection, node, held)
    new = StoredFollowUp(
        id=new_id(),
        role="asker",
        reference_code=ask.reference_code,
        referral_id=None,
        asker=asker,
        holder=holder,
        owner=asker,
        state="requested",
        last_seq=0,
        window_from=ask.window_from,
        window_until=ask.window_until,
        ends_at=ends_at("requested", ask.window_until),
        kind=ask.kind,
        questions=list(ask.questions),
        persons=[],
        scheduled_at=None,
        cancel_asked=False,
        refused_with=None,
        test=not node.settings.production,
        created_at=now,
        updated_at=now,
        data_key_id=node.vault.new_key(),
    )
    follow_ups.add(connection, new)
    follow_ups.add_event(connection, node.vault, new, Event(0, "requested", now))
    body = FollowUpRequested(
        window_from=ask.window_from,
        window_until=ask.window_until,
        kind=ask.kind,
        questions=ask.questions,
        requested_at=now,
    )
    idempotency.complete(
        connection, caller.client_id, _OPERATION, key, status=201, body=new.id.encode()
    )
    book = Book(connection, node, now)
    book.send(new, FOLLOW_UP_REQUESTED.id, body.model_dump(mode="json"))
    book.tell(new, "follow_up.requested", 0)
    book.write()
    return view_follow_up(connection, node, new)


async def cancel_follow_up(node: Node, caller: Caller, follow_up_id: str) -> FollowUp:
    """Tells the holder that it is no longer wished; the holder's node answers. Asking twice changes nothing.

    Raises:
        ProblemError: `not_found`, `illegal_transition` or `not_your_step`.
    """
    party_of(node, caller)
    asked = await node.database.write(_cancel, node, caller, follow_up_id)
    node.wake()
    return asked


def _cancel(connection: Connection, node: Node, caller: Caller, follow_up_id: str) -> FollowUp:
    held = found_follow_up(connection, node, caller, follow_up_id, lock=True)
    if held.cancel_asked:
        return view_follow_up(connection, node, held)
    check_transition(held.state, "cancelled", held.role)
    book = Book(connection, node, node.clock.business())
    held = book.change(held, cancel_asked=True)
    book.say(held, FollowUpState(state="cancelled", seq=0, at=book.now))
    book.write()
    return view_follow_up(connection, node, held)
