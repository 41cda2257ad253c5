"""What travels between services: batches of envelopes and receipts, each answered on its own."""

from typing import Annotated, Literal

from pydantic import Field

from .envelope import MAX_BATCH_MESSAGES, MAX_ENVELOPE_BYTES
from .grant_slice import GrantState
from .identifiers import Uuid
from .model import ContractModel, Moment, Whole
from .problem import Problem
from .receipt import Receipt

EnvelopeJws = Annotated[str, Field(min_length=1, max_length=MAX_ENVELOPE_BYTES)]


class MessageBatch(ContractModel):
    """1 to 100 messages, at most 1 MiB. Receipts ride along on the way back to the sender."""

    envelopes: Annotated[list[EnvelopeJws], Field(max_length=MAX_BATCH_MESSAGES)] = []
    receipts: Annotated[list[Receipt], Field(max_length=MAX_BATCH_MESSAGES)] = []


class MessageAnswer(ContractModel):
    """What became of one message of a batch, in the order of the batch.

    `duplicate` means that the same bytes came before and were accepted then; nothing was done again.
    """

    message_id: str | None
    result: Literal["accepted", "duplicate", "refused"]
    receipt: Receipt | None = None
    problem: Problem | None = None


class BatchAnswer(ContractModel):
    """One answer per envelope; receipts need none: a 200 is their acknowledgement."""

    answers: list[MessageAnswer]


class MailboxRequest(ContractModel):
    """An institution without an open port asks its gateway for what waits.

    Attributes:
        limit: Most messages of one lease; as many receipts come with them.
        wait_seconds: How long the answer may be kept back until something comes.
    """

    limit: Annotated[Whole, Field(ge=1, le=MAX_BATCH_MESSAGES)] = MAX_BATCH_MESSAGES
    wait_seconds: Annotated[Whole, Field(ge=0, le=30)] = 0


class MailboxLease(ContractModel):
    """1 to 100 messages, at most 1 MiB with their receipts, the urgent ones first.

    They are the institution's until `expires_at`. What is not acknowledged by then comes again, under
    another lease. Without a `lease_id` nothing waits.
    """

    lease_id: Uuid | None = None
    expires_at: Moment | None = None
    envelopes: Annotated[list[EnvelopeJws], Field(max_length=MAX_BATCH_MESSAGES)] = []
    receipts: Annotated[list[Receipt], Field(max_length=MAX_BATCH_MESSAGES)] = []


class GrantStatusQuestion(ContractModel):
    """A gateway asks the home gateway of a grant's issuer."""

    grant_ids: Annotated[list[Uuid], Field(min_length=1, max_length=500)]


class GrantStatus(ContractModel):
    """`unknown` is said of grants that this gateway never recorded."""

    grant_id: Uuid
    state: GrantState | Literal["unknown"]
    as_of: Moment


class GrantStatusAnswer(ContractModel):
    grants: list[GrantStatus]
