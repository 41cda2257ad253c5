"""A receiver reviews a long-running referral, and both sides' review clocks begin anew.

What was done stays with the receiver: the sender is told when it was, in a message without content.
"""

from dataclasses import replace
from datetime import datetime
from typing import Final, cast

from sqlalchemy import Connection

from relevo.contracts.lifecycles.referral import ENDED
from relevo.contracts.message_types.referral_reviewed import REFERRAL_REVIEWED, ReferralReviewed
from relevo.contracts.pathways.loader import pathways
from relevo.contracts.problem import FieldError, ProblemError
from relevo.contracts.review import Review, ReviewInput, Reviews
from relevo.node.storage import referrals, reviews
from relevo.node.storage.holdings import Holdings
from relevo.node.storage.referrals import StoredReferral
from relevo.servicekit import idempotency
from relevo.servicekit.access_token import Caller
from relevo.servicekit.ids import new_id

from .batch import Batch
from .context import Node
from .open_envelope import Opened
from .tell import control_message
from .visibility import found, party_of

_OPERATION: Final = "review_referral"
_CLOCK: Final = "review"


async def review(
    node: Node, caller: Caller, referral_id: str, given: ReviewInput, *, key: str, digest: str
) -> Review:
    """Records a review. The same key records it once.

    Raises:
        ProblemError: `not_found`, `not_reviewed` or `invalid_input`.
    """
    party_of(node, caller)
    done = await node.database.write(_review, node, caller, referral_id, given, key, digest)
    node.wake()
    return done


async def read_reviews(node: Node, caller: Caller, referral_id: str) -> Reviews:
    """The reviews of a referral, the newest first.

    Raises:
        ProblemError: `not_found`.
    """
    party_of(node, caller)
    return await node.database.read(_read, node, caller, referral_id)


def reviewed(batch: Batch, item: Opened) -> bool:
    """The receiver of a referral says that it was reviewed there."""
    held, actor = batch.party_to(item)
    if actor != "receiver":
        raise ProblemError("not_found")
    at = cast("ReferralReviewed", item.body).at
    told = Review(id=item.envelope.jti, at=at, stored_at=batch.now)
    reviews.add(batch.connection, batch.node.vault, held, told)
    _begin_anew(batch.holdings, held, at, now=held.updated_at)
    batch.holdings.tell(held, REFERRAL_REVIEWED.name, now=batch.now)
    return True


def _review(
    connection: Connection,
    node: Node,
    caller: Caller,
    referral_id: str,
    given: ReviewInput,
    key: str,
    digest: str,
) -> Review:
    now = node.clock.business()
    before = idempotency.begin(
        connection, caller.client_id, _OPERATION, key, digest, node.clock.security()
    )
    if before is not None:
        return _kept(connection, node, caller, referral_id, before.body.decode())
    holdings = Holdings(connection, node.vault, [referral_id])
    held = found(caller, holdings.get(referral_id))
    at = given.at or now
    _check(held, at, now)
    done = Review(id=new_id(), at=at, stored_at=now, done=given.done)
    reviews.add(connection, node.vault, held, done)
    after = _begin_anew(holdings, held, at, now=held.updated_at)
    body = ReferralReviewed(at=at).model_dump(mode="json")
    holdings.send(after, control_message(after, REFERRAL_REVIEWED.id, body, now=now), now=now)
    holdings.tell(after, REFERRAL_REVIEWED.name, now=now)
    holdings.write()
    # What was done is not kept a second time, unsealed.
    idempotency.complete(
        connection, caller.client_id, _OPERATION, key, status=201, body=done.id.encode()
    )
    return done


def _kept(
    connection: Connection, node: Node, caller: Caller, referral_id: str, review_id: str
) -> Review:
    known = _read(connection, node, caller, referral_id).reviews
    return next(one for one in known if one.id == review_id)


def _check(held: StoredReferral, at: datetime, now: datetime) -> None:
    route = pathways().get(held.pathway)
    is_open = held.role == "receiver" and held.state not in ENDED
    if route is None or route.review_days is None or not is_open:
        raise ProblemError("not_reviewed", pathway=held.pathway)
    if not held.created_at <= at <= now:
        detail = "not before the referral came, and not later than now"
        raise ProblemError("invalid_input", errors=[FieldError(pointer="/at", detail=detail)])


def _begin_anew(
    holdings: Holdings, held: StoredReferral, at: datetime, *, now: datetime
) -> StoredReferral:
    if held.reviewed_at is not None and held.reviewed_at >= at:
        return held  # an older one, entered or delivered late
    told = [name for name in held.told if name != _CLOCK]
    return holdings.stand(replace(held, reviewed_at=at, told=told), now=now)


def _read(connection: Connection, node: Node, caller: Caller, referral_id: str) -> Reviews:
    held = referrals.by_ids(connection, [referral_id]).get(referral_id)
    held = found(caller, held)
    return Reviews(reviews=reviews.of_referral(connection, node.vault, held))
