"""The schema of a jurisdiction's pack, reading the packs once, and what they say of a basis."""

import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Annotated, Final

from pydantic import Field

from relevo.contracts.envelope import LegalBasis
from relevo.contracts.identifiers import Country, PathwayId, country_of, institution_of
from relevo.contracts.model import ContractModel, Flag, ShortText
from relevo.contracts.problem import ProblemError
from relevo.contracts.vocabularies.codes import InstitutionType, LawfulBasis, Mandate, Purpose

DEFAULT: Final = "default"


class Allowed(ContractModel):
    """A basis other than consent, and when it counts. What is empty does not limit.

    Attributes:
        by_public_body: The authority that is named must be a public body of this jurisdiction, and be
            the sender or the receiver.
    """

    id: PathwayId
    basis: LawfulBasis
    purposes: list[Purpose] = []
    receiver_mandates: list[Mandate] = []
    by_public_body: Flag = False


class Pack(ContractModel):
    """What counts in one jurisdiction beside consent, in addition to the default.

    Attributes:
        law: The comprehensive law on data protection; the default pack has none.
        public_body_types: Types of institution with duties by statute; in the default pack alone.
    """

    id: PathwayId
    title_en: ShortText
    title_es: ShortText
    countries: list[Country] = []
    law: ShortText | None = None
    sources: Annotated[list[ShortText], Field(min_length=1)]
    public_body_types: list[InstitutionType] = []
    allow: Annotated[list[Allowed], Field(min_length=1)]


@cache
def packs() -> dict[str, Pack]:
    """Every pack by id."""
    folder = resources.files(__package__) / "data"
    found = [
        Pack(**tomllib.loads(entry.read_text("utf-8")))
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".toml")
    ]
    return {pack.id: pack for pack in found}


@cache
def pack_of(country: str) -> Pack:
    """The pack of a country; the default where no comprehensive law is known."""
    own = [pack for pack in packs().values() if country in pack.countries]
    return own[0] if own else packs()[DEFAULT]


@dataclass(frozen=True)
class Side:
    """The sender or the receiver, as far as the directory knows it."""

    party: str
    type: str | None
    mandates: Collection[str] = ()


@dataclass(frozen=True)
class Ruling:
    """Whether a basis counts, and the rule that says so or the pack in which none does."""

    allowed: bool
    rule: str


def rule_on(
    basis: str, *, authority: str, purpose: str | None, sender: Side, receiver: Side
) -> Ruling:
    """What the law of the acting authority's country says, else of the sender's.

    Consent counts everywhere. A side whose type nobody knows yet is not refused for it: whoever knows
    it asks again.
    """
    if basis == "consent":
        return Ruling(allowed=True, rule="consent")
    acting = _acting(authority, sender, receiver)
    pack = pack_of(country_of((acting or sender).party))
    default = packs()[DEFAULT]
    for rule in _rules(default, pack):
        if rule.basis != basis or (rule.purposes and purpose not in rule.purposes):
            continue
        if (
            rule.receiver_mandates
            and receiver.type is not None
            and not set(rule.receiver_mandates) & set(receiver.mandates)
        ):
            continue
        if rule.by_public_body and (
            acting is None or acting.type not in {None, *default.public_body_types}
        ):
            continue
        return Ruling(allowed=True, rule=rule.id)
    return Ruling(allowed=False, rule=f"{pack.id}-allows-no-{basis.replace('_', '-')}")


def _acting(authority: str, sender: Side, receiver: Side) -> Side | None:
    """The side that acts under its own duty, when the authority that is named is on the network."""
    for side in (sender, receiver):
        if authority in {side.party, institution_of(side.party)}:
            return side
    return None


def _rules(default: Pack, pack: Pack) -> list[Allowed]:
    return default.allow if pack is default else [*default.allow, *pack.allow]


def check_basis(basis: LegalBasis, *, purpose: str | None, sender: Side, receiver: Side) -> Ruling:
    """The rule under which a basis counts.

    Raises:
        ProblemError: `basis_not_lawful`, naming the rule.
    """
    ruling = rule_on(
        basis.basis, authority=basis.authority, purpose=purpose, sender=sender, receiver=receiver
    )
    if not ruling.allowed:
        raise ProblemError("basis_not_lawful", basis=basis.basis, rule=ruling.rule)
    return ruling
