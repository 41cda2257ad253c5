"""A referral with everything that this side holds of it."""

from sqlalchemy import Connection

from relevo.contracts.consent import ContactRules
from relevo.contracts.identifiers import institution_of
from relevo.contracts.problem import ProblemError
from relevo.contracts.redirection import Redirection
from relevo.contracts.referral import Referral, Undelivered
from relevo.node.storage import (
    attachments,
    cancellations,
    child_notices,
    information,
    outbox,
    redirects,
    referrals,
    splits,
)
from relevo.node.storage.referrals import StoredReferral
from relevo.servicekit.access_token import Caller

from .access import may_read
from .context import Node
from .refusal import refusal_of
from .visibility import only_party, view


def whole(connection: Connection, node: Node, caller: Caller, referral_id: str) -> Referral:
    """The referral, its persons, what was supplied later, and its lineage.

    Raises:
        ProblemError: `not_found`, the same for absent and not yours.
    """
    stored = referrals.get(connection, node.vault, referral_id)
    if stored is None or not may_read(connection, node, caller, stored):
        raise ProblemError("not_found")
    supplied, rules = information.of_referral(connection, node.vault, referral_id)
    shown = view(stored, node.clock.business())
    together = shown.model_copy(
        update={
            "refusal": refusal_of(connection, node, stored),
            "undelivered": _undelivered(connection, stored),
            "information": supplied,
            "contact_rules": [
                *shown.contact_rules,
                *(ContactRules.model_validate(rule) for rule in rules),
            ],
            "cancellation": cancellations.last_of(connection, node.vault, stored)
            if stored.role == "sender"
            else None,
            "redirection": _redirection(connection, node, stored),
            "child_notices": child_notices.of_referral(connection, referral_id)
            if stored.role == "sender"
            else [],
            "continued_by": referrals.parts_of(connection, referral_id, party=only_party(caller)),
        }
    )
    gone, needs = splits.gone_from(connection, referral_id)
    files = attachments.of_referral(connection, node.vault, referral_id)
    left = [one.shown() for one in files if one.sealed.person not in gone]
    together = together.model_copy(update={"attachments": left})
    return _without(together, stored, gone, needs) if gone else together


def _undelivered(connection: Connection, stored: StoredReferral) -> list[Undelivered]:
    other = institution_of(stored.receiver if stored.role == "sender" else stored.sender)
    return [
        Undelivered(
            message_type=one["message_type"],
            state=one["state"],
            problem=one["problem"] or None,
            written_at=one["created_at"],
        )
        for one in outbox.undelivered(connection, stored.id)
        # What went to an authority or to who follows up is told where it was asked for.
        if institution_of(one["receiver"]) == other
    ]


def _without(shown: Referral, stored: StoredReferral, gone: set[int], needs: set[str]) -> Referral:
    """What is left of a referral after a split: nothing of those who went on apart."""
    others = {str(place) for place in gone}
    said = zip(
        stored.details.get("contact_rules", []), stored.details.get("rules_of", []), strict=False
    )
    return shown.model_copy(
        update={
            "persons": [p for place, p in enumerate(shown.persons, 1) if place not in gone],
            "needs": [need for need in shown.needs if need.service not in needs],
            "contact_rules": [
                ContactRules.model_validate(rules) for rules, place in said if place not in gone
            ],
            "information": [
                part.model_copy(
                    update={
                        "persons": [p for p in part.persons if p.get("person_id") not in others]
                    }
                )
                for part in shown.information
            ],
            "attachments": [one for one in shown.attachments if one.person_id not in others],
            "withheld": [],
            "marks": [],
        }
    )


def _redirection(connection: Connection, node: Node, stored: StoredReferral) -> Redirection | None:
    kept = redirects.get(connection, stored.id)
    if kept is None and stored.state != "redirected":
        return None
    return redirects.shown(
        kept, proposed_receiver=redirects.proposed_in(connection, node.vault, stored)
    )
