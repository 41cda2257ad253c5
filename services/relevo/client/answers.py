"""What a node answers, beyond the models of the contract. Members of newer nodes are passed over."""

from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from relevo.contracts.families import Split
from relevo.contracts.follow_up import FollowUp
from relevo.contracts.handover import Handover
from relevo.contracts.model import ContractModel, Moment
from relevo.contracts.problem import Problem
from relevo.contracts.referral import ChildNotice, Referral
from relevo.contracts.returnee import Manifest, ReturneeRecord, RowAnswer
from relevo.contracts.sealed_records import SealedRecord

from .exceptions import RelevoProblemError


class SubmittedReferral(ContractModel):
    """A referral that the node stored; it leaves when the link allows.

    Attributes:
        reference_code: For the person to carry: `MX-` and eleven symbols, the last a check symbol.
        withheld: Sections of the record that did not leave, because consent or pathway leave them out.
        child_notice: The notice to the authority of the children among them, which went its own way.
    """

    id: str
    reference_code: str
    state: str = "submitted"
    withheld: list[str] = []
    child_notice: ChildNotice | None = None


class ReferralPage(ContractModel):
    referrals: list[Referral]
    next_cursor: str | None = None


class SplitPage(ContractModel):
    splits: list[Split]


class HandoverPage(ContractModel):
    handovers: list[Handover]
    next_cursor: str | None = None


class SealedRecordPage(ContractModel):
    records: list[SealedRecord]


class BulkAnswer(ContractModel):
    key: str
    referral: SubmittedReferral | None = None
    problem: Problem | None = None


class BulkAnswers(ContractModel):
    answers: list[BulkAnswer]


@dataclass(frozen=True)
class Outcome:
    """What became of one referral of many.

    Attributes:
        number: Its place in what was given, from 0.
        key: Its idempotency key.
        referral: If it was stored.
        problem: If it was refused.
    """

    number: int
    key: str
    referral: SubmittedReferral | None = None
    problem: RelevoProblemError | None = None


class EventData(ContractModel):
    """Which referral or consent it is about; read that for the rest."""

    id: str
    event_seq: int | None = None


class CloudEvent(ContractModel):
    """Something happened (CloudEvents 1.0). Ids only; what it is about is read with them.

    Attributes:
        id: The same each time that this event is told: what came before may be passed over.
        type: `org.relevo.` and what happened, such as `referral.state_changed`.
        subject: Id of the referral or consent.
        position: Place in the feed. Store it together with what was done about the event.
    """

    specversion: str
    id: str
    source: str
    type: str
    subject: str
    time: Moment
    datacontenttype: str = "application/json"
    position: int
    data: EventData


class EventPage(ContractModel):
    events: list[CloudEvent]
    next_after: int


class Webhook(ContractModel):
    """A subscription. `failed` after five days without one success."""

    id: str
    url: str
    state: Literal["active", "failed"]
    failures: int
    created_at: Moment


class CreatedWebhook(Webhook):
    """The secret is shown this once: `verify_webhook` needs it."""

    secret: str = Field(repr=False)


class Pin(ContractModel):
    """An identity key that the node trusts. `confirmed_by` is absent for one taken at first use."""

    institution: str
    fingerprint: str
    confirmed_by: str | None = None
    pinned_at: Moment


class FollowUpPage(ContractModel):
    follow_ups: list[FollowUp]
    next_cursor: str | None = None


class ReturneePage(ContractModel):
    returnees: list[ReturneeRecord]
    next_cursor: str | None = None


class ManifestPage(ContractModel):
    manifests: list[Manifest]
    next_cursor: str | None = None


class RowPage(ContractModel):
    rows: list[RowAnswer]
    next_cursor: int | None = None
