"""Recording what a person allowed, and ending it when she says so."""

from sqlalchemy import Connection

from relevo.contracts.consent import Consent, ConsentInput, Withdrawal
from relevo.contracts.lifecycles.consent import check_transition
from relevo.contracts.message_types.consent_withdrawn import CONSENT_WITHDRAWN, ConsentWithdrawn
from relevo.contracts.problem import ProblemError
from relevo.node.storage import consents, feed, grants, outbox, referrals
from relevo.node.storage.referrals import StoredReferral
from relevo.servicekit import idempotency
from relevo.servicekit.access_token import Caller
from relevo.servicekit.ids import new_id

from .context import Node
from .receipts import end_message
from .receive import control_message, mark_withdrawn
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
    for referral_id in sorted({grant.referral_id for grant in issued}):
        held = referrals.lock(connection, referral_id)
        if held is not None:
            ids = [grant.id for grant in issued if grant.referral_id == referral_id]
            _tell_holder(connection, node, held, ids, withdrawal)
    feed.append(connection, [feed.FeedEvent("consent.withdrawn", consent_id, caller.party, now)])
    return _own(connection, node, caller, consent_id)


def _tell_holder(
    connection: Connection,
    node: Node,
    held: StoredReferral,
    grant_ids: list[str],
    withdrawal: Withdrawal,
) -> None:
    now = node.clock.business()
    mark_withdrawn(connection, node, held, now=now)
    unsent = outbox.never_left(connection, held.id)
    for message_id in unsent:
        end_message(
            connection,
            node,
            message_id,
            referral_id=held.id,
            message_type="referral.submitted/1",
            state="refused",
            problem="grant_not_live",
            receipt=None,
            now=now,
        )
        outbox.mark(connection, message_id, "withdrawn", problem="grant_not_live")
    if unsent:
        return  # it never left, so there is nobody to tell
    message = control_message(
        node,
        held,
        CONSENT_WITHDRAWN.id,
        ConsentWithdrawn(said_at=withdrawal.said_at).model_dump(mode="json"),
        withdrawn=grant_ids,
    )
    outbox.put(connection, node.vault, held.data_key_id, [message], now=now)
