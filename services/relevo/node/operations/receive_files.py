"""Files that a message names: what they are is kept with whose they are, their bytes come after."""

from collections.abc import Mapping
from datetime import UTC, datetime

from relevo.contracts.attachment import SealedAttachment
from relevo.contracts.problem import ProblemError
from relevo.node.domain.outgoing import PRIORITIES
from relevo.node.storage import attachments
from relevo.node.storage.attachments import NewAttachment, SealedRows

from .context import Node
from .open_envelope import Opened


def files_of(item: Opened) -> list[SealedAttachment]:
    """What a message names inside."""
    found: list[SealedAttachment] = getattr(item.body, "attachments", [])
    return found


def sealed_files(node: Node, item: Opened, keys: Mapping[int, str]) -> SealedRows:
    """The rows of the files of a message, each under the key of the person whose it is.

    Args:
        node: This node.
        item: The message.
        keys: Data key of each person, by position.

    Raises:
        ProblemError: `envelope_malformed`, a file is nobody's of this referral.
        ErasedError: Its person was erased.
    """
    named = files_of(item)
    if any(one.person not in keys for one in named):
        raise ProblemError("envelope_malformed", fault="a file of nobody in the referral")
    if len({one.id for one in named}) != len(named):
        raise ProblemError("envelope_malformed", fault="a file is named twice")
    envelope = item.envelope
    return attachments.seal(
        node.vault,
        [NewAttachment(one, keys[one.person]) for one in named],
        referral_id=envelope.sub,
        message_id=envelope.jti,
        expires_at=datetime.fromtimestamp(envelope.exp, UTC),
        priority=PRIORITIES[envelope.triage],
        now=node.clock.business(),
    )
