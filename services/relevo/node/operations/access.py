"""Who may read a referral now, and the log of who did (domain rule 15)."""

from collections.abc import Sequence

from sqlalchemy import Connection

from relevo.contracts.break_glass import AccessEntry, AccessLogPage
from relevo.node.storage import access_log, break_glass
from relevo.node.storage.referrals import StoredReferral
from relevo.servicekit.access_token import Caller
from relevo.servicekit.ids import new_id

from .context import Node
from .cursor import from_cursor, to_cursor
from .visibility import may_touch, only_party, party_of


def may_read(connection: Connection, node: Node, caller: Caller, referral: StoredReferral) -> bool:
    """Whether a referral is the caller's, or was opened to it in an emergency."""
    if may_touch(caller, referral.owner):
        return True
    now = node.clock.business()
    return break_glass.open_to(connection, referral.id, caller.party, now) is not None


async def note_read(
    node: Node, caller: Caller, *, what: str, subject: str, owner: str | None = None
) -> None:
    """Notes that a record was read, before it is shown.

    Args:
        node: This node.
        caller: Who reads.
        what: The kind of record.
        subject: Its id.
        owner: Whose record it is, when that is not the caller's own party.
    """
    await note_reads(node, caller, what=what, subjects=[subject], owner=owner)


async def note_reads(
    node: Node,
    caller: Caller,
    *,
    what: str,
    subjects: Sequence[str],
    owner: str | None = None,
) -> None:
    """Notes that several records of one owner were read, before they are shown."""
    await node.database.write(_note_all, node, caller, what, subjects, owner or caller.party)


def _note_all(
    connection: Connection,
    node: Node,
    caller: Caller,
    what: str,
    subjects: Sequence[str],
    owner: str,
) -> None:
    for subject in subjects:
        _note(connection, node, caller, what, subject, owner)


def _note(
    connection: Connection, node: Node, caller: Caller, what: str, subject: str, owner: str
) -> None:
    use = None
    if not may_touch(caller, owner):
        use = break_glass.open_to(connection, subject, caller.party, node.clock.business())
    entry = {
        "id": new_id(),
        "at": node.clock.security(),
        "client_id": caller.client_id,
        "party": caller.party,
        "what": what,
        "subject": subject,
        "break_glass": use,
    }
    access_log.add(connection, AccessEntry.model_validate(entry), owner=owner)


async def read_access_log(
    node: Node, caller: Caller, *, subject: str | None, cursor: str | None, limit: int
) -> AccessLogPage:
    """A page, newest first. A unit's auditor sees reads of its own records.

    Raises:
        ProblemError: `not_yours`; `invalid_input`, the cursor is none of ours.
    """
    party_of(node, caller)
    found = await node.database.read(
        access_log.page,
        party=only_party(caller),
        subject=subject,
        before=None if cursor is None else from_cursor(cursor),
        limit=limit + 1,
    )
    shown = found[:limit]
    following = to_cursor(shown[-1].at, shown[-1].id) if found[limit:] else None
    return AccessLogPage(entries=shown, next_cursor=following)
