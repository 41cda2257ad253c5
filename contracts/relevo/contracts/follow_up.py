"""Following up after return: who asks, how she may be reached, what comes of it, and what may go back.

Opted into apart from assistance; refusing it never affects a service. The asker knows a reference code
and nothing else; the holder, who received the referral, knows how to reach her and under which rules.
"""

from collections.abc import Collection
from datetime import timedelta
from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints, model_validator

from .channels import Channel
from .contact_rules import ContactRule
from .envelope import LegalBasis
from .grant_slice import Epoch
from .identifiers import GatewayId, PartyId, PathwayId, ReferenceCode, Uuid
from .interpreter import Interpreter
from .lifecycles.follow_up import State
from .model import ContractModel, EventNumber, Flag, LongText, Moment, ShortText, Whole
from .referral import Need
from .vocabularies.codes import (
    AttemptOutcome,
    DataCategory,
    LivingSituation,
    Purpose,
    Reason,
    ServiceType,
    SituationAfterReturn,
    TriageLevel,
)
from .vocabularies.loader import code_list

FOLLOW_UP_QUERY_TYP: Final = "relevo-follow-up-query+jwt"
FOLLOW_UP_PURPOSE: Final = "follow_up"
FOLLOW_UP_PATHWAY: Final = "post-return-follow-up"
"""What envelopes about a follow-up show; never the route of the referral that it follows."""
LONGEST_WINDOW: Final = timedelta(days=366)

FollowUpKind = Literal["light_contact", "reintegration_survey"]
Question = Literal["situation", "living_situation", "documents", "needs"]
MAX_PERSONS: Final = 30
PersonPosition = Annotated[Whole, Field(ge=1, le=MAX_PERSONS)]
"""Place of a person in her referral, from 1."""
_OwnKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{1,64}$")]


class Window(ContractModel):
    """What is asked and when; nothing about anybody."""

    window_from: Moment
    window_until: Moment
    kind: FollowUpKind = "light_contact"
    questions: Annotated[list[Question], Field(max_length=4)] = []

    @model_validator(mode="after")
    def _lasts_some_time(self) -> "Window":
        if self.window_until <= self.window_from:
            raise ValueError("a window ends after it begins")
        if self.window_until - self.window_from > LONGEST_WINDOW:
            raise ValueError("a window lasts a year at most")
        return self


class FollowUpAsk(Window):
    """What a system asks its own node for."""

    reference_code: ReferenceCode


class FollowUpQuery(ContractModel):
    """Who carries out a follow-up on this code? Signed by the asking institution.

    A compact JWS of type `relevo-follow-up-query+jwt`, for the home gateway of the reference code.
    """

    iss: PartyId
    aud: GatewayId
    jti: Uuid
    iat: Epoch
    exp: Epoch
    reference_code: ReferenceCode
    purpose: Literal["follow_up"] = "follow_up"


class SignedFollowUpQuery(ContractModel):
    """A query on the way between gateways."""

    query: Annotated[str, Field(max_length=8192)]


class FollowUpHolder(ContractModel):
    """Whom to send the request to: the party that received the referral."""

    reference_code: ReferenceCode
    holder: PartyId


# -- the holder's work --------------------------------------------------------------------------------


class FollowUpStep(ContractModel):
    """A step that an institution takes on a follow-up; a report ends it as completed or partial.

    Attributes:
        redirect_to: The unit of the same institution that goes on with it.
        note: For this node's own history. Never travels.
    """

    to: Literal[
        "accepted", "scheduled", "in_progress", "unreachable", "refused", "unsafe", "declined",
        "redirected",
    ]  # fmt: skip
    reason: Reason | None = None
    redirect_to: PartyId | None = None
    scheduled_at: Moment | None = None
    note: LongText | None = None

    @model_validator(mode="after")
    def _goes_together(self) -> "FollowUpStep":
        if (self.to == "redirected") != (self.redirect_to is not None):
            raise ValueError("redirected, and nothing else, names redirect_to")
        if (self.to == "scheduled") != (self.scheduled_at is not None):
            raise ValueError("scheduled, and nothing else, names scheduled_at")
        return self


class AttemptOpening(ContractModel):
    """Somebody is about to try to reach her.

    Attributes:
        person: Which person of the referral; may be absent when the follow-up is about one.
        number: The number that is meant, when several may be called.
        desk: Desk or shift, not a person's name.
        interpreter: Who interprets, when somebody does.
    """

    modality: Channel
    person: PersonPosition | None = None
    number: ShortText | None = None
    desk: ShortText | None = None
    interpreter: Interpreter | None = None


class AttemptEnding(ContractModel):
    """What came of it.

    Attributes:
        pass_phrase: As she said it; needed for `answered` when she agreed on one.
    """

    outcome: AttemptOutcome
    pass_phrase: ShortText | None = None
    note: LongText | None = Field(default=None, description="Never travels.")

    @model_validator(mode="after")
    def _was_attempted(self) -> "AttemptEnding":
        if self.outcome == "not_attempted_rule":
            raise ValueError("the node itself records what a rule forbade")
        return self


class Attempt(ContractModel):
    """One attempt, as the institution that makes it sees it.

    Attributes:
        forbidden_by: The contact rule that forbids it; then no number is shown.
        numbers: What may be called while it is open and her rules allow it.
        introduce_as: What to say before she has said the pass phrase.
        ask_pass_phrase: Nothing is said before she has given it.
        next_at: When her hours allow an attempt again.
    """

    seq: Whole
    modality: Channel
    person: PersonPosition
    opened_at: Moment
    outcome: AttemptOutcome | None = None
    ended_at: Moment | None = None
    desk: ShortText | None = None
    interpreter: Interpreter | None = None
    forbidden_by: ContactRule | None = None
    numbers: list[ShortText] = []
    introduce_as: ShortText | None = None
    ask_pass_phrase: Flag = False
    next_at: Moment | None = None


class FollowUpReport(ContractModel):
    """What the holder learned, for its own record. What leaves of it is `result_of` and nothing else.

    Attributes:
        remigration_intention: Stays in this node, whatever anybody consented to.
        wants: What she would like; an offer, never a plan about her.
    """

    ended: Literal["completed", "partial"]
    situation: SituationAfterReturn
    living_situation: LivingSituation | None = None
    document_received: Flag | None = None
    needs: Annotated[list[ServiceType], Field(max_length=20)] = []
    wants: Annotated[list[ServiceType], Field(max_length=20)] = []
    remigration_intention: Literal["no", "yes", "unsure", "not_asked"] = "not_asked"
    note: LongText | None = None


class SafetyAlert(ContractModel):
    """She is not safe: to whom she is referred now. The node fills in what it holds of her itself.

    Attributes:
        share: Data categories that shall leave of what is held of her, as in a submission.
        concern: What the danger is, for the category `protection_concern`.
        basis: A basis other than consent, with its law: `vital_interest` where she cannot be asked.
        consent_ids: Or what she allows now, recorded at this node under `person_ids`.
        person_ids: This institution's own keys of the persons, in the order of the follow-up's
            `persons`. Never travel.
    """

    receiver: PartyId
    pathway: PathwayId
    triage: TriageLevel = "red"
    purpose: Purpose = "service_delivery"
    needs: Annotated[list[Need], Field(min_length=1, max_length=20)]
    share: Annotated[list[DataCategory], Field(min_length=1, max_length=40)]
    concern: LongText | None = None
    basis: LegalBasis | None = None
    consent_ids: Annotated[list[Uuid], Field(max_length=30)] = []
    person_ids: Annotated[list[_OwnKey], Field(max_length=MAX_PERSONS)] = []


class FollowUpResult(ContractModel):
    """What the asker learns: how it ended, how she is, and how many needs stand.

    Attributes:
        open_needs: How many things she still needs or wants, whatever they are.
        needs: Those of them whose own data category the consent opened to the asker.
    """

    ended: Literal["completed", "partial"]
    situation: SituationAfterReturn
    living_situation: LivingSituation | None = None
    document_received: Flag | None = None
    open_needs: Annotated[Whole, Field(ge=0, le=40)] = 0
    needs: Annotated[list[ServiceType], Field(max_length=40)] = []
    reported_at: Moment


_CATEGORY_OF_GROUP: Final = {
    "identity": "identity_document",
    "migration": "migration_status",
    "family": "family",
    "missing": "family",
    "child": "child_data",
    "death": "family",
    "health": "health",
    "psychosocial": "mental_health",
    "gbv_and_trafficking": "gbv_trafficking",
    "shelter": "location_precise",
    "legal": "legal_case",
    "livelihood": "education_work",
    "education": "education_work",
    "benefits": "financial",
    "language": "ethnicity_language",
}
"""What the name of a service tells about whoever needs it. Groups that are absent tell too many things."""


def result_of(
    report: FollowUpReport, *, categories: Collection[str], reported_at: Moment
) -> FollowUpResult:
    """The part of a report that consent covers. Whether she thinks of leaving again is never in it.

    Args:
        report: All that the holder learned.
        categories: Data categories of the grants under which the result leaves.
        reported_at: When it was reported.
    """
    open_needs = list(dict.fromkeys([*report.needs, *report.wants]))
    return FollowUpResult(
        ended=report.ended,
        situation=report.situation,
        living_situation=report.living_situation if "family" in categories else None,
        document_received=report.document_received if "identity_document" in categories else None,
        open_needs=len(open_needs),
        needs=[need for need in open_needs if _category_of(need) in categories],
        reported_at=reported_at,
    )


def opens_offer(report: FollowUpReport) -> bool:
    """Whether somebody here should offer her something: what she wants, or advice before she leaves again.

    All that an intention to leave ever leads to, and it leads to nothing outside this node.
    """
    return bool(report.wants) or report.remigration_intention in {"yes", "unsure"}


def _category_of(service: str) -> str | None:
    return _CATEGORY_OF_GROUP.get(code_list("service_type").get(service).group or "")


# -- as each side sees it -------------------------------------------------------------------------------


class FollowUpEvent(ContractModel):
    """One event of a follow-up."""

    seq: EventNumber
    state: State
    at: Moment
    reason: Reason | None = None


class FollowUp(ContractModel):
    """A follow-up as one of its two institutions sees it.

    Attributes:
        role: Which side this node is.
        referral_id: The referral that it follows (holder's side).
        persons: Persons of that referral who agreed to be followed up (holder's side).
        cancel_asked: The asker wishes to cancel; the holder's answer is on its way (asker's side).
        report: Everything that was learned (holder's side).
        result: What consent lets the asker know.
        refused_with: The problem with which the request came back (asker's side).
        alert: Of a follow-up that ended as unsafe: whether she still has to be referred, by a person who
            says to whom and on which basis, or was (holder's side).
        alert_referral_id: That referral (holder's side).
    """

    id: Uuid
    role: Literal["asker", "holder"]
    reference_code: ReferenceCode
    asker: PartyId
    holder: PartyId
    carried_out_by: PartyId | None = None
    referral_id: Uuid | None = None
    state: State
    event_seq: EventNumber
    window_from: Moment
    window_until: Moment
    kind: FollowUpKind
    questions: list[Question] = []
    persons: list[PersonPosition] = []
    scheduled_at: Moment | None = None
    attempts: list[Attempt] = []
    report: FollowUpReport | None = None
    result: FollowUpResult | None = None
    cancel_asked: Flag = False
    refused_with: str | None = None
    alert: Literal["needs_person", "referred"] | None = None
    alert_referral_id: Uuid | None = None
    history: list[FollowUpEvent] = []
    possible_next: list[State] = []
    created_at: Moment
    updated_at: Moment
