"""What may go back to the sender: the outcome, under the grants that the person gave for that."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection

from relevo.contracts.envelope import DEFAULT_LIFETIME
from relevo.contracts.message_types.counter_referral import COUNTER_REFERRAL
from relevo.contracts.pathways.loader import public_name
from relevo.contracts.referral import CounterReferral
from relevo.contracts.vocabularies.loader import in_code_order
from relevo.node.domain.outgoing import OutgoingMessage
from relevo.node.storage import grants
from relevo.node.storage.grants import HeldGrant
from relevo.node.storage.referrals import StoredReferral
from relevo.servicekit import jose
from relevo.servicekit.ids import new_id


def live_return_grants(
    connection: Connection, held: StoredReferral, now: datetime
) -> list[HeldGrant]:
    """The grants of the way back that are in force."""
    back = [
        grant
        for grant in grants.of_referral(connection, held.id)
        if (grant.sender, grant.receiver) == (held.owner, held.sender)
        and grant.expires_at > now
        # A sender whom the person named for follow-up has a slice for that as well.
        and held.purpose in jose.peek(grant.jws)[1]["purposes"]
    ]
    withdrawn = grants.withdrawn_among(connection, [grant.id for grant in back])
    return [grant for grant in back if (grant.issuer, grant.id) not in withdrawn]


def outcome_message(
    held: StoredReferral,
    outcome: CounterReferral,
    live: list[HeldGrant],
    *,
    categories: Collection[str] = (),
    now: datetime,
) -> OutgoingMessage:
    """The counter-referral; `categories` are those of the files that go along."""
    return OutgoingMessage(
        id=new_id(),
        referral_id=held.id,
        reference_code=held.reference_code,
        sender=held.owner,
        receiver=held.sender,
        message_type=COUNTER_REFERRAL.id,
        pathway=public_name(held.pathway),
        triage=held.triage,
        purpose=held.purpose,
        categories=in_code_order("data_category", {"service_history", *categories}),
        grants=[grant.jws for grant in live],
        grant_ids=[grant.id for grant in live],
        test=held.test,
        expires_at=min(now + DEFAULT_LIFETIME, *(grant.expires_at for grant in live)),
        body=outcome.model_dump(mode="json", exclude_none=True),
    )
