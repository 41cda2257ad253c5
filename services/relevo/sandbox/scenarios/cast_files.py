"""The shared cast: institutions of each country, as data, and the systems that they have in a sandbox."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

from relevo.contracts.identifiers import country_of, institution_of
from relevo.contracts.scopes import Scope
from relevo.sandbox.cast import Institution, SystemClient

from .schema import CastFile, Guest, Member

_ENFORCEMENT: Final = "enforcement"
_EVERYTHING: Final = (
    Scope.RETURNEES_WRITE,
    Scope.RETURNEES_READ,
    Scope.REFERRALS_SUBMIT,
    Scope.REFERRALS_READ,
    Scope.REFERRALS_RESPOND,
    Scope.REFERRALS_STATUS,
    Scope.FOLLOW_UPS_REQUEST,
    Scope.FOLLOW_UPS_RESPOND,
    Scope.FOLLOW_UPS_READ,
    Scope.CONSENTS_WRITE,
    Scope.CONSENTS_READ,
    Scope.DIRECTORY_READ,
    Scope.DIRECTORY_WRITE,
    Scope.EVENTS_READ,
    Scope.ATTESTATIONS_ISSUE,
    Scope.ATTESTATIONS_READ,
    Scope.STATISTICS_READ,
    Scope.COORDINATION_READ,
)
"""A sandbox has one system for each party; what it may touch must be its own all the same."""


@dataclass(frozen=True)
class Cast:
    """Who may take part, by id."""

    members: Mapping[str, Member]
    guests: Mapping[str, Guest]

    def with_own(self, members: Iterable[Member], guests: Iterable[Guest]) -> "Cast":
        """With a scenario's own institutions."""
        return Cast(
            {**self.members, **{one.id: one for one in members}},
            {**self.guests, **{one.id: one for one in guests}},
        )

    def parties(self) -> set[str]:
        """Every institution, unit and guest."""
        units = {unit.id for member in self.members.values() for unit in member.units}
        return {*self.members, *self.guests, *units}


@cache
def shared_cast() -> Cast:
    """The institutions of `cast/*.toml`."""
    folder = resources.files(__package__) / "cast"
    files = [
        CastFile.model_validate(tomllib.loads(entry.read_text("utf-8")))
        for entry in folder.iterdir()
        if entry.name.endswith(".toml")
    ]
    return Cast(
        {one.id: one for file in files for one in file.institutions},
        {one.id: one for file in files for one in file.guests},
    )


def home_of(member: Member) -> str:
    """Its gateway."""
    return member.gateway or f"gateway.{country_of(member.id).lower()}"


def system_name(party: str) -> str:
    """The client id of a party's own system."""
    return f"{party}.system"


def institution(member: Member) -> Institution:
    """A member as the sandbox starts it: one system for itself, and one for each unit."""
    parties: list[tuple[str, str | None, tuple[str, ...]]] = [
        (member.id, None, tuple(member.mandates))
    ]
    parties += [(unit.id, unit.id, tuple(unit.mandates)) for unit in member.units]
    return Institution(
        id=member.id,
        name=member.name,
        type=member.type,
        gateway=home_of(member),
        mandates=tuple(member.mandates),
        units=tuple(unit.model_dump() for unit in member.units),
        has_weak_link=member.weak_link,
        delivery=member.delivery,
        child_protection_authority=member.child_protection_authority,
        child_protection_alternate=member.child_protection_alternate,
        systems=tuple(
            SystemClient(
                client_id=system_name(party),
                does=f"The system of {party}.",
                scopes=(Scope.HANDOVERS_SUBMIT,) if _ENFORCEMENT in mandates else _EVERYTHING,
                mandates=mandates,
                unit=unit,
            )
            for party, unit, mandates in parties
        ),
    )


def guest_system(guest: Guest, host: str) -> SystemClient:
    """What somebody without a node has at another institution's: it hands people over, and reads nothing."""
    return SystemClient(
        client_id=f"{guest.id}.at.{institution_of(host)}",
        does=f"{guest.name} brings people to {host}.",
        scopes=(Scope.HANDOVERS_SUBMIT,),
        mandates=(_ENFORCEMENT,),
    )
