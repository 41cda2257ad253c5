"""What became of redirected referrals."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from relevo.contracts.redirection import Redirection

from . import referrals
from .referrals import StoredReferral
from .tables import redirect, referral
from .vault import Vault

_AT_ONCE = 50


@dataclass(frozen=True)
class Redirect:
    """A redirect as it stands.

    Attributes:
        open: Whether somebody is still to be told of the referral that goes on.
    """

    parent_id: str
    state: str
    proposed_receiver: str | None
    problem: str | None
    child_id: str | None
    followed_state: str | None
    open: bool
    updated_at: datetime


def get(connection: Connection, parent_id: str) -> Redirect | None:
    row = connection.execute(select(redirect).where(redirect.c.parent_id == parent_id)).mappings()
    found = row.first()
    return None if found is None else Redirect(**found)


def put(connection: Connection, changed: Redirect) -> None:
    """Stores it, whether or not it was there."""
    values = vars(changed)
    done = connection.execute(
        update(redirect).where(redirect.c.parent_id == changed.parent_id).values(values)
    )
    if not done.rowcount:
        connection.execute(insert(redirect).values(values))


def proposed_in(connection: Connection, vault: Vault, parent: StoredReferral) -> str | None:
    """Whom the institution that redirected thinks right."""
    said = [
        event.detail.get("redirect_to")
        for event in referrals.events(connection, vault, parent)
        if event.state == "redirected" and event.actor == "receiver"
    ]
    return said[-1] if said else None


def not_looked_at(connection: Connection) -> list[str]:
    """Referrals sent from here that were redirected and that nobody has gone on with yet."""
    query = (
        select(referral.c.id)
        .outerjoin(redirect, redirect.c.parent_id == referral.c.id)
        .where(
            referral.c.state == "redirected",
            referral.c.role == "sender",
            redirect.c.parent_id.is_(None),
        )
        .order_by(referral.c.created_at)
        .limit(_AT_ONCE)
    )
    return list(connection.scalars(query))


def open_after(connection: Connection, parent_id: str) -> list[Redirect]:
    """Open ones, in the order of their ids, past this one."""
    query = (
        select(redirect)
        .where(redirect.c.open.is_(True), redirect.c.parent_id > parent_id)
        .order_by(redirect.c.parent_id)
        .limit(_AT_ONCE)
    )
    return [Redirect(**row) for row in connection.execute(query).mappings()]


def made_by_hand(connection: Connection, parent_id: str) -> str | None:
    """The first referral that a person made to go on with a redirected one."""
    query = select(referral.c.id).where(
        referral.c.part_of == parent_id, referral.c.role == "sender"
    )
    return connection.scalar(query.order_by(referral.c.created_at, referral.c.id).limit(1))


def shown(kept: Redirect | None, *, proposed_receiver: str | None) -> Redirection:
    """What people read of it."""
    if kept is None:
        return Redirection(proposed_receiver=proposed_receiver, state="waiting")
    return Redirection.model_validate(
        {
            "proposed_receiver": kept.proposed_receiver,
            "state": kept.state,
            "problem": kept.problem,
            "redirected_to": kept.child_id,
            "followed_state": kept.followed_state,
        }
    )
