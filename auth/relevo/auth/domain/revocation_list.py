"""What the issuer tells resource servers to refuse before its time.

A signed JWT that they fetch with the JWKS: no call per token, no personal data.
See docs/decisions/0004-revocation-list-instead-of-introspection.md.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from .access_token import CLOCK_LEEWAY_SECONDS, TOKEN_LIFETIME_SECONDS

REVOCATIONS_TYPE_HEADER: Final = "relevo-revocations+jwt"
LIST_LIFETIME_SECONDS: Final = 60
MOST_TOKENS: Final = 10_000
MOST_CLIENTS: Final = 2_000
"""With both lists full the signed list stays under the 1 MiB that resource servers read."""
SUSPENSION_SHOWN_FOR: Final = timedelta(seconds=TOKEN_LIFETIME_SECONDS + CLOCK_LEEWAY_SECONDS)
"""After this no token from before the suspension is alive, so the list says no more of a resumed client."""


def revocation_claims(
    *,
    issuer: str,
    revoked_jtis: Sequence[str],
    suspended_clients: Sequence[str],
    resumed_clients: Mapping[str, datetime],
    now: datetime,
) -> dict[str, Any]:
    """The content of the list at a moment.

    Args:
        issuer: Whose list it is.
        revoked_jtis: Single tokens that were taken back.
        suspended_clients: None of their tokens counts.
        resumed_clients: None of their tokens counts that is as old as their last suspension.
        now: When the list is signed.
    """
    issued_at = int(now.timestamp())
    return {
        "iss": issuer,
        "iat": issued_at,
        "exp": issued_at + LIST_LIFETIME_SECONDS,
        "revoked_jtis": list(revoked_jtis),
        "suspended_clients": list(suspended_clients),
        "resumed_clients": {
            client_id: int(suspended_at.timestamp())
            for client_id, suspended_at in resumed_clients.items()
        },
    }
