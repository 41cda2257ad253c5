"""A complaint that the person wants goes to specialised units for victims, and to nobody else who prosecutes."""

from collections.abc import Collection
from typing import Final

from .problem import ProblemError

PURPOSE: Final = "victim_justice"
MANDATE: Final = "criminal_justice_for_victims"


def check_purpose(
    purpose: str, *, receiver: str, mandates: Collection[str], basis: str | None, pathway: str
) -> None:
    """Whether this receiver may get something for this purpose (domain rule 11).

    Args:
        purpose: What for.
        receiver: Whom it is for.
        mandates: The receiver's.
        basis: A basis other than consent, if there is one: nobody complains in her place.
        pathway: For the refusal.

    Raises:
        ProblemError: `receiver_lacks_mandate` or `basis_not_allowed`.
    """
    if purpose != PURPOSE:
        return
    if MANDATE not in mandates:
        raise ProblemError("receiver_lacks_mandate", receiver=receiver, mandates=[MANDATE])
    if basis is not None:
        raise ProblemError("basis_not_allowed", basis=basis, pathway=pathway)
