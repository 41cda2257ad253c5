"""The referrals of one transaction: read together, changed here, written together.

What a batch of messages does to a hundred referrals costs as many statements as what one does to one.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection

from relevo.contracts.lifecycles.referral import Event, replay
from relevo.node.domain.outgoing import OutgoingMessage
from relevo.node.domain.standing import standing

from . import attachments, feed, outbox, referrals
from .feed import FeedEvent
from .outbox import Ended
from .referrals import SealedReferral, StoredEvent, StoredReferral
from .vault import Vault

_WITHOUT_FILES: Final = frozenset({"refused", "expired", "recalled"})


class Holdings:
    """Referrals, held from here to the end of the transaction. Nothing is stored before `write`."""

    def __init__(self, connection: Connection, vault: Vault, ids: Iterable[str]) -> None:
        self._connection = connection
        self._vault = vault
        self._held = referrals.lock(connection, ids)
        self._events = referrals.numbered_events(connection, list(self._held))
        self._new: dict[str, SealedReferral] = {}
        self._new_events: list[dict[str, Any]] = []
        self._moved: set[str] = set()
        self._messages: list[dict[str, Any]] = []
        self._ended: list[Ended] = []
        self._told: list[FeedEvent] = []

    def get(self, referral_id: str) -> StoredReferral | None:
        """The referral as it stands now, without its sealed parts."""
        return self._held.get(referral_id)

    def all(self) -> list[StoredReferral]:
        """Every referral of this transaction, as it stands now."""
        return list(self._held.values())

    def steps(self, referral_id: str) -> list[tuple[Event, datetime]]:
        """The events that count, in order, and when each was done."""
        events = self._events[referral_id]
        return [(event, events[event]) for event in replay(events).path]

    def add(self, new: StoredReferral, sealed: SealedReferral, first: StoredEvent) -> None:
        """A referral that was not held, with its first event."""
        self._held[new.id] = new
        self._new[new.id] = sealed
        self._events[new.id] = {Event(first.seq, first.state, first.actor): first.at}

    def add_event(self, of: StoredReferral, event: StoredEvent, *, now: datetime) -> None:
        """An event of either side; one that is there already changes nothing.

        Raises:
            ErasedError: It says something, and the person was erased.
        """
        told = Event(event.seq, event.state, event.actor)
        if told not in self._events[of.id]:
            self._new_events.append(referrals.event_row(self._vault, of, event, now))
            self._events[of.id][told] = event.at

    def stand(self, changed: StoredReferral, *, now: datetime) -> StoredReferral:
        """Where a referral stands after its events and this change to it."""
        events = self._events[changed.id]
        read = replay(events)
        after = replace(
            changed,
            state=standing(
                read,
                delivery=changed.delivery,
                sharing=changed.sharing,
                closed_here=changed.closed_here,
            ),
            next_seq=read.next_seq,
            way_back=read.way_back,
            updated_at=now,
        )
        after = replace(after, **vars(referrals.timing_of(after, events)))
        self._held[after.id] = after
        self._moved.add(after.id)
        return after

    def put_off(self, held: StoredReferral, until: datetime) -> None:
        """Lets its alarms ring later than they would."""
        self._held[held.id] = replace(held, alarm_at=until)
        self._moved.add(held.id)

    def send(self, of: StoredReferral, message: OutgoingMessage, *, now: datetime) -> None:
        """Queues a message, sealed at rest under the referral's key.

        Raises:
            ErasedError: The person was erased.
        """
        self.queue(outbox.seal(self._vault, of.data_key_id, message, now=now))

    def queue(self, sealed: dict[str, Any]) -> None:
        """Queues what `outbox.seal` made."""
        self._messages.append(sealed)

    def end(self, ended: Ended) -> None:
        """Ends a message's time in the queue."""
        self._ended.append(ended)

    def tell(
        self, of: StoredReferral, what: str, *, now: datetime, event_seq: int | None = None
    ) -> None:
        """Tells the institution's systems on the event feed."""
        self._told.append(FeedEvent(what, of.id, of.owner, now, event_seq=event_seq))

    def announce(self, event: FeedEvent) -> None:
        """Tells them of something else than a referral."""
        self._told.append(event)

    def new_by_code(self, reference_code: str) -> StoredReferral | None:
        """A referral that came in this very transaction."""
        held = (self._held[referral_id] for referral_id in self._new)
        return next((r for r in held if r.reference_code == reference_code), None)

    def write(self) -> None:
        """Stores it all. The last thing of its transaction: from here on the feed is locked."""
        new = [
            replace(sealed, referral=sealed.referral | referrals.standing_of(self._held[of]))
            for of, sealed in self._new.items()
        ]
        referrals.add(self._connection, new)
        moved = [self._held[of] for of in sorted(self._moved - self._new.keys())]
        referrals.move(self._connection, moved)
        referrals.add_events(self._connection, self._new_events)
        outbox.add(self._connection, self._messages)
        outbox.end(self._connection, self._ended)
        attachments.end_of_messages(
            self._connection,
            [
                (one.id, "expired" if one.state == "expired" else "refused")
                for one in self._ended
                if one.state in _WITHOUT_FILES
            ],
        )
        feed.append(self._connection, self._told)
