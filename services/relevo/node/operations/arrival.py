"""A referral that came, as it will be stored: made and sealed before the transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from relevo.contracts.anonymous import NAMELESS
from relevo.contracts.message_types.referral_submitted import FollowUpGrant, ReferralSubmitted
from relevo.contracts.pathways.loader import pathways, public_name
from relevo.contracts.person import SECTIONS
from relevo.node.storage import referrals
from relevo.node.storage.attachments import SealedRows
from relevo.node.storage.coming_of_age import ComingOfAge
from relevo.node.storage.grants import HeldGrant
from relevo.node.storage.referrals import SealedReferral, StoredEvent, StoredReferral

from .context import Node
from .look_again import ages_of, look_again
from .open_envelope import Opened
from .receive_files import sealed_files


@dataclass(frozen=True)
class Arrival:
    """A received referral and the grants that came with it."""

    stored: StoredReferral
    first: StoredEvent
    sealed: SealedReferral
    grants: list[HeldGrant]
    files: SealedRows
    marks: list[str]
    ages: list[ComingOfAge]


def arrival(node: Node, item: Opened) -> Arrival:
    """Makes the rows of a received referral, each person under a key of her own."""
    envelope, body = item.envelope, cast("ReferralSubmitted", item.body)
    now = node.clock.business()
    marks = look_again(item, body, now=now)
    key_ids = [node.vault.new_key() for _ in body.persons]
    files = sealed_files(node, item, dict(enumerate(key_ids, start=1)))
    stored = StoredReferral(
        id=envelope.sub,
        reference_code=envelope.reference_code,
        role="receiver",
        sender=envelope.iss,
        receiver=envelope.aud,
        owner=envelope.aud,
        pathway=_pathway(envelope.pathway, body.pathway),
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
            "rules_of": [terms.person for terms in body.terms],
            "follow_up": followed_up(item, body.follow_up_grants),
            "marks": marks,
            "anonymous": _is_nameless(_pathway(envelope.pathway, body.pathway), body),
            "basis": None if envelope.basis is None else envelope.basis.model_dump(mode="json"),
            "denials": [d.model_dump(mode="json") for t in body.terms for d in t.denials],
        },
        persons=[p.model_dump(mode="json", exclude_none=True) for p in body.persons],
    )
    first = StoredEvent(0, "submitted", "sender", body.submitted_at)
    return Arrival(
        stored=stored,
        first=first,
        sealed=referrals.seal(node.vault, stored, first, key_ids=key_ids),
        grants=grants_of(item),
        files=files,
        marks=marks,
        ages=ages_of(stored, body),
    )


def _is_nameless(pathway: str, body: ReferralSubmitted) -> bool:
    """A complaint without a name, as far as this side can see one."""
    route = pathways().get(pathway)
    if route is None or not route.anonymous:
        return False
    named = set(SECTIONS) - NAMELESS
    return not any(
        getattr(person, section) is not None for person in body.persons for section in named
    )


def _pathway(shown: str, sealed: str | None) -> str:
    """The route itself, where the envelope shows its class and the content fits that."""
    return shown if sealed is None or public_name(sealed) != shown else sealed


def followed_up(item: Opened, carried: Sequence[FollowUpGrant]) -> dict[str, int]:
    """Whose follow-up each grant opens."""
    places = {one.grant: one.person for one in carried}
    return {grant.jti: places[jws] for grant, jws in item.return_grants if jws in places}


def grants_of(item: Opened) -> list[HeldGrant]:
    """The slices that came with a message, as they are kept."""
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
