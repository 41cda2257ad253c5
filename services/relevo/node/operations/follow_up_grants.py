"""Which live slices let a party ask for follow-up and learn its result."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from relevo.contracts.follow_up import FOLLOW_UP_PURPOSE
from relevo.contracts.grant_slice import GrantSlice
from relevo.contracts.identifiers import institution_of
from relevo.node.storage import grants
from relevo.node.storage.follow_ups import StoredFollowUp
from relevo.node.storage.grants import HeldGrant
from relevo.servicekit import jose


@dataclass(frozen=True)
class LiveSlice:
    """A slice as it is held, and what it says."""

    held: HeldGrant
    claims: GrantSlice


def live_among(
    connection: Connection,
    held: Iterable[HeldGrant],
    *,
    holder: str,
    asker: str,
    now: datetime,
) -> list[LiveSlice]:
    """Those that entitle this asker: in force, not withdrawn, for follow-up by this holder.

    An institution that is named stands for its units; a unit that is named stands for itself.
    """
    parties = {asker, institution_of(asker)}
    found = [
        grant
        for grant in held
        if grant.sender == holder and grant.receiver in parties and grant.expires_at > now
    ]
    gone = grants.withdrawn_among(connection, [grant.id for grant in found])
    live = []
    for grant in found:
        # Its signature was verified when it arrived.
        claims = GrantSlice.model_validate(jose.peek(grant.jws)[1])
        if (
            claims.purposes == [FOLLOW_UP_PURPOSE]
            and claims.nbf <= now.timestamp()
            and (grant.issuer, grant.id) not in gone
        ):
            live.append(LiveSlice(grant, claims))
    return live


def live_slices(
    connection: Connection, follow_up: StoredFollowUp, *, now: datetime
) -> list[LiveSlice]:
    """The slices on which a follow-up of the holder's side stands now."""
    if follow_up.referral_id is None:
        return []
    held = grants.of_referral(connection, follow_up.referral_id)
    return live_among(connection, held, holder=follow_up.holder, asker=follow_up.asker, now=now)
