"""Reviews of long-running referrals: the receiver's with their sentence, the sender's as they were told."""

from sqlalchemy import Connection, select

from relevo.contracts.review import Review
from relevo.servicekit.database import insert_or_ignore

from .referrals import StoredReferral
from .review_tables import referral_review
from .vault import ErasedError, Vault


def add(connection: Connection, vault: Vault, of: StoredReferral, review: Review) -> None:
    """Stores a review; one that is there already changes nothing.

    Raises:
        ErasedError: It says something, and the person was erased.
    """
    sealed = (
        None
        if review.done is None
        else vault.seal(of.data_key_id, {"done": review.done}, place=_place(of.id, review.id))
    )
    row = {
        "id": review.id,
        "referral_id": of.id,
        "at": review.at,
        "stored_at": review.stored_at,
        "sealed": sealed,
    }
    insert_or_ignore(connection, referral_review, [row])


def of_referral(connection: Connection, vault: Vault, of: StoredReferral) -> list[Review]:
    """Its reviews, the newest first; of an erased person without what was said."""
    columns = referral_review.c
    query = (
        select(referral_review)
        .where(columns.referral_id == of.id)
        .order_by(columns.at.desc(), columns.id.desc())
    )
    return [
        Review(
            id=row.id,
            at=row.at,
            stored_at=row.stored_at,
            done=_done(vault, of, row.id, row.sealed),
        )
        for row in connection.execute(query)
    ]


def _done(vault: Vault, of: StoredReferral, review_id: str, sealed: bytes | None) -> str | None:
    if sealed is None:
        return None
    try:
        said: str = vault.open(of.data_key_id, sealed, place=_place(of.id, review_id))["done"]
    except ErasedError:
        return None
    return said


def _place(referral_id: str, review_id: str) -> str:
    return f"review/{referral_id}/{review_id}"
