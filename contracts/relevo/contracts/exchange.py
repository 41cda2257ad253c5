"""What travels between services: batches of envelopes and receipts, each answered on its own."""

from typing import Annotated, Literal

from pydantic import Field

from .envelope import MAX_BATCH_MESSAGES, MAX_ENVELOPE_BYTES
from .grant_slice import GrantState
from .identifiers import Uuid
from .model import ContractModel, Moment
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
