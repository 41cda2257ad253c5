"""Asking what became of a referral of somebody else's, by its reference code."""

from relevo.contracts.identifiers import country_of
from relevo.contracts.problem import ProblemError
from relevo.contracts.status import STATUS_QUERY_TYP, Status, StatusQuery, StatusQuestion
from relevo.servicekit import jose
from relevo.servicekit.access_token import Caller
from relevo.servicekit.http_client import RefusedError, RetryableError
from relevo.servicekit.ids import random_id

from .context import Node
from .directory import Directory
from .visibility import party_of

_QUERY_SECONDS = 120


async def ask_status(
    node: Node, directory: Directory, caller: Caller, question: StatusQuestion
) -> Status:
    """Signs the question with the institution's key and hands it to the home gateway.

    Raises:
        ProblemError: `not_found` for every code that does not concern the caller, whether it exists
            or not; `gateway_unreachable`; `too_many_requests`.
    """
    party = party_of(node, caller)
    gateway = await home_gateway_of(node, directory, question.reference_code)
    now = int(node.clock.security().timestamp())
    query = StatusQuery(
        iss=party,
        aud=gateway,
        jti=random_id(),
        iat=now,
        exp=now + _QUERY_SECONDS,
        reference_code=question.reference_code,
    )
    signed = jose.sign(query.model_dump(), node.keys.signing[0], typ=STATUS_QUERY_TYP)
    try:
        return await node.gateway.status(signed)
    except RetryableError as error:
        raise ProblemError("gateway_unreachable") from error
    except RefusedError as error:
        if error.status == 429:
            raise ProblemError("too_many_requests", retry_after_seconds=60) from error
        # Whatever else was wrong, an asker learns nothing that a wrong code would not say.
        raise ProblemError("not_found") from error


async def home_gateway_of(node: Node, directory: Directory, reference_code: str) -> str:
    """The gateway that knows a code.

    Raises:
        ProblemError: `gateway_unreachable` or `not_found`.
    """
    country = reference_code.split("-", maxsplit=1)[0]
    home = await directory.home()
    return home.gateway if country in home.countries else await _gateway_of(node, country)


async def _gateway_of(node: Node, country: str) -> str:
    try:
        for peer in await node.gateway.gateways():
            if country in peer.countries:
                return peer.gateway
    except RetryableError as error:
        raise ProblemError("gateway_unreachable") from error
    except RefusedError as error:
        raise ProblemError("not_found") from error
    # No gateway answers for this country; ask all the same, so that it looks like any wrong code.
    return f"gateway.{country_of(country).lower()}"
