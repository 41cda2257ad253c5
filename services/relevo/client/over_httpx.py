"""Requests, answers and failures as httpx has them, for both drivers."""

import ssl
from typing import Any, Final

import httpx

from .exceptions import SettingsError
from .plan import LostError, Request, Response
from .settings import ClientSettings

_CONNECT_SECONDS: Final = 10.0
# What httpx raises before a byte of the request left.
_NOT_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
_NEVER: Final = (httpx.UnsupportedProtocol, httpx.LocalProtocolError)


def options(settings: ClientSettings) -> dict[str, Any]:
    """Arguments of an httpx client, of either kind.

    Raises:
        SettingsError: The certificates cannot be read.
    """
    trusted: ssl.SSLContext | bool = True
    if settings.ca_file is not None:
        try:
            trusted = ssl.create_default_context(cafile=settings.ca_file)
        except OSError as error:
            raise SettingsError(f"{settings.ca_file} holds no certificates: {error}.") from None
    return {
        "verify": trusted,
        "proxy": settings.proxy,
        "trust_env": False,
        "timeout": httpx.Timeout(settings.timeout_seconds, connect=_CONNECT_SECONDS),
    }


def asked(request: Request) -> dict[str, Any]:
    """Arguments of `request`."""
    return {
        "method": request.method,
        "url": request.url,
        "headers": dict(request.headers),
        "content": request.content,
    }


def response(answer: httpx.Response) -> Response:
    """An answer that came whole."""
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return Response(answer.status_code, headers, answer.content)


def lost(error: httpx.TransportError) -> LostError:
    """What a failure means for the request."""
    certificate = _certificate_fault(error)
    return LostError(
        certificate or str(error).rstrip(".") or type(error).__name__,
        may_have_arrived=not isinstance(error, _NOT_SENT),
        hopeless=certificate is not None or isinstance(error, _NEVER),
    )


def _certificate_fault(error: BaseException | None) -> str | None:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted ({error.verify_message})"
        error = error.__cause__ or error.__context__
    return None
