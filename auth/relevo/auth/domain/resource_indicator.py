"""Which resource server a token is for (RFC 8707): exactly one, so it works nowhere else."""

from collections.abc import Sequence

from .oauth_error import OAuthError


def choose_audience(requested: Sequence[str], allowed: Sequence[str]) -> str:
    """The one audience of a token.

    Raises:
        OAuthError: `invalid_target`: more than one resource, one that is not the client's, or none
            named by a client that has several.
    """
    if len(requested) > 1:
        raise OAuthError("invalid_target", "Name one resource only; a token is for one service.")
    if requested:
        if requested[0] not in allowed:
            raise OAuthError("invalid_target", "This client may not ask for that resource.")
        return requested[0]
    if len(allowed) == 1:
        return allowed[0]
    raise OAuthError("invalid_target", "This client has several audiences: name one as resource.")
