"""Asking what became of a referral, by its reference code and nothing else."""

from typing import Annotated, Final, Literal

from pydantic import Field

from .envelope import CoarseState
from .grant_slice import Epoch
from .identifiers import GatewayId, PartyId, ReferenceCode, Uuid
from .model import ContractModel, Moment
from .vocabularies.codes import TriageLevel

STATUS_QUERY_TYP: Final = "relevo-status-query+jwt"


class StatusQuestion(ContractModel):
    """What a system asks its node."""

    reference_code: ReferenceCode


class StatusQuery(ContractModel):
    """What the node signs with the institution's key, so that no gateway can ask in its name.

    A compact JWS of type `relevo-status-query+jwt`, for the home gateway of the reference code.
    """

    iss: PartyId
    aud: GatewayId
    jti: Uuid
    iat: Epoch
    exp: Epoch
    reference_code: ReferenceCode
    purpose: Literal["status_enquiry"] = "status_enquiry"


class SignedStatusQuery(ContractModel):
    """A status query on the way between gateways."""

    query: Annotated[str, Field(max_length=8192)]


class Status(ContractModel):
    """All that an asker who is named learns."""

    reference_code: ReferenceCode
    state: CoarseState
    triage: TriageLevel | None = None
    since: Moment = Field(description="When the gateway saw this state.")
