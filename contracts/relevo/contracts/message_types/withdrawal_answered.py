"""Specified at `https://relevo.example/messages/consent.withdrawal_answered/1`."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from relevo.contracts.identifiers import Uuid
from relevo.contracts.model import ContractModel, Moment, ShortText

from .kind import MessageType


class WithdrawalAnswered(ContractModel):
    """What a holder did with the data: stopped using it, erased it, or keeps it under a named law."""

    answers_message: Uuid
    answer: Literal["stopped", "erased", "kept"]
    law: Annotated[ShortText | None, Field(description="Required when kept.")] = None
    at: Moment

    @model_validator(mode="after")
    def _names_its_law(self) -> "WithdrawalAnswered":
        if self.answer == "kept" and self.law is None:
            raise ValueError("data is kept only under a law, and it is named")
        return self


WITHDRAWAL_ANSWERED = MessageType(
    "consent.withdrawal_answered",
    1,
    "control",
    WithdrawalAnswered,
    "What a holder did after a withdrawal.",
)
