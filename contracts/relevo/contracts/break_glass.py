"""Break-glass: a record is opened to somebody who may not read it, because somebody is in danger now.

It needs a reason, ends by itself and is reviewed by a second person. For a night shift of one that person
is of another institution (domain rule 15). Every use is listed; none can be taken out of the list.
"""

from datetime import timedelta
from typing import Annotated, Final, Literal

from pydantic import Field, model_validator

from .identifiers import PartyId, Uuid
from .model import ContractModel, Flag, LongText, Moment, ShortText, Whole

REVIEW_WITHIN: Final = timedelta(hours=72)
LONGEST_HOURS: Final = 24

Risk = Literal["life", "serious_harm"]
UseState = Literal["open", "ended", "overdue", "reviewed"]
"""Open: it reads. Ended: it reads no more and waits for its review. Overdue: nobody reviewed it in time."""


class BreakGlassOpening(ContractModel):
    """Why it is opened, by whom, and who looks at that afterwards.

    Attributes:
        opened_by: Desk or shift, or the officer's staff number.
        alone_on_shift: Nobody else was there who could have agreed.
        reviewer: The institution that reviews it; required, and another one, when somebody was alone.
    """

    risk: Risk
    reason: LongText
    opened_by: ShortText
    alone_on_shift: Flag = False
    reviewer: PartyId | None = None
    hours: Annotated[Whole, Field(ge=1, le=LONGEST_HOURS)] = 8

    @model_validator(mode="after")
    def _somebody_looks(self) -> "BreakGlassOpening":
        if self.alone_on_shift and self.reviewer is None:
            raise ValueError("whoever is alone names the institution that reviews it")
        return self


class BreakGlassReview(ContractModel):
    """What the second person found."""

    finding: Literal["justified", "not_justified"]
    words: LongText
    reviewed_by: ShortText


class BreakGlassUse(ContractModel):
    """One use, as it stays in the list.

    Attributes:
        party: Whose system opened it.
        reads: How often the record was read under it.
        escalated_at: When it was told that nobody had reviewed it. Nobody is shut out for that where a
            life is at risk.
    """

    id: Uuid
    referral_id: Uuid
    party: PartyId
    risk: Risk
    reason: LongText | None = None
    opened_by: ShortText | None = None
    alone_on_shift: Flag
    reviewer: PartyId | None = None
    opened_at: Moment
    expires_at: Moment
    review_due_at: Moment
    state: UseState
    reads: Whole = 0
    escalated_at: Moment | None = None
    reviewed_at: Moment | None = None
    reviewed_by_party: PartyId | None = None
    review: BreakGlassReview | None = None


class BreakGlassPage(ContractModel):
    """Newest first."""

    uses: list[BreakGlassUse]
    next_cursor: str | None = None


class AccessEntry(ContractModel):
    """Somebody read a record.

    Attributes:
        client_id: The system that read.
        party: For whom.
        subject: Id of the record.
        break_glass: The use under which it was read, if it was not the reader's to read.
    """

    id: Uuid
    at: Moment
    client_id: str
    party: PartyId
    what: Literal[
        "referral",
        "history",
        "returnee",
        "candidates",
        "consent",
        "follow_up",
        "sealed_records",
        "attestation",
    ]
    subject: Uuid
    break_glass: Uuid | None = None


class AccessLogPage(ContractModel):
    """Newest first."""

    entries: list[AccessEntry]
    next_cursor: str | None = None
