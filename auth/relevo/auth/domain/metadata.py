"""What the issuer says about itself (RFC 8414)."""

from pydantic import BaseModel, ConfigDict, Field

from relevo.contracts.scopes import Scope

from .private_key_jwt import ASSERTION_ALGORITHMS


class IssuerMetadata(BaseModel):
    """Authorization server metadata; clients start here and hard-code no other URL."""

    model_config = ConfigDict(frozen=True)

    issuer: str
    token_endpoint: str
    jwks_uri: str
    revocation_endpoint: str
    revocations_uri: str = Field(
        description="Signed list of revoked tokens and suspended clients, for resource servers."
    )
    scopes_supported: list[str]
    response_types_supported: list[str] = Field(description="Empty: there is no browser flow.")
    grant_types_supported: list[str]
    token_endpoint_auth_methods_supported: list[str]
    token_endpoint_auth_signing_alg_values_supported: list[str]
    revocation_endpoint_auth_methods_supported: list[str]
    revocation_endpoint_auth_signing_alg_values_supported: list[str]
    dpop_signing_alg_values_supported: list[str]


def issuer_metadata(issuer: str) -> IssuerMetadata:
    """The metadata of an issuer; all its endpoints stand under its own URL."""
    return IssuerMetadata(
        issuer=issuer,
        token_endpoint=f"{issuer}/oauth/token",
        jwks_uri=f"{issuer}/oauth/jwks",
        revocation_endpoint=f"{issuer}/oauth/revoke",
        revocations_uri=f"{issuer}/oauth/revocations",
        scopes_supported=[scope.value for scope in Scope],
        response_types_supported=[],
        grant_types_supported=["client_credentials"],
        token_endpoint_auth_methods_supported=["private_key_jwt"],
        token_endpoint_auth_signing_alg_values_supported=list(ASSERTION_ALGORITHMS),
        revocation_endpoint_auth_methods_supported=["private_key_jwt"],
        revocation_endpoint_auth_signing_alg_values_supported=list(ASSERTION_ALGORITHMS),
        dpop_signing_alg_values_supported=["Ed25519"],
    )
