"""A unit that enforces says that it brought somebody. It is told a receipt and nothing else, ever."""

import asyncio
from typing import Any, Final

from sqlalchemy import Connection

from relevo.contracts.handover import Handover, HandoverInput, HandoverReceipt
from relevo.contracts.problem import FieldError, ProblemError
from relevo.node.storage import feed, handovers
from relevo.node.storage.feed import FeedEvent
from relevo.servicekit import idempotency
from relevo.servicekit.access_token import Caller
from relevo.servicekit.ids import new_id

from .context import Node
from .cursor import from_cursor, to_cursor
from .visibility import only_party, party_of

_OPERATION: Final = "submit_handover"


async def submit_handover(
    node: Node, caller: Caller, said: HandoverInput, *, key: str, digest: str
) -> HandoverReceipt:
    """Stores it for the reception unit, whose systems are told.

    Whoever holds the scope at this node may bring people, also of another institution.

    Raises:
        ProblemError: `invalid_input`, of times in the future or of a unit that is not this
            institution's; an idempotency key that was used for something else.
    """
    now = node.clock.business()
    errors = []
    if said.brought_at > now:
        errors.append(FieldError(pointer="/brought_at", detail="not in the future"))
    if not node.is_ours(said.received_by) or said.received_by == caller.party:
        errors.append(
            FieldError(pointer="/received_by", detail="a reception unit of this institution")
        )
    if errors:
        raise ProblemError("invalid_input", errors=errors)
    new = Handover(**said.model_dump(), id=new_id(), brought_by=caller.party, stored_at=now)
    sealed = await asyncio.to_thread(handovers.seal, node.vault, new)
    receipt = await node.database.write(_store, node, caller, new, sealed, key, digest)
    node.wake()
    return HandoverReceipt(receipt=receipt)


def _store(
    connection: Connection,
    node: Node,
    caller: Caller,
    new: Handover,
    sealed: dict[str, Any],
    key: str,
    digest: str,
) -> str:
    before = idempotency.begin(
        connection, caller.client_id, _OPERATION, key, digest, node.clock.security()
    )
    if before is not None:
        return before.body.decode()
    handovers.add(connection, sealed)
    idempotency.complete(
        connection, caller.client_id, _OPERATION, key, status=202, body=new.id.encode()
    )
    feed.append(
        connection, [FeedEvent("handover.received", new.id, new.received_by, new.stored_at)]
    )
    return new.id


async def list_handovers(
    node: Node, caller: Caller, *, cursor: str | None, limit: int
) -> tuple[list[Handover], str | None]:
    """What was brought to the caller's unit, newest first, and the cursor of the next page.

    Raises:
        ProblemError: `not_yours`, also for whoever enforces, whatever scopes its token has;
            `invalid_input`, the cursor is none of ours.
    """
    party_of(node, caller)
    found = await node.database.read(
        handovers.page,
        node.vault,
        party=only_party(caller),
        before=None if cursor is None else from_cursor(cursor),
        limit=limit + 1,
    )
    shown = found[:limit]
    following = to_cursor(shown[-1].stored_at, shown[-1].id) if found[limit:] else None
    return shown, following
