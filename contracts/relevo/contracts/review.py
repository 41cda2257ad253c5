"""Reviews of long-running referrals: somebody looked, and says in one sentence what was done.

Searches and claims take years. Nothing ends them but an outcome, and nothing lets them be forgotten.
"""

from pydantic import Field

from .identifiers import Uuid
from .model import ContractModel, Moment, ShortText


class ReviewInput(ContractModel):
    """What the receiver records."""

    done: ShortText = Field(
        description="One sentence: what was done since. It stays with the receiver."
    )
    at: Moment | None = Field(default=None, description="When it was reviewed; now, if absent.")


class Review(ContractModel):
    """One review; the sender sees when it was and nothing more."""

    id: Uuid
    at: Moment
    stored_at: Moment = Field(description="When this node stored it.")
    done: ShortText | None = None


class Reviews(ContractModel):
    """The newest first."""

    reviews: list[Review]
