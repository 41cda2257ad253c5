"""The schema of a pathway file, and reading the files once."""

import tomllib
from functools import cache
from importlib import resources
from typing import Annotated, Literal

from pydantic import Field, model_validator

from relevo.contracts.identifiers import Country, PathwayId
from relevo.contracts.model import ContractModel, Flag, ShortText
from relevo.contracts.problem import ProblemError
from relevo.contracts.triage.loader import Ladder, triage_schemes
from relevo.contracts.vocabularies.codes import (
    CaseProfile,
    DataCategory,
    LawfulBasis,
    Mandate,
    OutcomeType,
    Purpose,
    ServiceType,
)  # fmt: skip
from relevo.contracts.vocabularies.loader import code_list


class Asked(ContractModel):
    """A data category that receivers of this pathway get, and what for."""

    category: DataCategory
    why: ShortText
    required: bool = False


class Pathway(ContractModel):
    """One real route, as data.

    Attributes:
        receiver_mandates: The receiver holds at least one of these.
        asks: Data categories that receivers get; anything else never leaves on this pathway.
        triage_scheme: How soon each triage level is answered; without one, no clock runs.
        ladder: Who is told when a clock runs out, where it differs from the scheme's.
        routing_class: What gateways see instead of the id when `sensitivity` is sealed.
        follow_up: Whether persons may be followed up on it; absent, a sealed route allows none.
        exempt_from_consent: Message classes are never exempt; these bases other than consent are allowed.
    """

    id: PathwayId
    version: str
    title_en: ShortText
    title_es: ShortText
    sources: Annotated[list[ShortText], Field(min_length=1)]
    countries: list[Country]
    profiles: list[CaseProfile] = []
    services: list[ServiceType]
    receiver_mandates: Annotated[list[Mandate], Field(min_length=1)]
    asks: Annotated[list[Asked], Field(min_length=1)]
    purposes: Annotated[list[Purpose], Field(min_length=1)]
    lawful_bases: Annotated[list[LawfulBasis], Field(min_length=1)]
    triage_scheme: PathwayId | None = None
    ladder: Ladder | None = None
    outcomes: list[OutcomeType] = []
    sensitivity: Literal["open", "sealed"] = "open"
    routing_class: PathwayId | None = None
    follow_up: Flag | None = None

    @model_validator(mode="after")
    def _sealed_has_a_class(self) -> "Pathway":
        if (self.sensitivity == "sealed") != (self.routing_class is not None):
            raise ValueError("a sealed pathway, and no other, has a routing_class")
        return self

    @model_validator(mode="after")
    def _scheme_is_known(self) -> "Pathway":
        if self.triage_scheme is not None and self.triage_scheme not in triage_schemes():
            raise ValueError("there is no such triage scheme")
        return self

    @property
    def public_name(self) -> str:
        """What the envelope shows to gateways."""
        return self.routing_class or self.id

    @property
    def wanted(self) -> frozenset[str]:
        """Data categories that receivers of this pathway get."""
        return frozenset(asked.category for asked in self.asks)

    @property
    def allows_follow_up(self) -> bool:
        """Whether a third party may ask for follow-up of persons who opted in."""
        return self.sensitivity == "open" if self.follow_up is None else self.follow_up

    @property
    def required(self) -> tuple[str, ...]:
        """Data categories without which the receiver cannot work."""
        return tuple(asked.category for asked in self.asks if asked.required)

    def special_categories_required(self) -> tuple[str, ...]:
        """Required categories of special data: each needs its reason read by a person."""
        special = {code.code for code in code_list("data_category").codes if code.special}
        return tuple(category for category in self.required if category in special)


@cache
def pathways() -> dict[str, Pathway]:
    """Every pathway by id."""
    folder = resources.files(__package__) / "data"
    found = [
        Pathway(**tomllib.loads(entry.read_text("utf-8")))
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".toml")
    ]
    return {pathway.id: pathway for pathway in found}


def pathway(pathway_id: str) -> Pathway:
    """One pathway.

    Raises:
        ProblemError: `pathway_unknown`.
    """
    found = pathways().get(pathway_id)
    if found is None:
        raise ProblemError("pathway_unknown", pathway=pathway_id)
    return found


def public_name(pathway_id: str) -> str:
    """What gateways see of a route, by its id or by the class that hides it."""
    found = pathways().get(pathway_id)
    return pathway_id if found is None else found.public_name
