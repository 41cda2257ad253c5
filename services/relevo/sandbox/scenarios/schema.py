"""What a scenario file and a cast file may say. `docs/guides/play-a-pathway.md` is the guide to it."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from relevo.contracts.identifiers import (
    Country,
    GatewayId,
    InstitutionId,
    PartyId,
    PathwayId,
    country_of,
)
from relevo.contracts.institution import Unit
from relevo.contracts.model import ContractModel, Flag, LongText, ShortText
from relevo.contracts.vocabularies.codes import InstitutionType, Mandate, OutcomeType

from .moments import HOME

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,30}$")]
"""What something is called inside a scenario: a person, a consent, what a step made."""


class Member(ContractModel):
    """An institution with a node of its own."""

    id: InstitutionId
    name: ShortText
    type: InstitutionType
    mandates: list[Mandate] = []
    units: list[Unit] = []
    delivery: Literal["push", "mailbox"] = "push"
    weak_link: Flag = Field(default=False, description="Its line can be cut: link_down, link_up.")
    gateway: GatewayId | None = Field(
        default=None, description="Its home gateway; that of its country unless said."
    )
    child_protection_authority: PartyId | None = Field(
        default=None, description="Whom its node tells of unaccompanied and separated children."
    )
    child_protection_alternate: PartyId | None = Field(
        default=None, description="Whom it tells where that authority is implicated or silent."
    )


class Guest(ContractModel):
    """Who has no node, and may only bring people to institutions that have one."""

    id: InstitutionId
    name: ShortText
    brings_to: Annotated[list[InstitutionId], Field(min_length=1)]


class CastFile(ContractModel):
    """The institutions of one country."""

    country: Country
    institutions: list[Member] = []
    guests: list[Guest] = []

    @model_validator(mode="after")
    def _at_home(self) -> "CastFile":
        for one in [*(one.id for one in self.institutions), *(one.id for one in self.guests)]:
            if country_of(one) != self.country:
                raise ValueError(f"{one} is of another country")
        return self


class Step(ContractModel):
    """One thing that somebody does."""

    model_config = ConfigDict(populate_by_name=False)

    do: str
    at: str | None = None
    zone: str | None = None
    by: PartyId | None = None
    of: Name | None = None
    saved_as: Name | None = Field(default=None, alias="as")
    body: dict[str, Any] = Field(default={}, alias="with")
    expect: dict[str, Any] = {}
    among: dict[str, list[Any]] = {}
    not_among: dict[str, list[Any]] = {}
    absent: list[str] = []
    refused: str | None = None
    status: int | None = None
    wait: Flag = True
    says: LongText | None = None


class Outcome(ContractModel):
    """What the story comes to: the end that its source names."""

    of: Name
    state: str = "completed"
    code: OutcomeType | None = None
    sender_told: Flag = Field(
        default=True,
        description="false: no consent lets the code go back, so the sender has the state alone",
    )


class _Check(ContractModel):
    says: LongText | None = None


class WordsOnlyAt(_Check):
    that: Literal["words_only_at"]
    words: Annotated[list[str], Field(min_length=1)]
    at: list[PartyId] = []


class WordsNotAt(_Check):
    that: Literal["words_not_at"]
    words: Annotated[list[str], Field(min_length=1)]
    at: Annotated[list[str], Field(min_length=1)]


class Sees(_Check):
    that: Literal["sees"]
    by: PartyId
    of: Name
    fields: dict[str, Any]


class SeesNothing(_Check):
    that: Literal["sees_nothing"]
    by: Annotated[list[PartyId], Field(min_length=1)]
    of: Name


class Lacks(_Check):
    that: Literal["lacks"]
    by: PartyId
    of: Name
    fields: Annotated[list[str], Field(min_length=1)]


class NotRoutedBy(_Check):
    that: Literal["not_routed_by"]
    of: Name
    at: Annotated[list[str], Field(min_length=1)]


class EventsOf(_Check):
    that: Literal["events", "no_events"]
    by: PartyId
    of: Name | None = None
    types: Annotated[list[str], Field(min_length=1)]


class History(_Check):
    that: Literal["history"]
    of: Name
    states: Annotated[list[str], Field(min_length=1)]


class Figures(_Check):
    that: Literal["figures"]
    mesa: InstitutionId | None = None
    lack: list[str] = []


Check = Annotated[
    WordsOnlyAt
    | WordsNotAt
    | NotRoutedBy
    | Sees
    | SeesNothing
    | Lacks
    | EventsOf
    | History
    | Figures,
    Field(discriminator="that"),
]


class ScenarioFile(ContractModel):
    """One route or story, from start to the outcome that its source names."""

    id: PathwayId
    pathways: Annotated[list[PathwayId], Field(min_length=1)]
    story: Annotated[str, StringConstraints(pattern=r"^V\d{2}[a-z]?$")] | None = None
    title_en: ShortText
    title_es: ShortText
    source: ShortText
    zone: str = HOME
    also_present: list[InstitutionId] = Field(
        default=[], description="Institutions whose nodes run though no step names them."
    )
    institutions: list[Member] = []
    guests: list[Guest] = []
    persons: dict[Name, dict[str, Any]] = {}
    consents: dict[Name, dict[str, Any]] = {}
    steps: Annotated[list[Step], Field(min_length=1)]
    outcomes: Annotated[list[Outcome], Field(min_length=1)]
    checks: list[Check] = []
