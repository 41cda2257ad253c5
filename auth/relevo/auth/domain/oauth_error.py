"""The error body of RFC 6749 §5.2, which OAuth endpoints keep instead of problem details."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

OAuthErrorCode = Literal[
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
    "invalid_target",
    "invalid_dpop_proof",
    "unsupported_token_type",
    "temporarily_unavailable",
]


class OAuthErrorBody(BaseModel):
    """What an OAuth endpoint answers when it refuses."""

    model_config = ConfigDict(frozen=True)

    error: OAuthErrorCode = Field(
        description="RFC 6749 §5.2; `invalid_target`: RFC 8707 §2; `invalid_dpop_proof`: RFC 9449 §5; "
        "`unsupported_token_type`: RFC 7009 §2.2.1."
    )
    error_description: str = Field(
        description="What was wrong, for whoever configures the client. Never repeats what was sent."
    )


class OAuthError(Exception):
    """A refusal at an OAuth endpoint.

    The description is one of our own sentences: RFC 6749 allows only part of ASCII there, and
    nothing a caller sent is repeated.
    """

    def __init__(self, error: OAuthErrorCode, description: str, *, status: int = 400) -> None:
        self.status = status
        self.body = OAuthErrorBody(error=error, error_description=description)
        super().__init__(f"{error}: {description}")
