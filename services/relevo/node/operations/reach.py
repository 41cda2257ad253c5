"""How a person of a referral may be reached: what is known of her numbers, and the rules she gave."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from relevo.contracts.channels import Channel
from relevo.contracts.consent import ContactRules
from relevo.contracts.contact_rules import Permission, may_contact_under_all
from relevo.contracts.person import Contact
from relevo.contracts.problem import ProblemError
from relevo.node.domain.phrase_check import plain
from relevo.node.storage import referrals
from relevo.node.storage.follow_ups import StoredFollowUp
from relevo.node.storage.referrals import StoredReferral

from .context import Node
from .quiet import quiet_until


@dataclass(frozen=True)
class Reach:
    """Read for one operation, and never stored again.

    Attributes:
        quiet_until: End of the days of quiet in which nobody is called.
    """

    referral: StoredReferral
    quiet_until: datetime | None = None

    def rules_of(self, person: int) -> list[ContactRules]:
        """Everything that she said about being reached; what nobody is named for holds for all."""
        details = self.referral.details
        rules = [ContactRules.model_validate(said) for said in details.get("contact_rules", [])]
        places: Sequence[int | None] = details.get("rules_of", [None] * len(rules))
        return [said for said, place in zip(rules, places, strict=True) if place in {person, None}]

    def contact_of(self, person: int) -> Contact | None:
        persons = self.referral.persons
        said = persons[person - 1].get("contact") if person <= len(persons) else None
        return None if said is None else Contact.model_validate(said)

    def permission(
        self, person: int, *, channel: Channel, now: datetime, number: str | None
    ) -> Permission:
        """Whether she may be reached this way now; without any rule of hers nobody may."""
        if self.quiet_until is not None and now < self.quiet_until:
            return Permission("quiet_days", next_at=self.quiet_until)
        return may_contact_under_all(
            self.rules_of(person),
            self.contact_of(person),
            channel=channel,
            now=now,
            number=number,
        )

    def introduce_as(self, person: int) -> str | None:
        return next((r.introduce_as for r in self.rules_of(person) if r.introduce_as), None)

    def has_pass_phrase(self, person: int) -> bool:
        return any(rules.pass_phrase for rules in self.rules_of(person))

    def is_pass_phrase(self, person: int, said: str) -> bool:
        """Whether she said it, however it was written down."""
        return any(
            plain(rules.pass_phrase) == plain(said)
            for rules in self.rules_of(person)
            if rules.pass_phrase
        )


def reach_of(connection: Connection, node: Node, held: StoredFollowUp) -> Reach:
    """How the persons of a follow-up may be reached.

    Raises:
        ProblemError: `not_found`, on the asker's side, which knows nothing of it.
    """
    whole = (
        None
        if held.referral_id is None
        else referrals.get(connection, node.vault, held.referral_id)
    )
    if whole is None:
        raise ProblemError("not_found")
    now = node.clock.business()
    return Reach(whole, quiet_until(connection, node, whole, now=now))
