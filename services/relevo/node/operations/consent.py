"""Recording what a person allowed, and ending it when she says so."""

from collections import defaultdict

from sqlalchemy import Connection

from relevo.contracts.consent import Consent, ConsentInput, Withdrawal
from relevo.contracts.coverage import is_consulate
from relevo.contracts.lifecycles.consent import check_transition
from relevo.contracts.message_types.consent_withdrawn import CONSENT_WITHDRAWN, ConsentWithdrawn
from relevo.contracts.message_types.referral_submitted import REFERRAL_SUBMITTED
from relevo.contracts.notices import check_asked, standing_of
from relevo.contracts.problem import FieldError, ProblemError
from relevo.contracts.sensitive_routes import check_askable
from relevo.node.storage import consents, feed, grants, notices, outbox
from relevo.node.storage.grants import HeldGrant
from relevo.node.storage.holdings import Holdings
from relevo.node.storage.outbox import Ended
from relevo.node.storage.referrals import StoredReferral
from relevo.servicekit import idempotency
from relevo.servicekit.access_token import Caller
from relevo.servicekit.ids import new_id

from .access import note_read
from .come_of_age import note_age
from .context import Node
from .cut import check_giver
from .directory import Directory
from .receipts import end_message
from .renew import renew
from .tell import control_message, mark_withdrawn
from .visibility import may_touch, party_of


async def record_consent(
    node: Node,
    directory: Directory,
    caller: Caller,
    given: ConsentInput,
    *,
    key: str,
    digest: str,
) -> Consent:
    """Stores a consent as given; active from the start, its dates decide when it counts.

    Raises:
        ProblemError: It was asked in the queue, on a notice that does not count, of somebody who is
            implicated, for what never leaves, or names a consulate for which nobody asked.
    """
    owner = party_of(node, caller)
    await _check(node, directory, given)
    record = await node.database.write(_record, node, caller, owner, given, key, digest)
    node.wake()
    return record


def _record(
    connection: Connection,
    node: Node,
    caller: Caller,
    owner: str,
    given: ConsentInput,
    key: str,
    digest: str,
) -> Consent:
    answered = idempotency.begin(
        connection, caller.client_id, "record_consent", key, digest, node.clock.security()
    )
    if answered is not None:
        return own_consent(connection, node, caller, answered.body.decode())
    standing = standing_of(given, notices.of_id(connection, given.notice.id))
    record = Consent(
        **given.model_dump(),
        id=new_id(),
        state="active",
        recorded_at=node.clock.business(),
        notice_standing=standing,
    )
    before = supersede(connection, node, caller, given)
    consents.add(connection, node.vault, record, owner=owner)
    note_age(connection, record, owner=owner)
    if before is not None:
        uncovered = renew(connection, node, caller, before, record)
        if uncovered:
            _end_sharing(connection, node, uncovered, Withdrawal(said_at=record.given_at))
    idempotency.complete(
        connection, caller.client_id, "record_consent", key, status=201, body=record.id.encode()
    )
    return record


def supersede(
    connection: Connection, node: Node, caller: Caller, given: ConsentInput
) -> Consent | None:
    """Ends the consent before, such as a guardian's of somebody who is now of age, if one is named.

    Raises:
        ProblemError: `invalid_input`, it is no consent of this person that still counts.
    """
    if given.supersedes is None:
        return None
    try:
        before = own_consent(connection, node, caller, given.supersedes)
    except ProblemError:
        before = None
    if (
        before is None
        or before.person_id != given.person_id
        or before.state not in {"active", "pending_person"}
    ):
        detail = "no consent of this person that still counts"
        raise ProblemError(
            "invalid_input", errors=[FieldError(pointer="/supersedes", detail=detail)]
        )
    consents.set_state(connection, before.id, "superseded")
    return before


async def _check(node: Node, directory: Directory, given: ConsentInput) -> None:
    """What can be said of a consent before anything is sent under it.

    Nobody is asked twice for want of a link: what the directory cannot tell now is asked when it is used.
    """
    check_askable(given)
    ours = await directory.profile(node.institution)
    units = [] if ours is None else ours.units
    check_asked(given, enforcing=[unit.id for unit in units if "enforcement" in unit.mandates])
    check_giver(given, given.implicated)
    for entry in given.recipients:
        if entry.party is None or entry.requested_by_person:
            continue
        profile = await directory.profile(entry.party)
        if profile is not None and is_consulate(profile, entry.party):
            raise ProblemError("consulate_not_requested", receiver=entry.party)


async def read_consent(node: Node, caller: Caller, consent_id: str) -> Consent:
    """One record.

    Raises:
        ProblemError: `not_found`, the same for absent and not yours.
    """
    party_of(node, caller)
    shown = await node.database.read(own_consent, node, caller, consent_id)
    await note_read(node, caller, what="consent", subject=shown.id)
    return shown


def own_consent(connection: Connection, node: Node, caller: Caller, consent_id: str) -> Consent:
    """A record that is the caller's.

    Raises:
        ProblemError: `not_found`.
    """
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
    record = await node.database.write(withdraw_now, node, caller, consent_id, withdrawal)
    node.wake()
    return record


def withdraw_now(
    connection: Connection, node: Node, caller: Caller, consent_id: str, withdrawal: Withdrawal
) -> Consent:
    """Ends a consent in a transaction that is open.

    Raises:
        ProblemError: `not_found`, or `illegal_transition`.
    """
    record = own_consent(connection, node, caller, consent_id)
    if record.state == "withdrawn":
        return record
    check_transition(record.state, "withdrawn")
    now = node.clock.business()
    consents.set_state(connection, consent_id, "withdrawn", withdrawn_at=now)
    _end_sharing(connection, node, grants.of_consent(connection, consent_id), withdrawal)
    feed.append(connection, [feed.FeedEvent("consent.withdrawn", consent_id, caller.party, now)])
    return own_consent(connection, node, caller, consent_id)


def _end_sharing(
    connection: Connection, node: Node, issued: list[HeldGrant], withdrawal: Withdrawal
) -> None:
    """Ends grants, and tells everyone who received something under them."""
    now = node.clock.business()
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
