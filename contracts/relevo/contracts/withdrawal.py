"""The ends of a withdrawal: what each holder did, and a request by somebody who holds the paper.

Whoever holds only the paper must not stop help: the pass phrase is asked for, whoever asks learns nothing
from the answer, and on sealed routes the person herself is asked first (domain rule 6).
"""

from datetime import timedelta
from typing import Annotated, Final, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from .grant_slice import Epoch
from .identifiers import GatewayId, InstitutionId, PartyId, ReferenceCode, Uuid
from .lifecycles.consent import State
from .model import ContractModel, Moment, ShortText

WITHDRAWAL_REQUEST_TYP: Final = "relevo-withdrawal-request+jwt"
MOST_TRIES: Final = 3
PAUSE: Final = timedelta(hours=24)
MOST_WAITING: Final = 100

PhraseCheck = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]
"""A slow digest of the pass phrase, bound to the reference code: the phrase itself never travels."""


class _Answer(ContractModel):
    answer: Literal["stopped", "erased", "kept"]
    law: ShortText | None = Field(default=None, description="Required when kept.")

    @model_validator(mode="after")
    def _names_its_law(self) -> Self:
        if (self.answer == "kept") != (self.law is not None):
            raise ValueError("data is kept under a law that is named, and under nothing else")
        return self


class WithdrawalAnswer(_Answer):
    """What a holder did with what it got."""


class KeeperAnswer(_Answer):
    """What the institution that holds the consent did with what it knows of her itself.

    Its sharing has stopped already. The record of the consent stays: it proves that she withdrew.
    """

    answer: Literal["stopped", "kept"]


class HolderAnswer(ContractModel):
    """One holder in the tree of a withdrawal. No answer yet: it was not reached, or thinks."""

    referral_id: Uuid
    reference_code: ReferenceCode
    holder: PartyId
    answer: Literal["stopped", "erased", "kept"] | None = None
    law: str | None = None
    answered_at: Moment | None = None


class KeptHere(KeeperAnswer):
    """What the institution that holds the consent said of itself."""

    answered_at: Moment


class WithdrawalProgress(ContractModel):
    """What became of a withdrawal, as the institution that holds the consent sees it."""

    consent_id: Uuid
    state: State
    withdrawn_at: Moment | None = None
    own: KeptHere | None = Field(
        default=None, description="Of that institution itself, once it has said so."
    )
    holders: list[HolderAnswer] = []


class WithdrawalAsk(ContractModel):
    """What somebody says at a desk or a page who holds the paper."""

    reference_code: ReferenceCode
    pass_phrase: ShortText


class WithdrawalTaken(ContractModel):
    """The only answer there is: whether code or phrase fit is told to nobody."""

    taken: Literal[True] = True


class WithdrawalRequest(ContractModel):
    """A request on its way to the home gateway of the code; a compact JWS by the institution asked."""

    iss: PartyId
    aud: GatewayId
    jti: Uuid
    iat: Epoch
    exp: Epoch
    reference_code: ReferenceCode
    phrase_check: PhraseCheck


class SignedWithdrawalRequest(ContractModel):
    """A request on the way between gateways."""

    query: Annotated[str, Field(max_length=8192)]


class WaitingRequest(ContractModel):
    """A request as the institution that referred her gets it. Who was asked is not told."""

    id: Uuid
    reference_code: ReferenceCode
    phrase_check: PhraseCheck
    received_at: Moment


class WaitingRequests(ContractModel):
    """Requests for one institution, oldest first."""

    institution: InstitutionId
    requests: Annotated[list[WaitingRequest], Field(max_length=MOST_WAITING)] = []


class FetchRequests(ContractModel):
    """Says which were taken, and asks for the next."""

    taken: Annotated[list[Uuid], Field(max_length=MOST_WAITING)] = []


class PendingRequest(ContractModel):
    """A request that waits for the person's own word."""

    id: Uuid
    referral_id: Uuid
    consent_ids: list[Uuid]
    state: Literal["pending_person", "withdrawn", "refused"]
    received_at: Moment
    decided_at: Moment | None = None


class PendingRequests(ContractModel):
    """Requests on which somebody has to ask the person, oldest first."""

    requests: list[PendingRequest] = []


class PersonSaid(ContractModel):
    """What the person herself said when she was asked, in person or by her own number."""

    withdraws: Annotated[bool, Field(strict=True)]
    asked_at: Moment
