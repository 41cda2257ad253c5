"""A referral that came, as it will be stored: made and sealed before the transaction."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from relevo.contracts.message_types.referral_submitted import ReferralSubmitted
from relevo.node.storage import referrals
from relevo.node.storage.grants import HeldGrant
from relevo.node.storage.referrals import SealedReferral, StoredEvent, StoredReferral

from .context import Node
from .open_envelope import Opened


@dataclass(frozen=True)
class Arrival:
    """A received referral and the grants that came with it."""

    stored: StoredReferral
    first: StoredEvent
    sealed: SealedReferral
    grants: list[HeldGrant]


def arrival(node: Node, item: Opened) -> Arrival:
    """Makes the rows of a received referral, each person under a key of her own."""
    envelope, body = item.envelope, cast("ReferralSubmitted", item.body)
    now = node.clock.business()
    key_ids = [node.vault.new_key() for _ in body.persons]
    stored = StoredReferral(
        id=envelope.sub,
        reference_code=envelope.reference_code,
        role="receiver",
        sender=envelope.iss,
        receiver=envelope.aud,
        owner=envelope.aud,
        pathway=envelope.pathway,
        triage=envelope.triage or "green",
        purpose=envelope.purpose or "service_delivery",
        state="submitted",
        next_seq=1,
        sharing="active",
        delivery=None,
        delivery_problem=None,
        part_of=body.part_of,
        closed_here=False,
        test=envelope.test,
        expires_at=datetime.fromtimestamp(envelope.exp, UTC),
        created_at=now,
        updated_at=now,
        data_key_id=key_ids[0],
        details={
            "needs": [need.model_dump() for need in body.needs],
            "contact_rules": [t.contact_rules.model_dump(mode="json") for t in body.terms],
            "denials": [d.model_dump(mode="json") for t in body.terms for d in t.denials],
        },
        persons=[p.model_dump(mode="json", exclude_none=True) for p in body.persons],
    )
    first = StoredEvent(0, "submitted", "sender", body.submitted_at)
    return Arrival(
        stored=stored,
        first=first,
        sealed=referrals.seal(node.vault, stored, first, key_ids=key_ids),
        grants=_grants(item),
    )


def _grants(item: Opened) -> list[HeldGrant]:
    pairs = [*zip(item.grants, item.grant_jws, strict=True), *item.return_grants]
    return [
        HeldGrant(
            id=grant.jti,
            consent_id=None,
            referral_id=item.envelope.sub,
            issuer=grant.iss,
            sender=grant.sender,
            receiver=grant.receiver,
            jws=jws,
            expires_at=datetime.fromtimestamp(grant.exp, UTC),
        )
        for grant, jws in pairs
    ]
