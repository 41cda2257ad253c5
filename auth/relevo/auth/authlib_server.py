"""Authlib's OAuth 2.0 server (RFC 6749, 7523, 9068, 7009): the only module that imports it.

Authlib's core is synchronous and its callbacks carry no request, so one small server object is made
for each request, inside the transaction that stores what the answer depends on. Its own error texts
quote what callers send and may break on it; every refusal leaves here as an `OAuthError` of ours.
See docs/decisions/0005-authlib-behind-one-adapter.md.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, NoReturn

from authlib.oauth2.rfc6749 import (  # type: ignore[import-untyped]
    AuthorizationServer,
    ClientMixin,
    OAuth2Error,
    OAuth2Request,
    TokenMixin,
)
from authlib.oauth2.rfc6749.grants import (  # type: ignore[import-untyped]
    ClientCredentialsGrant,
)
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload  # type: ignore[import-untyped]
from authlib.oauth2.rfc7009 import RevocationEndpoint  # type: ignore[import-untyped]
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion  # type: ignore[import-untyped]
from authlib.oauth2.rfc9068 import JWTBearerTokenGenerator  # type: ignore[import-untyped]
from joserfc.jwk import OKPKey
from typing_extensions import override

from relevo.servicekit import jose

from .domain.access_token import TOKEN_LIFETIME_SECONDS, TOKEN_TYPE_HEADER, token_claims
from .domain.client import Client, ClientState
from .domain.client_credentials import choose_scopes, scopes_within
from .domain.oauth_error import OAuthError, OAuthErrorCode
from .domain.oauth_form import OAuthForm
from .domain.private_key_jwt import (
    AcceptedAssertion,
    accept_assertion,
    not_authenticated,
    verify_assertion,
)
from .domain.resource_indicator import choose_audience

GRANT_TYPE: Final[str] = ClientCredentialsGrant.GRANT_TYPE
_METHOD: Final[str] = JWTBearerClientAssertion.CLIENT_AUTH_METHOD
# Authlib wants to see https; TLS ends at the proxy in front, and production settings insist on it.
_OVER_TLS: Final = "https://issuer.invalid/oauth"
_TEXTS: Final[Mapping[str, tuple[OAuthErrorCode, str]]] = {
    "unsupported_grant_type": (
        "unsupported_grant_type",
        f"Only grant_type={GRANT_TYPE} is offered.",
    ),
    "unauthorized_client": ("unauthorized_client", "This client may not use this grant."),
    "invalid_scope": ("invalid_scope", "A requested scope is not granted to this client."),
    "invalid_grant": ("invalid_grant", "The token was issued to another client."),
    "unsupported_token_type": (
        "unsupported_token_type",
        "Only access tokens exist here.",
    ),
}


class KnownClient(ClientMixin):  # type: ignore[misc]
    """A client with its keys parsed, as Authlib asks about it."""

    def __init__(self, client: Client, version: str) -> None:
        self.client = client
        self.version = version
        # The mandate is asked again here, so that not even a row changed by hand opens data to
        # enforcement.
        held = scopes_within(client.mandates, client.scopes)
        self.scopes = tuple(sorted(scope.value for scope in held))
        # No plain dict: Authlib would take that for a JSON Web Key.
        self.keys = MappingProxyType(
            {
                key.kid: jose.import_public_key(key.model_dump(mode="json"))
                for key in client.jwks.keys
            }
        )

    @override
    def get_client_id(self) -> str:
        return self.client.client_id

    @override
    def get_allowed_scope(self, scope: str | None) -> str:
        return choose_scopes(scope, self.scopes)

    @override
    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == _METHOD

    @override
    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == GRANT_TYPE


@dataclass(frozen=True, slots=True)
class Desk:
    """What every request of one transaction shares."""

    issuer: str
    assertion_audiences: tuple[str, ...]
    clients: Mapping[str, KnownClient]
    signing_key: OKPKey
    now: datetime
    new_jti: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Issued:
    """An answer that may leave once its assertion's id has been stored as unused."""

    answer: dict[str, Any]
    assertion: AcceptedAssertion


@dataclass(frozen=True, slots=True)
class Revoked:
    """A revocation to store; no token when there is nothing to revoke."""

    assertion: AcceptedAssertion
    claims: dict[str, Any] | None


class _Request(OAuth2Request):  # type: ignore[misc]
    def __init__(self, parameters: Mapping[str, str]) -> None:
        super().__init__("POST", _OVER_TLS)
        self.payload = BasicOAuth2Payload(parameters)
        self._parameters = parameters

    @property
    @override
    def form(self) -> Mapping[str, str]:
        return self._parameters


class _Assertion(JWTBearerClientAssertion):  # type: ignore[misc]
    """RFC 7523 §2.2. The rules are ours; `jti` is stored by the caller's transaction."""

    def __init__(self, desk: Desk, form: OAuthForm) -> None:
        super().__init__()
        self._desk = desk
        self._form = form
        self._client: KnownClient | None = None
        self.accepted: AcceptedAssertion | None = None

    @override
    def extract_assertion(self, assertion: str) -> tuple[dict[str, Any], dict[str, Any]]:
        found = self._form.assertion
        if found is None:
            raise not_authenticated()
        return found.header, found.claims

    @override
    def resolve_client_public_key(self, client: KnownClient) -> Mapping[str, OKPKey]:
        self._client = client
        return client.keys

    @override
    def process_assertion_claims(self, assertion: str, keys: Mapping[str, OKPKey]) -> None:
        found = self._form.assertion
        if found is None:
            raise not_authenticated()
        verify_assertion(found, keys)
        self.verify_claims(found.claims)

    @override
    def verify_claims(self, claims: dict[str, Any]) -> None:
        known = self._client
        if known is None:  # Authlib resolves the key first
            raise not_authenticated()
        self.accepted = accept_assertion(
            claims,
            client_id=known.client.client_id,
            audiences=self._desk.assertion_audiences,
            now=self._desk.now,
        )
        if known.client.state is not ClientState.ACTIVE:
            # Said only to whoever holds the client's key.
            raise OAuthError("invalid_client", "This client is suspended.")


class _ClientCredentials(ClientCredentialsGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = (_METHOD,)


class _TokenGenerator(JWTBearerTokenGenerator):  # type: ignore[misc]
    """RFC 9068 with the claims of this network, on our clock."""

    def __init__(self, desk: Desk, form: OAuthForm, thumbprint: str | None) -> None:
        super().__init__(
            desk.issuer, alg=jose.SIGNATURE_ALGORITHM, expires_generator=TOKEN_LIFETIME_SECONDS
        )
        self._desk = desk
        self._form = form
        self._thumbprint = thumbprint

    @override
    def access_token_generator(
        self, client: KnownClient, grant_type: str, user: None, scope: str
    ) -> str:
        registered = client.client
        if registered.dpop_bound_access_tokens and self._thumbprint is None:
            raise OAuthError(
                "invalid_dpop_proof", "This client gets tokens only with a DPoP proof."
            )
        claims = token_claims(
            registered,
            issuer=self.issuer,
            audience=choose_audience(self._form.resources, registered.audiences),
            scope=scope,
            jti=self._desk.new_jti(),
            now=self._desk.now,
            thumbprint=self._thumbprint,
        )
        return jose.sign(claims, self._desk.signing_key, typ=TOKEN_TYPE_HEADER)


class _IssuedToken(TokenMixin):  # type: ignore[misc]
    def __init__(self, claims: dict[str, Any]) -> None:
        self.claims = claims

    @override
    def check_client(self, client: KnownClient) -> bool:
        return bool(self.claims.get("client_id") == client.client.client_id)


class _Revocation(RevocationEndpoint):  # type: ignore[misc]
    CLIENT_AUTH_METHODS = (_METHOD,)
    SUPPORTED_TOKEN_TYPES = ("access_token",)

    def __init__(self, read_token: Callable[[str], dict[str, Any] | None]) -> None:
        super().__init__()
        self._read_token = read_token
        self.revoked: dict[str, Any] | None = None

    @override
    def query_token(self, token_string: str, token_type_hint: str | None) -> _IssuedToken | None:
        claims = self._read_token(token_string)
        return None if claims is None else _IssuedToken(claims)

    @override
    def revoke_token(self, token: _IssuedToken, request: OAuth2Request) -> None:
        self.revoked = token.claims


class _Server(AuthorizationServer):  # type: ignore[misc]
    def __init__(self, desk: Desk, form: OAuthForm) -> None:
        super().__init__()
        self._desk = desk
        self._form = form
        self.assertion = _Assertion(desk, form)
        self.register_client_auth_method(_METHOD, self.assertion)

    @override
    def query_client(self, client_id: str) -> KnownClient | None:
        return self._desk.clients.get(client_id)

    @override
    def create_oauth2_request(self, request: _Request) -> _Request:
        return request

    @override
    def save_token(self, token: dict[str, Any], request: _Request) -> None:
        """Nothing is stored of a token; its assertion's id is, by the caller."""

    @override
    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        """Nobody listens."""

    @override
    def handle_response(self, status: int, body: dict[str, Any], headers: object) -> dict[str, Any]:
        return body

    @override
    def handle_error_response(self, request: _Request, error: OAuth2Error) -> NoReturn:
        raise _ours(error) from error

    def checked_assertion(self) -> AcceptedAssertion:
        accepted = self.assertion.accepted
        form = self._form
        if (
            accepted is None
            or form.parameters.get("client_id", accepted.client_id) != accepted.client_id
        ):
            raise OAuthError("invalid_client", "client_id and the assertion name two clients.")
        return accepted


def _ours(error: OAuth2Error) -> OAuthError:
    if error.error == "invalid_client":
        return not_authenticated()
    default: tuple[OAuthErrorCode, str] = ("invalid_request", "A required parameter is missing.")
    code, text = _TEXTS.get(error.error, default)
    return OAuthError(code, text)


def issue(desk: Desk, form: OAuthForm, *, thumbprint: str | None) -> Issued:
    """A token by client credentials.

    Raises:
        OAuthError: Whatever is wrong, in the terms of RFC 6749 §5.2.
    """
    if "grant_type" not in form.parameters:
        raise OAuthError("invalid_request", "grant_type is missing.")
    server = _Server(desk, form)
    server.register_grant(_ClientCredentials)
    server.register_token_generator("default", _TokenGenerator(desk, form, thumbprint))
    answer = _refusing(lambda: server.create_token_response(_Request(form.parameters)))
    if thumbprint is not None:
        answer["token_type"] = "DPoP"  # noqa: S105 - RFC 9449 §5
    return Issued(answer, server.checked_assertion())


def revoke(
    desk: Desk, form: OAuthForm, *, read_token: Callable[[str], dict[str, Any] | None]
) -> Revoked:
    """What a revocation request asks for (RFC 7009 §2.1); a token that is not ours is none.

    Raises:
        OAuthError: Whatever is wrong.
    """
    server = _Server(desk, form)
    endpoint = _Revocation(read_token)
    server.register_endpoint(endpoint)
    _refusing(lambda: server.create_endpoint_response("revocation", _Request(form.parameters)))
    return Revoked(server.checked_assertion(), endpoint.revoked)


def _refusing(run: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return run()
    except OAuth2Error as error:
        raise _ours(error) from error
