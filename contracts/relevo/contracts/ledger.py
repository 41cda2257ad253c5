"""Asking a gateway's ledger for proofs (RFC 9162 §2.1) and witnessing its checkpoints (C2SP)."""

from typing import Annotated

from pydantic import Field, StringConstraints

from .model import ContractModel, Whole
from .receipt import Sha256Hex

SignedNote = Annotated[str, StringConstraints(max_length=8000, strip_whitespace=False)]
"""A C2SP signed note; its line breaks are part of it."""
Position = Annotated[Whole, Field(ge=0, le=2**53)]


class InclusionProof(ContractModel):
    """That an entry stands at `index` of the tree of this size."""

    index: Position
    tree_size: Position
    leaf_hash: Sha256Hex
    proof: list[Sha256Hex]


class ConsistencyProof(ContractModel):
    """That the tree of `from_size` is the beginning of the tree of `to_size`."""

    from_size: Position
    to_size: Position
    proof: list[Sha256Hex]


class WitnessedCheckpoint(ContractModel):
    """A checkpoint with a witness's cosignature line under it."""

    checkpoint: SignedNote
