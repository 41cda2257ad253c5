import asyncio
import socket
from typing import Any

import httpcore
import httpx
import pytest

from relevo.servicekit.address_guard import GuardedBackend, check_url, is_public
from relevo.servicekit.http_client import RefusedError, RetryableError, ServiceClient, outbound_http
from relevo.servicekit.outbound_errors import ForbiddenAddressError


@pytest.mark.parametrize(
    "address", ["93.184.215.14", "2606:2800:21f:cb07::1", "64:ff9b::5db8:d70e"]
)
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1%eth0",
        "fd00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::1",
        "2001:0:7f00:1::1",
        "nonsense",
    ],
)
def test_private_addresses_are_not_in_any_disguise(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://gateway.example/",
        "ftp://gateway.example/",
        "file:///etc/passwd",
        "//gateway.example/",
        "https://",
        "https://user@gateway.example/",
        "https://gateway.example:port/",
        "https://[::1/",
        "https://localhost/",
        "https://LOCALHOST./",
        "https://x.localhost/",
        "https://metadata.internal/",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://[::1]:8443/",
        "https://[::ffff:10.0.0.1]/",
        "https://169.254.169.254/latest/meta-data/",
    ],
)
def test_a_url_that_leads_inside_is_refused_before_anything_is_sent(url: str) -> None:
    with pytest.raises(ForbiddenAddressError):
        check_url(url)


def test_a_public_url_is_fine() -> None:
    check_url("https://gateway.example:8443/v1/messages")
    check_url("https://93.184.215.14/")


def resolving_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    async def resolve(_: Any, *asked: Any, **__: Any) -> list[Any]:
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, asked[1]))
            for address in addresses
        ]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", resolve)


@pytest.mark.parametrize("addresses", [("127.0.0.1",), ("93.184.215.14", "10.0.0.1"), ("::1",)])
@pytest.mark.asyncio
async def test_a_name_that_resolves_inside_is_never_connected_to(
    monkeypatch: pytest.MonkeyPatch, addresses: tuple[str, ...]
) -> None:
    resolving_to(monkeypatch, *addresses)
    async with ServiceClient() as client:
        with pytest.raises(ForbiddenAddressError):
            await client.request("GET", "https://rebound.example/")


@pytest.mark.asyncio
async def test_the_connection_goes_to_the_address_that_was_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolving_to(monkeypatch, "93.184.215.14", "93.184.215.15")
    tried: list[str] = []

    async def connect(_: Any, *asked: Any, **__: Any) -> Any:
        tried.append(asked[0])
        raise httpcore.ConnectError

    monkeypatch.setattr(httpcore.AnyIOBackend, "connect_tcp", connect)
    with pytest.raises(httpcore.ConnectError):
        await GuardedBackend().connect_tcp("gateway.example", 443)
    assert tried == ["93.184.215.14", "93.184.215.15"]


@pytest.mark.asyncio
async def test_a_name_that_does_not_resolve_is_tried_again_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def fail(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(-2, "unknown")

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", fail)
    async with ServiceClient() as client:
        with pytest.raises(RetryableError) as refusal:
            await client.request("GET", "https://absent.example/")
    assert refusal.value.cause == "connect"


@pytest.mark.asyncio
async def test_a_redirect_is_not_followed() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(302, headers={"location": "http://127.0.0.1:1/"})

    http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    with pytest.raises(RefusedError):
        await ServiceClient(http=http).request("GET", "https://peer.example/")
    assert asked == ["https://peer.example/"]


@pytest.mark.asyncio
async def test_a_private_peer_needs_leave() -> None:
    async with outbound_http() as http:
        with pytest.raises(ForbiddenAddressError):
            await ServiceClient(http=http).request("GET", "http://127.0.0.1:1/")
        # Even a client that forgot to check the URL: the connection itself is guarded.
        with pytest.raises(ForbiddenAddressError):
            await http.get("http://127.0.0.1:1/")
