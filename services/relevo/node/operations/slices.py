"""Grant slices: what gateways see of a consent, signed by the institution that keeps it."""

from collections.abc import Sequence

from relevo.contracts.consent import Consent
from relevo.contracts.grant_slice import GRANT_TYP, GrantSlice
from relevo.node.storage.grants import HeldGrant
from relevo.servicekit import jose
from relevo.servicekit.ids import random_id

from .context import Node


def sign_slice(
    node: Node,
    record: Consent,
    *,
    referral_id: str,
    sender: str,
    receiver: str,
    purpose: str,
    categories: list[str],
    status_parties: Sequence[str] = (),
    follow_up_parties: Sequence[str] = (),
) -> HeldGrant:
    """A new slice of this consent for one sender and one receiver."""
    claims = GrantSlice(
        iss=node.institution,
        jti=random_id(),
        iat=int(node.clock.business().timestamp()),
        nbf=int(record.valid_from.timestamp()),
        exp=int(record.valid_until.timestamp()),
        sender=sender,
        receiver=receiver,
        purposes=[purpose],
        categories=categories,
        status_parties=list(status_parties),
        follow_up_parties=list(follow_up_parties),
    )
    return HeldGrant(
        id=claims.jti,
        consent_id=record.id,
        referral_id=referral_id,
        issuer=node.institution,
        sender=sender,
        receiver=receiver,
        jws=jose.sign(claims.model_dump(), node.keys.signing[0], typ=GRANT_TYP),
        expires_at=record.valid_until,
    )
