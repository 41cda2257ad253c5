"""Specified at `https://relevo.example/messages/consent.withdrawal_answered/1`."""

from typing import Annotated, Literal

from pydantic import Field

from relevo.contracts.identifiers import Uuid
from relevo.contracts.model import ContractModel, Moment, ShortText

from .kind import MessageType


class WithdrawalAnswered(ContractModel):
    """What a holder did with the data: stopped using it, erased it, or keeps it under a named law."""

    answers_message: Uuid
    answer: Literal["stopped", "erased", "kept"]
    law: Annotated[ShortText | None, Field(description="Required when kept.")] = None
    at: Moment


WITHDRAWAL_ANSWERED = MessageType(
    "consent.withdrawal_answered",
    1,
    "control",
    WithdrawalAnswered,
    "What a holder did after a withdrawal.",
)
