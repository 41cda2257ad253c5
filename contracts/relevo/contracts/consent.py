"""What a person allowed, as ISO/IEC TS 27560 records it, and kept at the node that asked her.

The record stays home. What travels is a `GrantSlice` per receiver, and inside the sealed content
only what the receiver must respect (contact rules, denials of onward sharing).
"""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from .identifiers import Country, PartyId, Uuid
from .implicated import Implicated
from .interpreter import Interpreter, LanguageTag, RefusedInterpreter
from .lifecycles.consent import State
from .model import ContractModel, Flag, LongText, Moment, ShortText
from .vocabularies.codes import DataCategory, InstitutionType, Mandate, Purpose

LocalTime = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class BeforeStatements(ContractModel):
    """What she was told before she said anything about herself (domain rule 14).

    Attributes:
        must_report: What the officer before her must report; empty when there is nothing.
        also_enforces: Units of this institution that detain or return people.
    """

    told_at: Moment
    must_report: Annotated[list[ShortText], Field(max_length=20)] = []
    also_enforces: Annotated[list[PartyId], Field(max_length=20)] = []


class Notice(ContractModel):
    """The notice that was read before the person answered."""

    id: ShortText
    version: ShortText
    language: LanguageTag
    channel: Literal["read_aloud", "paper", "screen", "audio", "video"]
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None = None
    interpreter: Interpreter | None = None
    interpreters_refused: Annotated[list[RefusedInterpreter], Field(max_length=5)] = []
    copy_given: Flag = False
    before_statements: BeforeStatements | None = None


class AnyOf(ContractModel):
    """Recipients that she named by what they are: any shelter of Mexico.

    Resolved to one institution when sending; never to a consulate, nor to a party that an exclusion
    covers: those are named one by one or not at all.
    """

    country: Country
    type: InstitutionType | None = None
    mandate: Mandate | None = None

    @model_validator(mode="after")
    def _says_what(self) -> "AnyOf":
        if self.type is None and self.mandate is None:
            raise ValueError("name a type or a mandate: a whole country is no recipient")
        return self


class Recipient(ContractModel):
    """Whom the person named; purposes and categories narrower than the consent's when given."""

    party: PartyId | None = None
    any_of: AnyOf | None = None
    purposes: Annotated[list[Purpose], Field(min_length=1, max_length=20)] | None = None
    categories: Annotated[list[DataCategory], Field(max_length=40)] | None = None
    only: list[Literal["status", "follow_up"]] = Field(
        default=[], max_length=2, description="Not empty: receives no file, may only ask for this."
    )
    origin_warning_given_at: Moment | None = Field(
        default=None,
        description="When the person was warned that this is a party of her country of nationality.",
    )
    requested_by_person: Flag = Field(
        default=False,
        description="She asked for this herself. A consulate is told nothing otherwise.",
    )

    @model_validator(mode="after")
    def _names_one(self) -> "Recipient":
        if (self.party is None) == (self.any_of is None):
            raise ValueError("a recipient is a party or a kind of party")
        if self.any_of is not None and (
            self.only or self.origin_warning_given_at or self.requested_by_person
        ):
            raise ValueError("only a party that is named may be warned of, requested or limited")
        return self


class Denial(ContractModel):
    """Whom she does not want to know: a party, an institution with all units, or a whole country."""

    party: PartyId | None = None
    country: Country | None = None
    described: ShortText | None = Field(
        default=None, description="In her words, when nobody on the network is meant."
    )
    reason: ShortText | None = None

    @model_validator(mode="after")
    def _names_somebody(self) -> "Denial":
        if (self.party, self.country, self.described) == (None, None, None):
            raise ValueError("a denial names a party, a country or somebody in her words")
        return self


class GivenBy(ContractModel):
    """Who said yes. A child's own assent is recorded beside the guardian's consent.

    Attributes:
        decides: What a relative of somebody who died may decide; others decide the rest.
    """

    capacity: Literal["self", "guardian", "authority", "relative"]
    decides: Annotated[
        list[Literal["contact", "documents", "cost", "burial_place", "body"]],
        Field(max_length=5),
    ] = []
    relation: ShortText | None = None
    name: ShortText | None = Field(default=None, description="Of the guardian. Never travels.")
    evidence: Literal["seen", "declared", "none"] | None = None
    authority: PartyId | None = None
    assent: Literal["not_applicable", "under_6", "6_to_13", "14_to_17"] = "not_applicable"
    opinion: LongText | None = None
    opinion_interpreter: Interpreter | None = None
    comes_of_age_on: date | None = Field(
        default=None,
        description="The person's eighteenth birthday, if it is known. What somebody else gave ends then.",
    )

    @model_validator(mode="after")
    def _says_why(self) -> "GivenBy":
        if self.capacity == "guardian" and self.relation is None:
            raise ValueError("a guardian names the relation")
        if self.capacity == "authority" and self.authority is None:
            raise ValueError("an authority is named")
        if (self.capacity == "relative") != bool(self.decides):
            raise ValueError("a relative of the dead, and nobody else, names what she decides")
        if self.capacity == "relative" and self.relation is None:
            raise ValueError("a relative names the relation")
        return self


class Asked(ContractModel):
    """Where and after what she was asked: after food, a call and rest, never in the queue."""

    place: Literal["private_room", "shared_room", "outdoors", "by_telephone", "in_queue"]
    after: Annotated[
        list[Literal["food", "call", "rest", "medical_care"]], Field(max_length=4)
    ] = []


class ContactRules(ContractModel):
    """How she may be reached without being put at risk. They outrank every calendar."""

    prohibited: Flag = False
    only_numbers: Annotated[list[ShortText], Field(max_length=10)] = []
    channels_refused: Annotated[
        list[Literal["call", "sms", "whatsapp", "signal", "email", "visit", "post"]],
        Field(max_length=7),
    ] = []
    from_time: LocalTime | None = None
    until_time: LocalTime | None = None
    time_zone: (
        Annotated[
            str, StringConstraints(pattern=r"^[A-Za-z_]+(/[A-Za-z_+-]+){0,2}$", max_length=60)
        ]
        | None
    ) = Field(default=None, description="IANA zone of the called number.")
    introduce_as: ShortText | None = None
    pass_phrase: ShortText | None = None


class ConsentInput(ContractModel):
    """A consent as an institution's system records it.

    Attributes:
        person_id: The recording institution's own key for the person. Never leaves the node.
        valid_until: End of validity; at most two years after it was given.
    """

    person_id: Annotated[
        str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._:-]+$")
    ]
    notice: Notice
    purposes: Annotated[list[Purpose], Field(min_length=1, max_length=20)]
    categories: Annotated[list[DataCategory], Field(min_length=1, max_length=40)]
    recipients: Annotated[list[Recipient], Field(min_length=1, max_length=30)]
    denials: Annotated[list[Denial], Field(max_length=30)] = []
    given_by: GivenBy
    method: Literal["signature", "thumbprint", "witnessed_voice"]
    given_at: Moment
    valid_from: Moment
    valid_until: Moment
    contact_rules: ContactRules = ContactRules()
    supersedes: Uuid | None = Field(
        default=None, description="The consent before, such as a guardian's; it ends with this one."
    )
    asked: Asked | None = None
    implicated: Annotated[list[Implicated], Field(max_length=10)] = Field(
        default=[], description="Who may have harmed her. Never travels with the consent."
    )

    @model_validator(mode="after")
    def _lasts_some_time(self) -> "ConsentInput":
        if self.valid_until <= self.valid_from:
            raise ValueError("a consent ends after it begins")
        if (self.valid_until - self.given_at).days > 731:
            raise ValueError("a consent lasts two years at most; ask again")
        return self


class Consent(ConsentInput):
    """A recorded consent and where it stands."""

    id: Uuid
    state: State
    recorded_at: Moment
    withdrawn_at: Moment | None = None
    notice_standing: Literal["current", "in_grace", "unregistered"] = Field(
        default="unregistered",
        description="in_grace: a newer version of the notice was out, for less than 30 days.",
    )


class Withdrawal(ContractModel):
    """The person no longer wants her data shared. Nobody asks her why."""

    said_at: Moment
    recorded_by: ShortText | None = Field(
        default=None, description="Desk or shift, not a person's name."
    )
