"""A referral as an institution's own system submits it, reads it and answers it."""

from typing import Annotated, Final, Literal

from pydantic import Field, model_validator

from .attachment import Attachment, AttachmentInputs
from .cancellation import Cancellation
from .childhood import AboutChildren
from .consent import ContactRules
from .envelope import LegalBasis
from .identifiers import PartyId, PathwayId, ReferenceCode, Uuid
from .information import Question, SuppliedInformation
from .lifecycles.referral import State
from .model import ContractModel, Flag, LongText, Moment, ShortText, Whole
from .person import FieldNote, Person
from .problem import Problem, ProblemError
from .redirection import Redirection
from .triage.loader import AnyClock, Rung
from .vocabularies.codes import DataCategory, OutcomeType, Purpose, Reason, ServiceType, TriageLevel

DeliveryState = Literal[
    "waiting", "accepted", "delivered", "refused", "expired", "dead", "recalled"
]


class Need(ContractModel):
    """One thing that is needed, as a service code. Words about it belong to a section of a person."""

    service: ServiceType


class ReferralSubmission(ContractModel):
    """What a system sends to its own node to refer somebody.

    Attributes:
        share: Data categories that shall leave. What the record holds beyond them stays at the node;
            what consent does not cover among them is refused, never silently dropped.
        consent_ids: Consents recorded at this node; one per adult of a family.
        basis: A basis other than consent, with its law.
        anonymous: A complaint without a name, on a pathway that offers it. The code on paper is all she has.
        local_reference: The submitting system's own number. Never travels.
        part_of: A referral that this one continues (a remaining need).
        triaged_at: When the triage was done, if this was written down later. The clocks run from it.
        children: Where the children among them are, and what was done for them before.
        attachments: Uploaded files that go along, each where its category is shared.
    """

    receiver: PartyId
    pathway: PathwayId
    triage: TriageLevel
    purpose: Purpose = "service_delivery"
    needs: Annotated[list[Need], Field(min_length=1, max_length=20)]
    persons: Annotated[list[Person], Field(min_length=1, max_length=30)]
    share: Annotated[list[DataCategory], Field(max_length=40)]
    consent_ids: Annotated[list[Uuid], Field(max_length=30)] = []
    basis: LegalBasis | None = None
    anonymous: Flag = False
    local_reference: ShortText | None = None
    part_of: Uuid | None = None
    expires_in_days: Annotated[Whole, Field(ge=1, le=90)] = 30
    triaged_at: Moment | None = None
    attachments: AttachmentInputs = []
    children: AboutChildren | None = None

    @model_validator(mode="after")
    def _one_record_each(self) -> "ReferralSubmission":
        ids = [person.person_id for person in self.persons]
        if len(set(ids)) != len(ids):
            raise ValueError("each person stands once")
        return self


class Appointment(ContractModel):
    """When and, in the institution's own words, where she is expected. Sealed on the way."""

    at: Moment
    place: ShortText | None = None


class ServiceDelivered(ContractModel):
    service: ServiceType
    delivered_at: Moment | None = None


class RemainingNeed(ContractModel):
    """A need that stands after the outcome; it opens a new referral linked to this one."""

    service: ServiceType
    already_referred: Flag = False


class CounterReferral(ContractModel):
    """What was done, when, and what is still needed: the answer that closes the loop.

    Codes only: the way back is minimised like the way out.
    """

    outcome: OutcomeType
    services: Annotated[list[ServiceDelivered], Field(max_length=30)] = []
    remaining_needs: Annotated[list[RemainingNeed], Field(max_length=20)] = []
    ended_at: Moment


class Transition(ContractModel):
    """A step that an institution takes on a referral.

    Attributes:
        to: The state to go to; `docs/lifecycles.md` lists who may say which.
        reason: Required for rejected, failed, redirected, cancelled and on_hold.
        counter_referral: Required for completed, possible for failed.
        seen_by: Desk or shift that acknowledged; printed on the acknowledgement.
        questions: Required for info_requested.
        redirect_to: Whom the sender should ask instead, for redirected. Nothing is sent there from here:
            the sender holds the consent, so its node makes the new referral, or a person there does.
        done_at: When it was done, if it is entered afterwards: by radio, by telephone, on paper.
            Clocks run on it. Not in the future, and not before the last step that somebody took.
        attachments: Uploaded files that go back with a counter_referral, as far as consent covers that.
    """

    to: State
    reason: Reason | None = None
    note: LongText | None = Field(
        default=None, description="For this node's own history. Never travels."
    )
    appointment: Appointment | None = None
    counter_referral: CounterReferral | None = None
    seen_by: ShortText | None = None
    questions: Annotated[list[Question], Field(max_length=20)] = []
    redirect_to: PartyId | None = None
    done_at: Moment | None = None
    attachments: AttachmentInputs = []

    @model_validator(mode="after")
    def _goes_together(self) -> "Transition":
        if self.to == "completed" and self.counter_referral is None:
            raise ValueError("completed needs a counter_referral")
        if self.counter_referral is not None and self.to not in {"completed", "failed"}:
            raise ValueError("a counter_referral goes with completed or failed")
        if self.appointment is not None and self.to != "scheduled":
            raise ValueError("an appointment goes with scheduled")
        if self.to == "scheduled" and self.appointment is None:
            raise ValueError("scheduled needs an appointment")
        if (self.to == "info_requested") != bool(self.questions):
            raise ValueError("questions go with info_requested, which needs one")
        if self.redirect_to is not None and self.to != "redirected":
            raise ValueError("redirect_to goes with redirected")
        if self.attachments and self.counter_referral is None:
            raise ValueError("attachments go with a counter_referral")
        return self


class HistoryEntry(ContractModel):
    """One event of a referral, as both sides hold it."""

    seq: Whole
    state: State
    actor: Literal["sender", "receiver"]
    at: Moment = Field(description="When its author did it, by the author's clock.")
    entered_at: Moment | None = Field(
        default=None, description="When its author wrote it down, if that was later."
    )
    stored_at: Moment = Field(description="When this node stored it.")
    reason: Reason | None = None
    appointment: Appointment | None = None
    seen_by: ShortText | None = None
    questions: list[Question] = []
    redirect_to: PartyId | None = None
    applicable: Flag = True


Mark = Literal[
    "child_authority_not_told",
    "best_interests_missing",
    "adult_without_grant",
    "privileged_dropped",
]
"""What the receiver's node found against the rules that protect people. It stops no help: people look."""


class ChildNotice(ContractModel):
    """Whom the sender's node told of the children of a referral, or why a person has to.

    Attributes:
        referral_id: The notice: a referral of its own, on its own way.
        problem: Why no notice could be made; then a person tells the authority.
    """

    authority: PartyId | None = None
    referral_id: Uuid | None = None
    problem: str | None = None
    made_at: Moment


class Due(ContractModel):
    """The next deadline: of which clock, and when."""

    clock: AnyClock
    at: Moment


class Undelivered(ContractModel):
    """A later message about a referral that did not reach the other side.

    Attributes:
        message_type: What it said, such as `information.supplied/1`.
        state: How it ended.
        problem: The problem type that it was refused with.
        written_at: When it was written.
    """

    message_type: ShortText
    state: Literal["refused", "expired", "dead"]
    problem: ShortText | None = None
    written_at: Moment


_REFUSAL: Final = ProblemError(
    "receiver_lacks_mandate",
    receiver="gt.igm.control",
    mandates=["returnee_reception"],
    offered=["gt.igm.crr"],
).problem()


class Referral(ContractModel):
    """A referral as one of its two institutions sees it.

    Attributes:
        role: Which side this node is.
        persons: What this side holds: the sender its own records, the receiver what reached it.
        delivery: What became of the message that carried it (sender's side).
        sharing: `withdrawn` once the person withdrew; what was begun goes on, the return flow stops.
        withheld: Sections that the record has and the receiver did not get (sender's side).
        information: What was supplied after the receiver asked.
        cancellation: The last wish to cancel (sender's side).
        redirection: Where it went on, once redirected.
        part_of: The referral that this one continues.
        continued_by: Referrals held here that continue this one.
    """

    id: Uuid
    reference_code: ReferenceCode
    role: Literal["sender", "receiver"]
    sender: PartyId
    receiver: PartyId
    pathway: PathwayId
    triage: TriageLevel
    purpose: Purpose
    state: State
    event_seq: Whole
    needs: list[Need]
    persons: list[dict[str, object]]
    contact_rules: list[ContactRules] = []
    counter_referral: CounterReferral | None = None
    sharing: Literal["active", "withdrawn"] = "active"
    delivery: DeliveryState | None = None
    delivery_problem: str | None = None
    refusal: Problem | None = Field(
        default=None,
        description="The refusal that `delivery_problem` names, as a problem to act on (sender's side). "
        "`offered`, where a gateway named any, are others who hold the mandate, without who is implicated "
        "or must not learn of it. Not in lists, and absent while too little is known of it.",
        examples=[_REFUSAL.model_dump(mode="json")],
    )
    undelivered: list[Undelivered] = Field(
        default=[],
        description="Later messages of this side that the other never got: it does not know what they said. "
        "Not in lists. `referral.delivery_changed` is told of each.",
    )
    withheld: list[str] = []
    local_reference: str | None = None
    information: list[SuppliedInformation] = []
    attachments: list[Attachment] = []
    cancellation: Cancellation | None = None
    redirection: Redirection | None = None
    part_of: Uuid | None = None
    continued_by: list[Uuid] = []
    child_notices: list[ChildNotice] = Field(
        default=[], description="Of the unaccompanied and separated children in it (sender's side)."
    )
    marks: list[Mark] = Field(
        default=[], description="What this node found against the rules when it arrived."
    )
    notes: list[FieldNote] = Field(
        default=[],
        description="What in the persons looks like something that nobody knew: ask again.",
    )
    possible_next: list[State] = Field(
        default=[], description="Where this side may take it from here."
    )
    due: Due | None = Field(
        default=None,
        description="The earliest deadline that is not met. None while the clocks stand still, or none runs.",
    )
    overdue: Flag = Field(default=False, description="That deadline has passed. Not a state.")
    reviewed_at: Moment | None = Field(
        default=None, description="When it was last reviewed, on a pathway that is reviewed."
    )
    rung: Rung | None = Field(
        default=None, description="Who is to be told by now, on the pathway's ladder."
    )
    created_at: Moment
    updated_at: Moment
