"""What a pathway file says. `docs/guides/add-a-pathway.md` has the table of it, made from here."""

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from relevo.contracts.channels import Channel
from relevo.contracts.identifiers import Country, PathwayId
from relevo.contracts.model import ContractModel, Flag, ShortText, Whole
from relevo.contracts.triage.loader import Ladder, triage_schemes
from relevo.contracts.vocabularies.codes import (
    CaseProfile,
    DataCategory,
    InstitutionType,
    LawfulBasis,
    Mandate,
    OutcomeType,
    Purpose,
    ServiceType,
)  # fmt: skip
from relevo.contracts.vocabularies.loader import code_list

from .rules import faults

Days = Annotated[Whole, Field(ge=1, le=3660)]


def _scheme(value: str) -> str:
    if value not in triage_schemes():
        raise ValueError("not a triage scheme")
    return value


TriageSchemeId = Annotated[PathwayId, AfterValidator(_scheme)]


class Starts(ContractModel):
    """Who may start it: the sender holds one of the mandates or is of one of the types."""

    mandates: list[Mandate] = Field(
        default=[], description="The sender, institution or unit, holds one of these"
    )
    types: list[InstitutionType] = Field(
        default=[], description="or the sender's institution is of one of these types"
    )
    anyone: Flag = Field(
        default=False, description="Every institution of the network may; needs `why`"
    )
    why: ShortText | None = Field(default=None, description="Why anyone may")

    def allow(self, mandates: Iterable[str], institution_type: str) -> bool:
        """Whether a sender with these mandates, of an institution of this type, may start it."""
        return (
            self.anyone
            or institution_type in self.types
            or not set(self.mandates).isdisjoint(mandates)
        )


class Stage(ContractModel):
    """One step as the source names it. It informs; referrals are free to take their own way."""

    id: PathwayId = Field(description="Its name, once in the pathway")
    title_en: ShortText
    title_es: ShortText
    services: list[ServiceType] = Field(
        default=[], description="What is given in it; among the pathway's services"
    )


class FollowUpPlan(ContractModel):
    """Whether persons who opted in may be followed up, and when it is proposed."""

    allowed: Flag = Field(description="Whether anybody may ask for it on this route")
    days: list[Days] = Field(
        default=[], description="Proposed so many days after the referral ended, rising"
    )
    by: list[Channel] = Field(
        default=[], description="Proposed this way; absent: any way she allows"
    )
    why: ShortText | None = Field(
        default=None, description="Required where a sealed route allows it"
    )


class QuietDays(ContractModel):
    """Days in which nobody is reminded, surveyed or followed up."""

    after: ShortText = Field(description="One of the pathway's outcomes, or a referral state")
    days: Days = Field(description="How many, from the day it was reached")
    why: ShortText


class Asked(ContractModel):
    """A data category that receivers of this pathway get, and what for."""

    category: DataCategory = Field(description="What; once in the pathway")
    why: ShortText = Field(description="What the receiver does with it")
    required: Flag = Field(default=False, description="Without it the receiver cannot work")
    special_because: ShortText | None = Field(
        default=None, description="Why a category of special data is required"
    )


class Pathway(ContractModel):
    """One real route (*ruta de derivación*), as data."""

    id: PathwayId = Field(
        description="Its name everywhere, also the file's: small letters, digits and hyphens"
    )
    version: ShortText = Field(description='"1", counted up when the route changes')
    title_en: ShortText
    title_es: ShortText
    title_es_mx: ShortText | None = Field(
        default=None, description="Where Mexico says it otherwise"
    )
    summary_en: ShortText | None = Field(default=None, description="One line for people")
    summary_es: ShortText | None = None
    sources: list[ShortText] = Field(min_length=1, description="Where the route is described")
    countries: list[Country] = Field(
        min_length=1, description="Where it begins, passes and ends: ISO 3166-1 alpha-2, such as GT"
    )
    profiles: list[CaseProfile] = Field(default=[], description="Whom it is meant for")
    services: list[ServiceType] = Field(min_length=1, description="What it can lead to")
    receiver_mandates: list[Mandate] = Field(
        min_length=1, description="The receiver, institution or unit, holds one of these"
    )
    purposes: list[Purpose] = Field(
        min_length=1, description="Consent covers one of these for the receiver"
    )
    lawful_bases: list[LawfulBasis] = Field(
        min_length=1, description="Grounds on which data may be passed on it"
    )
    outcomes: list[OutcomeType] = Field(
        min_length=1, description="What a counter-referral may report"
    )
    starts: Starts = Field(description="Who may start it")
    triage_scheme: TriageSchemeId | None = Field(
        default=None, description="How soon each level is answered; absent: no clock runs"
    )
    ladder: Ladder | None = Field(
        default=None, description="Who is told when a clock runs out, where the scheme differs"
    )
    review_days: Days | None = Field(
        default=None,
        description="Long-running: never expires, is reviewed every so many days; excludes `triage_scheme`",
    )
    stages: list[Stage] = Field(
        default=[], description="The steps in the order in which the source names them"
    )
    follow_up: FollowUpPlan | None = Field(
        default=None,
        description="Absent: an open route allows it on request, without calendar; a sealed one never",
    )
    quiet_days: list[QuietDays] = Field(
        default=[], description="When she and her family are left in peace"
    )
    sensitivity: Literal["open", "sealed"] = Field(
        default="open", description="A sealed route's name is never seen by gateways"
    )
    routing_class: PathwayId | None = Field(
        default=None, description="What gateways see instead; on sealed routes and no others"
    )
    anonymous: Flag = Field(default=False, description="A complaint on it may be without a name")
    asks: list[Asked] = Field(
        min_length=1, description="What receivers get; nothing else ever leaves on it"
    )

    @model_validator(mode="after")
    def _keeps_the_rules(self) -> "Pathway":
        found = faults(self.model_dump())
        if found:
            raise ValueError("; ".join(f"{fault.where}: {fault.message}" for fault in found))
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
        return self.sensitivity == "open" if self.follow_up is None else self.follow_up.allowed

    @property
    def follow_up_days(self) -> tuple[int, ...]:
        """Days after the end of the referral on which a follow-up is proposed."""
        return () if self.follow_up is None else tuple(self.follow_up.days)

    @property
    def required(self) -> tuple[str, ...]:
        """Data categories without which the receiver cannot work."""
        return tuple(asked.category for asked in self.asks if asked.required)

    def quiet_after(self, reached: str) -> int:
        """How many quiet days follow an outcome or a state; 0 where none do."""
        return max((quiet.days for quiet in self.quiet_days if quiet.after == reached), default=0)

    def special_without_reason(self) -> tuple[str, ...]:
        """Required categories of special data whose need is not explained."""
        special = {code.code for code in code_list("data_category").codes if code.special}
        return tuple(
            asked.category
            for asked in self.asks
            if asked.required and asked.category in special and asked.special_because is None
        )
