"""What one transaction does to follow-ups: stored at once, told and sent when it ends."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection

from relevo.contracts.envelope import DEFAULT_LIFETIME
from relevo.contracts.follow_up import FOLLOW_UP_PATHWAY
from relevo.contracts.lifecycles.follow_up import WAITING, State
from relevo.contracts.message_types.follow_up_state import FOLLOW_UP_STATE, FollowUpState
from relevo.node.domain.outgoing import OutgoingMessage
from relevo.node.storage import feed, follow_ups, outbox
from relevo.node.storage.feed import FeedEvent
from relevo.node.storage.follow_ups import Event, StoredFollowUp
from relevo.node.storage.holdings import Holdings
from relevo.servicekit.ids import new_id

from .context import Node

REPORT_GRACE: Final = timedelta(days=7)
"""After its window a follow-up that was begun can still be reported."""


def ends_at(state: State, window_until: datetime) -> datetime:
    """When the holder's node ends it by itself."""
    return window_until if state in WAITING else window_until + REPORT_GRACE


@dataclass
class Book:
    """Messages and feed events of one transaction. `write` or `hand_over` is its last thing."""

    connection: Connection
    node: Node
    now: datetime
    messages: list[dict[str, Any]] = field(default_factory=list)
    told: list[FeedEvent] = field(default_factory=list)

    def move(
        self,
        held: StoredFollowUp,
        to: State,
        *,
        reason: str | None = None,
        note: str | None = None,
        **changes: Any,
    ) -> StoredFollowUp:
        """Takes a step on the holder's side and tells the asker."""
        seq = held.last_seq + 1
        event = Event(seq, to, self.now, reason, note)
        follow_ups.add_event(self.connection, self.node.vault, held, event)
        after = self.change(
            held, state=to, last_seq=seq, ends_at=ends_at(to, held.window_until), **changes
        )
        self.say(
            after,
            FollowUpState.model_validate(
                {"state": to, "seq": seq, "at": self.now, "reason": reason}
            ),
        )
        self.tell(after, "follow_up.state_changed", seq)
        return after

    def note_undelivered(self, follow_up_id: str, problem: str) -> None:
        """The request came back: nobody will carry it out, and the asker is told why."""
        held = follow_ups.lock(self.connection, self.node.vault, follow_up_id)
        if held is None or held.role != "asker" or held.last_seq > 0:
            return
        state: State = "expired" if problem in {"envelope_expired", "expired"} else "declined"
        self.tell(
            self.change(held, state=state, refused_with=problem), "follow_up.state_changed", 0
        )

    def change(self, held: StoredFollowUp, **changes: Any) -> StoredFollowUp:
        """Changes the row alone."""
        after = replace(held, updated_at=self.now, **changes)
        follow_ups.move(self.connection, after)
        return after

    def say(self, held: StoredFollowUp, body: FollowUpState) -> None:
        """Tells the other side a state; a control message, which no consent holds up."""
        self.send(held, FOLLOW_UP_STATE.id, body.model_dump(mode="json", exclude_none=True))

    def send(
        self, held: StoredFollowUp, message_type: str, body: dict[str, Any], **more: Any
    ) -> None:
        """Queues a message to the other side.

        Raises:
            ErasedError: The person was erased.
        """
        sender, receiver = held.asker, held.holder
        if held.role == "holder":
            sender, receiver = receiver, sender
        message = OutgoingMessage.model_validate(
            {
                "id": new_id(),
                "referral_id": held.id,
                "reference_code": held.reference_code,
                "sender": sender,
                "receiver": receiver,
                "message_type": message_type,
                "pathway": FOLLOW_UP_PATHWAY,
                "triage": None,
                "test": held.test,
                "expires_at": self.now + DEFAULT_LIFETIME,
                "body": body,
                **more,
            }
        )
        vault = self.node.vault
        self.messages.append(outbox.seal(vault, held.data_key_id, message, now=self.now))

    def tell(self, held: StoredFollowUp, what: str, seq: int | None = None) -> None:
        """Tells the institution's systems; ids only."""
        self.told.append(FeedEvent(what, held.id, held.owner, self.now, event_seq=seq))

    def write(self) -> None:
        """Queues and tells. From here on the feed is locked."""
        outbox.add(self.connection, self.messages)
        feed.append(self.connection, self.told)

    def hand_over(self, holdings: Holdings) -> None:
        """Lets the transaction of a batch queue and tell it with its own."""
        for message in self.messages:
            holdings.queue(message)
        for event in self.told:
            holdings.announce(event)
