"""The form that OAuth endpoints take (RFC 6749 §3.2, appendix B)."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import parse_qsl

from relevo.servicekit.jose import JoseError, peek

from .oauth_error import OAuthError

LONGEST_FORM: Final = 32 * 1024
LONGEST_CLIENT_ID: Final = 128
_MOST_PARAMETERS: Final = 32


@dataclass(frozen=True, slots=True)
class UnverifiedAssertion:
    """A client assertion taken apart; nothing in it has been checked."""

    token: str
    header: dict[str, Any]
    claims: dict[str, Any]

    def client_id(self) -> str | None:
        """Whom it says it is from."""
        subject = self.claims.get("sub")
        return subject if isinstance(subject, str) and len(subject) <= LONGEST_CLIENT_ID else None


@dataclass(frozen=True, slots=True)
class OAuthForm:
    """Parameters by name, each once, but `resource`, which RFC 8707 lets a client repeat."""

    parameters: Mapping[str, str]
    resources: tuple[str, ...]
    assertion: UnverifiedAssertion | None

    def claimed_client(self) -> str | None:
        """Whom the request says it is from; nothing has been checked."""
        return None if self.assertion is None else self.assertion.client_id()


def read_form(body: bytes) -> OAuthForm:
    """The parameters of a request.

    Raises:
        OAuthError: `invalid_request`: too large, not UTF-8, or a parameter stands twice.
    """
    if len(body) > LONGEST_FORM:
        raise OAuthError("invalid_request", f"At most {LONGEST_FORM} bytes are read here.")
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=False,
            strict_parsing=bool(body),
            errors="strict",
            max_num_fields=_MOST_PARAMETERS,
        )
    except ValueError as error:
        raise OAuthError(
            "invalid_request", "The body is not application/x-www-form-urlencoded in UTF-8."
        ) from error
    parameters: dict[str, str] = {}
    resources: list[str] = []
    for name, value in pairs:
        if name == "resource":
            resources.append(value)
        elif name in parameters:
            raise OAuthError("invalid_request", "A parameter stands twice (RFC 6749, 3.2).")
        else:
            parameters[name] = value
    if any("\x00" in value for value in parameters.values()):
        raise OAuthError("invalid_request", "A parameter holds a zero character.")
    assertion = _take_apart(parameters.get("client_assertion"))
    return OAuthForm(MappingProxyType(parameters), tuple(resources), assertion)


def _take_apart(token: str | None) -> UnverifiedAssertion | None:
    if token is None:
        return None
    try:
        return UnverifiedAssertion(token, *peek(token))
    except JoseError:
        return None
