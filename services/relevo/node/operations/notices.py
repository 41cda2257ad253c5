"""Keeping the register of notices."""

from typing import Final

from relevo.contracts.notices import NoticeList, NoticeRecall, NoticeVersion, RegisteredNotice
from relevo.contracts.problem import ProblemError
from relevo.node.storage import notices
from relevo.servicekit.access_token import Caller

from .context import Node
from .visibility import party_of

_MOST_LISTED: Final = 1000


async def register_notice(node: Node, caller: Caller, version: NoticeVersion) -> RegisteredNotice:
    """Registers a version in one language. The same again changes nothing.

    Raises:
        ProblemError: `notice_unknown`, the version stands there with another digest.
    """
    party_of(node, caller)
    kept = await node.database.write(notices.add, version)
    if kept.sha256 != version.sha256:
        raise ProblemError("notice_unknown")
    return kept


async def recall_notice(node: Node, caller: Caller, recall: NoticeRecall) -> NoticeList:
    """Ends a version at once: no consent that was given after reading it counts from now on.

    Raises:
        ProblemError: `not_found`.
    """
    party_of(node, caller)
    known = await node.database.write(
        notices.recall, recall.id, recall.version, recall.language, at=recall.recalled_at
    )
    if not known:
        raise ProblemError("not_found")
    return NoticeList(notices=await node.database.read(notices.of_id, recall.id))


async def list_notices(node: Node, caller: Caller) -> NoticeList:
    """The register, newest first."""
    party_of(node, caller)
    return NoticeList(notices=await node.database.read(notices.newest, _MOST_LISTED))
