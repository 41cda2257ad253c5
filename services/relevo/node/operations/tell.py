"""What one side tells the other of a referral: an event of its own, and the message that carries it."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from relevo.contracts.envelope import DEFAULT_LIFETIME
from relevo.contracts.lifecycles.referral import BEFORE_ACCEPTED, COARSE, State
from relevo.contracts.message_types.referral_state import REFERRAL_STATE, ReferralState
from relevo.contracts.pathways.loader import public_name
from relevo.node.domain.outgoing import OutgoingMessage
from relevo.node.storage.holdings import Holdings
from relevo.node.storage.referrals import StoredEvent, StoredReferral
from relevo.servicekit.ids import new_id

_TRAVELLING = (
    "reason",
    "outcome",
    "appointment",
    "seen_by",
    "entered_at",
    "questions",
    "redirect_to",
    "answers",
)


def tell_state(
    holdings: Holdings, referral: StoredReferral, event: StoredEvent, *, now: datetime
) -> StoredReferral:
    """Stores an event of this side and queues the message that tells the other."""
    holdings.add_event(referral, event, now=now)
    after = holdings.stand(referral, now=now)
    travelling = {name: event.detail[name] for name in _TRAVELLING if name in event.detail}
    body = ReferralState(state=event.state, at=event.at, **travelling)
    message = control_message(
        referral,
        REFERRAL_STATE.id,
        body.model_dump(mode="json", exclude_none=True, exclude_defaults=True),
        now=now,
        event_seq=event.seq,
        state=event.state,
    )
    holdings.send(referral, message, now=now)
    return after


def mark_withdrawn(holdings: Holdings, held: StoredReferral, *, now: datetime) -> None:
    """Records on a holding that sharing ended. What was accepted goes on (domain rule 6)."""
    ended = replace(held, sharing="withdrawn")
    if held.role == "receiver" and held.state in BEFORE_ACCEPTED:
        event = StoredEvent(held.next_seq, "consent_withdrawn", "receiver", now)
        tell_state(holdings, ended, event, now=now)
    else:
        holdings.stand(ended, now=now)
    holdings.tell(ended, "consent.withdrawn", now=now)


def control_message(
    referral: StoredReferral,
    message_type: str,
    body: dict[str, Any],
    *,
    now: datetime,
    event_seq: int | None = None,
    state: State | None = None,
    withdrawn: list[str] | None = None,
) -> OutgoingMessage:
    """A message to the other side that no consent is needed for: it holds no personal data."""
    other = referral.receiver if referral.role == "sender" else referral.sender
    return OutgoingMessage(
        id=new_id(),
        referral_id=referral.id,
        reference_code=referral.reference_code,
        sender=referral.owner,
        receiver=other,
        message_type=message_type,
        pathway=public_name(referral.pathway),
        triage=referral.triage,
        event_seq=event_seq,
        state=None if state is None else COARSE[state],
        withdrawn=withdrawn or [],
        test=referral.test,
        expires_at=max(referral.expires_at, now + DEFAULT_LIFETIME),
        body=body,
    )
