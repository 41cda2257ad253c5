"""What the messages of one transaction need and change, read at once and written at once."""

from collections.abc import Sequence
from functools import cached_property

from sqlalchemy import Connection

from relevo.contracts.lifecycles.referral import Actor
from relevo.contracts.message_types.message_inapplicable import (
    MESSAGE_INAPPLICABLE,
    MessageInapplicable,
)
from relevo.contracts.message_types.referral_submitted import REFERRAL_SUBMITTED
from relevo.contracts.problem import ProblemError
from relevo.contracts.receipt import Receipt
from relevo.node.storage import (
    attachments,
    cancellations,
    coming_of_age,
    grants,
    inbox,
    outbox,
    referrals,
)
from relevo.node.storage.attachments import SealedRows
from relevo.node.storage.cancellations import Asked
from relevo.node.storage.coming_of_age import ComingOfAge
from relevo.node.storage.grants import HeldGrant
from relevo.node.storage.holdings import Holdings
from relevo.node.storage.inbox import Received
from relevo.node.storage.referrals import StoredReferral

from .arrival import Arrival
from .context import Node
from .open_envelope import Opened
from .tell import control_message


class Batch:
    """Messages of one transaction: what they need is read at once, and what they change is kept here.

    A handler refuses before it changes anything.
    """

    def __init__(
        self,
        connection: Connection,
        node: Node,
        opened: Sequence[Opened],
        receipts: Sequence[Receipt],
    ) -> None:
        self.connection = connection
        self.node = node
        self.now = node.clock.business()
        carriers = outbox.sent(connection, [receipt.leaf.message_id for receipt in receipts])
        self.holdings = Holdings(
            connection,
            node.vault,
            {item.envelope.sub for item in opened}
            | {message.referral_id for message in carriers.values()},
        )
        self.digests = inbox.digests(connection, [item.envelope.jti for item in opened])
        self.withdrawn = grants.withdrawn_among(
            connection, [grant.jti for item in opened for grant in item.grants]
        )
        self.codes = referrals.codes_among(
            connection,
            {i.envelope.reference_code for i in opened if i.kind is REFERRAL_SUBMITTED},
        )
        self._subjects = {item.envelope.sub for item in opened}
        self._grants: list[HeldGrant] = []
        self._received: list[Received] = []
        self._files: list[SealedRows] = []
        self._ages: list[ComingOfAge] = []

    @cached_property
    def unasked_cancels(self) -> dict[str, Asked]:
        """Wishes to cancel that wait for the other side's first word, by referral."""
        return cancellations.unsent_among(self.connection, self.node.vault, self._subjects)

    def is_withdrawn(self, item: Opened) -> bool:
        """Whether a grant of this message is known to be withdrawn."""
        return bool(self.withdrawn & {(grant.iss, grant.jti) for grant in item.grants})

    def keep_grants(self, held: Sequence[HeldGrant]) -> None:
        """Grants that came with a message."""
        self._grants += held

    def keep_files(self, made: SealedRows) -> None:
        """Files that a message names; their bytes are fetched after.

        Raises:
            ProblemError: `envelope_malformed`, one is known: an id is used once.
        """
        ids = {row["id"] for row in made.attachments}
        kept = {row["id"] for one in self._files for row in one.attachments}
        if ids & kept or attachments.known_among(self.connection, ids):
            raise ProblemError("envelope_malformed", fault="a file's id came before")
        self._files.append(made)

    def take(self, new: Arrival) -> None:
        """A referral that was not here before."""
        self.keep_files(new.files)
        self.holdings.add(new.stored, new.sealed, new.first)
        self.codes.add(new.stored.reference_code)
        self._grants += new.grants
        self._ages += new.ages

    def new_grants(self, referral_id: str) -> list[HeldGrant]:
        """Slices that came in this very transaction."""
        return [grant for grant in self._grants if grant.referral_id == referral_id]

    def remember(self, item: Opened, *, applicable: bool) -> None:
        """The same message does not count again."""
        envelope = item.envelope
        self.digests[envelope.jti] = item.digest
        self._received.append(
            Received(
                message_id=envelope.jti,
                digest=item.digest,
                sender=envelope.iss,
                referral_id=envelope.sub,
                message_type=envelope.message_type,
                applicable=applicable,
                received_at=self.now,
            )
        )

    def party_to(self, item: Opened) -> tuple[StoredReferral, Actor]:
        """The referral, if these two are its two sides, and which side speaks.

        Raises:
            ProblemError: `not_found`, the same whether it is unknown or somebody else's.
        """
        envelope = item.envelope
        held = self.holdings.get(envelope.sub)
        if held is not None:
            if (held.sender, held.receiver, held.role) == (envelope.iss, envelope.aud, "receiver"):
                return held, "sender"
            if (held.receiver, held.sender, held.role) == (envelope.iss, envelope.aud, "sender"):
                return held, "receiver"
        raise ProblemError("not_found")

    def answer_inapplicable(self, referral: StoredReferral, message_id: str) -> None:
        """Tells the other side that a message no longer fits, and where the referral stands."""
        body = MessageInapplicable(
            message=message_id, state=referral.state, event_seq=referral.next_seq - 1
        )
        message = control_message(
            referral, MESSAGE_INAPPLICABLE.id, body.model_dump(mode="json"), now=self.now
        )
        self.holdings.send(referral, message, now=self.now)

    def write(self) -> None:
        """Stores it all. The last thing of its transaction."""
        inbox.add(self.connection, self._received)
        grants.add(self.connection, self._grants)
        attachments.add(self.connection, self._files)
        coming_of_age.note(self.connection, self._ages)
        self.holdings.write()
