"""URLs that others give us never reach private addresses, unless the operator allows it.

The name is resolved once, the addresses are checked, and the connection goes to a checked address:
a name cannot change its mind between check and use. TLS still verifies the name.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

import httpcore
import httpx
from typing_extensions import override

from .outbound_errors import ForbiddenAddressError

_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_SIX_TO_FOUR: Final = ipaddress.IPv6Network("2002::/16")
_TEREDO: Final = ipaddress.IPv6Network("2001::/32")
_V4_COMPATIBLE: Final = ipaddress.IPv6Network("::/96")

SocketOption = tuple[Any, ...]


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public Internet, in whatever form it is wrapped."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        if ip in _SIX_TO_FOUR or ip in _TEREDO or ip in _V4_COMPATIBLE:
            return False  # tunnels to anywhere; nobody serves from them
        if ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped
        elif ip in _NAT64:
            ip = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.is_global and not ip.is_multicast


def check_form(url: str) -> SplitResult:
    """Refuse what is no plain http or https URL of a service.

    Raises:
        ForbiddenAddressError: It has no host, names a user, or holds blanks or control characters.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ForbiddenAddressError("malformed_url") from None
    # urlsplit drops some of these characters without a word; others would see them.
    if any(symbol <= " " or symbol == "\x7f" for symbol in url):
        raise ForbiddenAddressError("malformed_url")
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
        raise ForbiddenAddressError("malformed_url")
    return parts


def check_url(url: str) -> None:
    """Refuse what can be seen from the URL alone.

    Raises:
        ForbiddenAddressError: Malformed, not https, or a literal address that is not public.
    """
    parts = check_form(url)
    if parts.scheme != "https":
        raise ForbiddenAddressError("not_https")
    host = parts.hostname or ""
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith((".localhost", ".local", ".internal")):
        raise ForbiddenAddressError("private_address")
    literal = _literal(host)
    if literal is not None and not is_public(literal):
        raise ForbiddenAddressError("private_address")


def _literal(host: str) -> str | None:
    try:
        return str(ipaddress.ip_address(host.partition("%")[0]))
    except ValueError:
        pass
    try:
        # "127.1", "0x7f000001", "2130706433": resolvers read these as addresses too.
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        return None


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Opens connections to public addresses only."""

    def __init__(self) -> None:
        self._inner = httpcore.AnyIOBackend()

    @override
    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SocketOption] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            async with asyncio.timeout(timeout):
                found = await asyncio.get_running_loop().getaddrinfo(
                    host, port, type=socket.SOCK_STREAM
                )
        except TimeoutError:
            raise httpcore.ConnectTimeout("name resolution took too long") from None
        except OSError:
            raise httpcore.ConnectError("the name does not resolve") from None
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        # One private address among public ones is how a name is made to rebind.
        if not addresses or not all(is_public(address) for address in addresses):
            raise ForbiddenAddressError("private_address")
        failure: Exception = httpcore.ConnectError("no address answers")
        for address in addresses[:4]:
            try:
                return await self._inner.connect_tcp(
                    address,
                    port,
                    timeout=timeout,
                    local_address=local_address,
                    socket_options=socket_options,
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    @override
    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class GuardedTransport(httpx.AsyncHTTPTransport):
    """httpx's own transport on the guarded backend, which httpx itself offers no way to choose."""

    def __init__(self, *, verify: ssl.SSLContext, limits: httpx.Limits) -> None:
        super().__init__(verify=verify, limits=limits)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=verify,
            max_connections=limits.max_connections,
            max_keepalive_connections=limits.max_keepalive_connections,
            keepalive_expiry=limits.keepalive_expiry,
            network_backend=GuardedBackend(),
        )
