"""Recording what a person allowed, and ending it when she says so."""

from collections import defaultdict

from sqlalchemy import Connection

from relevo.contracts.consent import Consent, ConsentInput, Withdrawal
from relevo.contracts.lifecycles.consent import check_transition
from relevo.contracts.message_types.consent_withdrawn import CONSENT_WITHDRAWN, ConsentWithdrawn
from relevo.contracts.message_types.referral_submitted import REFERRAL_SUBMITTED
from relevo.contracts.problem import ProblemError
from relevo.node.storage import consents, feed, grants, outbox
from relevo.node.storage.holdings import Holdings
from relevo.node.storage.outbox import Ended
from relevo.node.storage.referrals import StoredReferral
from relevo.servicekit import idempotency
from relevo.servicekit.access_token import Caller
from relevo.servicekit.ids import new_id

from .context import Node
from .receipts import end_message
from .tell import control_message, mark_withdrawn
from .visibility import may_touch, party_of


async def record_consent(
    node: Node, caller: Caller, given: ConsentInput, *, key: str, digest: str
) -> Consent:
    """Stores a consent as given; active from the start, its dates decide when it counts."""
    owner = party_of(node, caller)
    return await node.database.write(_record, node, caller, owner, given, key, digest)


def _record(
    connection: Connection,
    node: Node,
    caller: Caller,
    owner: str,
    given: ConsentInput,
    key: str,
    digest: str,
) -> Consent:
    before = idempotency.begin(
        connection, caller.client_id, "record_consent", key, digest, node.clock.security()
    )
    if before is not None:
        return _own(connection, node, caller, before.body.decode())
    record = Consent(
        **given.model_dump(), id=new_id(), state="active", recorded_at=node.clock.business()
    )
    consents.add(connection, node.vault, record, owner=owner)
    idempotency.complete(
        connection, caller.client_id, "record_consent", key, status=201, body=record.id.encode()
    )
    return record


async def read_consent(node: Node, caller: Caller, consent_id: str) -> Consent:
    """One record.

    Raises:
        ProblemError: `not_found`, the same for absent and not yours.
    """
    party_of(node, caller)
    return await node.database.read(_own, node, caller, consent_id)


def _own(connection: Connection, node: Node, caller: Caller, consent_id: str) -> Consent:
    record, owner = consents.get_many(connection, node.vault, [consent_id]).get(
        consent_id, (None, "")
    )
    if record is None or not may_touch(caller, owner):
        raise ProblemError("not_found")
    return record


async def withdraw_consent(
    node: Node, caller: Caller, consent_id: str, withdrawal: Withdrawal
) -> Consent:
    """Ends a consent: nothing more leaves under it, and every receiver is told.

    Asking twice changes nothing.

    Raises:
        ProblemError: `not_found`, or `illegal_transition` for one that never was in force.
    """
    party_of(node, caller)
    record = await node.database.write(_withdraw, node, caller, consent_id, withdrawal)
    node.wake()
    return record


def _withdraw(
    connection: Connection, node: Node, caller: Caller, consent_id: str, withdrawal: Withdrawal
) -> Consent:
    record = _own(connection, node, caller, consent_id)
    if record.state == "withdrawn":
        return record
    check_transition(record.state, "withdrawn")
    now = node.clock.business()
    consents.set_state(connection, consent_id, "withdrawn", withdrawn_at=now)
    issued = grants.of_consent(connection, consent_id)
    grants.note_withdrawn(connection, node.institution, [grant.id for grant in issued], now=now)
    by_referral = defaultdict[str, list[str]](list)
    for grant in issued:
        by_referral[grant.referral_id].append(grant.id)
    holdings = Holdings(connection, node.vault, by_referral)
    for referral_id, grant_ids in by_referral.items():
        held = holdings.get(referral_id)
        if held is not None:
            _tell_holder(connection, holdings, node, held, grant_ids, withdrawal)
    holdings.write()
    feed.append(connection, [feed.FeedEvent("consent.withdrawn", consent_id, caller.party, now)])
    return _own(connection, node, caller, consent_id)


def _tell_holder(
    connection: Connection,
    holdings: Holdings,
    node: Node,
    held: StoredReferral,
    grant_ids: list[str],
    withdrawal: Withdrawal,
) -> None:
    now = node.clock.business()
    mark_withdrawn(holdings, held, now=now)
    unsent = outbox.sent(connection, outbox.never_left(connection, held.id))
    for message in unsent.values():
        end_message(
            connection, holdings, node, message, "refused", problem="grant_not_live", now=now
        )
        holdings.end(Ended(message.id, "withdrawn", "grant_not_live"))
    if any(message.message_type == REFERRAL_SUBMITTED.id for message in unsent.values()):
        return  # it never left, so there is nobody to tell
    told = control_message(
        held,
        CONSENT_WITHDRAWN.id,
        ConsentWithdrawn(said_at=withdrawal.said_at).model_dump(mode="json"),
        now=now,
        withdrawn=grant_ids,
    )
    holdings.send(held, told, now=now)
