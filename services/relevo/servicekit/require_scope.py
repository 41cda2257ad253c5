"""What an operation needs of its caller, said once: enforced at run time and shown in OpenAPI.

```python
@router.post("/v1/referrals")
async def post_referral(caller: Annotated[Caller, require(Scope.REFERRALS_SUBMIT)]) -> …
```
"""

from typing import Annotated, Any, Final, cast

from fastapi import Request, Security
from fastapi.openapi.models import OAuthFlowClientCredentials, OAuthFlows
from fastapi.security import OAuth2, SecurityScopes

from relevo.contracts.problem import ProblemError
from relevo.contracts.scopes import SCOPE_DESCRIPTIONS

from .access_token import Caller, TokenVerifier
from .logging import get_logger

TOKEN_PATH: Final = "/oauth/token"  # noqa: S105 - a path

oauth2_scheme: Final = OAuth2(
    scheme_name="oauth2",
    description=(
        "Client credentials, authenticated by `private_key_jwt` (RFC 7523). Tokens are JWTs "
        "(RFC 9068), live five minutes and name one audience. Services of the federation present "
        "them with a DPoP proof (RFC 9449), local systems as bearer tokens."
    ),
    flows=OAuthFlows(
        clientCredentials=OAuthFlowClientCredentials(
            tokenUrl=TOKEN_PATH,
            scopes={scope.value: text for scope, text in SCOPE_DESCRIPTIONS.items()},
        )
    ),
    auto_error=False,
)


async def authenticate(
    request: Request,
    needed: SecurityScopes,
    _shown: Annotated[Any, Security(oauth2_scheme)],
) -> Caller:
    """The caller, who holds every scope that the operation needs."""
    verifier = cast("TokenVerifier", request.app.state.token_verifier)
    raw_path = request.scope.get("raw_path") or request.scope["path"].encode()
    caller = await verifier.verify(
        request.headers.get("authorization"),
        request.headers.getlist("dpop"),
        request.method,
        verifier.audience + raw_path.decode("ascii", "replace"),
    )
    request.state.client = caller.client_id
    request.state.institution = caller.institution
    for scope in needed.scopes:
        if scope not in caller.scopes:
            get_logger().info("scope_refused", client=caller.client_id, scope=scope)
            raise ProblemError("insufficient_scope", scope=scope)
    return caller


def require(*scopes: str) -> Any:
    """What stands in `Annotated[Caller, …]`; of several scopes, all are needed."""
    return Security(authenticate, scopes=[str(scope) for scope in scopes])
