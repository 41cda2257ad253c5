"""What a person allowed, as ISO/IEC TS 27560 records it, and kept at the node that asked her.

The record stays home. What travels is a `GrantSlice` per receiver, and inside the sealed content
only what the receiver must respect (contact rules, denials of onward sharing).
"""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from .identifiers import Country, PartyId, Uuid
from .lifecycles.consent import State
from .model import ContractModel, Flag, LongText, Moment, ShortText
from .vocabularies.codes import DataCategory, Purpose

LanguageTag = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Z]{2})?$")]
LocalTime = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class Interpreter(ContractModel):
    """An adult, never a relative; from the person's village only if she chose so."""

    language: LanguageTag
    modality: Literal["in_person", "telephone", "video", "recorded_audio"]
    is_adult: Literal[True]
    is_relative: Literal[False] = False
    from_same_village: Flag = False
    person_agreed: Literal[True]


class Notice(ContractModel):
    """The notice that was read before the person answered."""

    id: ShortText
    version: ShortText
    language: LanguageTag
    channel: Literal["read_aloud", "paper", "screen", "audio", "video"]
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None = None
    interpreter: Interpreter | None = None
    copy_given: Flag = False


class Recipient(ContractModel):
    """Whom the person named; purposes and categories narrower than the consent's when given."""

    party: PartyId
    purposes: Annotated[list[Purpose], Field(min_length=1, max_length=20)] | None = None
    categories: Annotated[list[DataCategory], Field(max_length=40)] | None = None
    only: list[Literal["status", "follow_up"]] = Field(
        default=[], max_length=2, description="Not empty: receives no file, may only ask for this."
    )
    origin_warning_given_at: Moment | None = Field(
        default=None,
        description="When the person was warned that this is a party of her country of nationality.",
    )


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
    """Who said yes. A child's own assent is recorded beside the guardian's consent."""

    capacity: Literal["self", "guardian", "authority"]
    relation: ShortText | None = None
    evidence: Literal["seen", "declared", "none"] | None = None
    authority: PartyId | None = None
    assent: Literal["not_applicable", "under_6", "6_to_13", "14_to_17"] = "not_applicable"
    opinion: LongText | None = None

    @model_validator(mode="after")
    def _says_why(self) -> "GivenBy":
        if self.capacity == "guardian" and self.relation is None:
            raise ValueError("a guardian names the relation")
        if self.capacity == "authority" and self.authority is None:
            raise ValueError("an authority is named")
        return self


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


class Withdrawal(ContractModel):
    """The person no longer wants her data shared. Nobody asks her why."""

    said_at: Moment
    recorded_by: ShortText | None = Field(
        default=None, description="Desk or shift, not a person's name."
    )
