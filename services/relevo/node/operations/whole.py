"""A referral with everything that this side holds of it."""

from sqlalchemy import Connection

from relevo.contracts.consent import ContactRules
from relevo.contracts.redirection import Redirection
from relevo.contracts.referral import Referral
from relevo.node.storage import cancellations, information, redirects, referrals
from relevo.node.storage.referrals import StoredReferral
from relevo.servicekit.access_token import Caller

from .context import Node
from .visibility import found, only_party, view


def whole(connection: Connection, node: Node, caller: Caller, referral_id: str) -> Referral:
    """The referral, its persons, what was supplied later, and its lineage.

    Raises:
        ProblemError: `not_found`, the same for absent and not yours.
    """
    stored = found(caller, referrals.get(connection, node.vault, referral_id))
    supplied, rules = information.of_referral(connection, node.vault, referral_id)
    shown = view(stored, node.clock.business())
    return shown.model_copy(
        update={
            "information": supplied,
            "contact_rules": [
                *shown.contact_rules,
                *(ContactRules.model_validate(rule) for rule in rules),
            ],
            "cancellation": cancellations.last_of(connection, node.vault, stored)
            if stored.role == "sender"
            else None,
            "redirection": _redirection(connection, node, stored),
            "continued_by": referrals.parts_of(connection, referral_id, party=only_party(caller)),
        }
    )


def _redirection(connection: Connection, node: Node, stored: StoredReferral) -> Redirection | None:
    kept = redirects.get(connection, stored.id)
    if kept is None and stored.state != "redirected":
        return None
    return redirects.shown(
        kept, proposed_receiver=redirects.proposed_in(connection, node.vault, stored)
    )
