"""Which scopes a token of the client credentials grant carries (RFC 6749 §3.3 and §4.4)."""

from collections.abc import Collection, Sequence
from typing import Final

from relevo.contracts.scopes import Scope

from .oauth_error import OAuthError

ENFORCEMENT: Final = "enforcement"
ENFORCEMENT_SCOPES: Final = frozenset({Scope.HANDOVERS_SUBMIT})
"""Police and migration officers bring people; they read nothing back (domain rule 11)."""


def scopes_within(mandates: Collection[str], scopes: Collection[Scope]) -> frozenset[Scope]:
    """What of these scopes a unit with these mandates may hold at all."""
    held = frozenset(scopes)
    return held & ENFORCEMENT_SCOPES if ENFORCEMENT in mandates else held


def choose_scopes(requested: str | None, allowed: Sequence[str]) -> str:
    """The scopes of a token, in the order of `allowed`.

    Without `scope` the client gets all of its own. Asking for one that is not the client's refuses
    the whole request, so that a client never works with less than it believes it has.

    Raises:
        OAuthError: `invalid_scope`.
    """
    asked = set((requested or "").split(" ")) - {""}
    chosen = [scope for scope in allowed if scope in asked] if asked else allowed
    if len(chosen) < len(asked):
        raise OAuthError("invalid_scope", "A requested scope is not granted to this client.")
    if not chosen:
        raise OAuthError("invalid_scope", "This client has no scope.")
    return " ".join(chosen)
