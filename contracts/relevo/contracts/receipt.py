"""What a gateway signs for: that it took a message, delivered it, or what else became of it.

A receipt is a leaf of the gateway's ledger with its inclusion proof (RFC 9162 §2.1.3) in a signed
checkpoint (C2SP tlog-checkpoint), so one signature serves a whole batch.
"""

import json
from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints

from .identifiers import GatewayId, Uuid
from .model import ContractModel, Moment, Whole

ReceiptKind = Literal["accepted", "delivered", "refused", "expired", "dead"]
Sha256Hex = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]

FINAL_RECEIPTS: Final[frozenset[ReceiptKind]] = frozenset(
    {"delivered", "refused", "expired", "dead"}
)


class ReceiptLeaf(ContractModel):
    """The statement itself. `salt` keeps the ledger from confirming guesses."""

    kind: ReceiptKind
    gateway: GatewayId
    message_id: Uuid
    digest: Sha256Hex = Field(description="SHA-256 of the exact envelope bytes.")
    at: Moment
    problem: Annotated[str, StringConstraints(pattern=r"^[a-z_]+$", max_length=80)] | None = Field(
        default=None, description="Name of the problem type, for a refusal."
    )
    salt: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]

    def leaf_bytes(self) -> bytes:
        """The bytes that the ledger hashes: compact JSON with sorted keys."""
        return json.dumps(
            self.model_dump(mode="json"), sort_keys=True, separators=(",", ":")
        ).encode()


class Receipt(ContractModel):
    """A leaf, its place in the ledger, and the proof that the checkpoint covers it."""

    leaf: ReceiptLeaf
    index: Annotated[Whole, Field(ge=0, le=2**53)]
    proof: Annotated[list[Sha256Hex], Field(max_length=64)]
    # The line break at the end of a signed note is part of it.
    checkpoint: Annotated[str, StringConstraints(max_length=8000, strip_whitespace=False)]
