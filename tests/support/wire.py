"""A shelter, an institute and a consulate with their gateways, and everything that one says to another.

Nodes and gateways are real and run in this process; only tokens are taken on trust. `Wire` keeps each
request and each answer as it passes, so that a test can look for what should not have.
"""

import base64
import binascii
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
from joserfc.jwk import OKPKey
from sqlalchemy import MetaData, select
from typing_extensions import override

from relevo.contracts.scopes import Scope
from relevo.gateway.operations import blobs
from relevo.gateway.operations.membership import approve, welcome
from relevo.node.clients.gateway import GatewayClient
from relevo.node.main import PACKAGE
from relevo.node.operations import join
from relevo.node.operations.carry import carry_once
from relevo.node.operations.context import CLIENT
from relevo.servicekit import jose
from relevo.servicekit.access_token import Caller, TokenVerifier
from relevo.servicekit.clock import FixedClock
from relevo.servicekit.database import Database
from relevo.servicekit.http_client import ServiceClient
from relevo.servicekit.oauth_client import TokenSource
from tests.gateway.federation import Network as Hosts
from tests.gateway.federation import RunningGateway, a_gateway, agree
from tests.support.database import lent
from tests.support.institutions import CONSULATE, INSTITUTE, SHELTER, START, a_profile
from tests.support.nodes import Member, Network, a_member, pin_each_other

_BASE64: Final = re.compile(rb"[A-Za-z0-9_-]{16,}")
_LAYERS: Final = 5


class Wire(Hosts):
    """The network between services; `passed` is every byte of it."""

    def __init__(self) -> None:
        super().__init__()
        self.passed: list[bytes] = []

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.passed.append(f"{request.method} {request.url}".encode())
        self.passed += [value for pair in request.headers.raw for value in pair]
        self.passed.append(await request.aread())
        answer = await super().handle_async_request(request)
        self.passed += [value for pair in answer.headers.raw for value in pair]
        self.passed.append(await answer.aread())
        return answer


class _TrustsGateways:
    """Takes a gateway for whom it says it is, and everybody else's token as the node takes it."""

    def __init__(self, real: TokenVerifier) -> None:
        self._real = real
        self.audience = real.audience

    async def verify(
        self, authorization: str | None, dpop: list[str], method: str, url: str
    ) -> Caller:
        scheme, _, client = (authorization or "").partition(" ")
        if scheme != "DPoP":
            return await self._real.verify(authorization, dpop, method, url)
        return Caller(
            client_id=client,
            institution=client,
            unit=None,
            mandates=frozenset(),
            purpose=None,
            scopes=frozenset({Scope.MESSAGES_DELIVER}),
        )


@dataclass
class Wired:
    """The whole of it."""

    wire: Wire
    clock: FixedClock
    members: dict[str, Member] = field(default_factory=dict)
    gateways: list[RunningGateway] = field(default_factory=list)

    async def settle(self) -> None:
        """Lets everything that waits arrive, files too."""
        for _ in range(20):
            before = len(self.wire.passed)
            for member in self.members.values():
                await member.send_what_waits()
                while await carry_once(member.node):
                    pass
            for gateway in self.gateways:
                await gateway.work()
                while await blobs.pass_on(gateway.gateway):
                    pass
            if len(self.wire.passed) == before:
                return

    def databases(self) -> dict[str, Database]:
        """Each service's own, and the nodes' keys of data."""
        of_nodes = {name: member.node.database for name, member in self.members.items()}
        return of_nodes | {one.name: one.gateway.database for one in self.gateways}


@asynccontextmanager
async def wired(folder: Path, kind: str) -> AsyncIterator[Wired]:
    """A federation of two countries on one kind of database."""
    async with AsyncExitStack() as stack:

        def fresh(name: str, package: str) -> Database:
            return stack.enter_context(lent(kind, folder / f"{name}.db", package))

        wire, clock = Wire(), FixedClock(START)
        made, book = Wired(wire, clock), Network(clock)
        for country in ("MX", "GT"):
            database = fresh(f"gateway-{country}", "relevo.gateway")
            made.gateways.append(a_gateway(folder, database, country, wire, clock))
            stack.push_async_callback(made.gateways[-1].aclose)
        mx, gt = made.gateways
        agree(mx, gt)
        http = await stack.enter_async_context(httpx.AsyncClient(transport=wire))
        for institution, home in ((SHELTER, mx), (INSTITUTE, gt), (CONSULATE, gt)):
            database = fresh(institution, PACKAGE)
            member = stack.enter_context(
                a_member(book, institution, folder, database, pinning="confirmed")
            )
            _join(member, home, http)
            wire.app(f"{institution}.example", member.app)
            made.members[institution] = member
        pin_each_other(book)
        yield made


def _join(member: Member, home: RunningGateway, http: httpx.AsyncClient) -> None:
    prepared = join.registration(member.settings, a_profile(member.id))
    for person in ("Ana", "Berta"):
        approve(home.gateway, prepared.registration, approved_by=person)
    card = welcome(home.gateway, member.id)
    join.join(member.node.database, card, home.clock)
    key: OKPKey = jose.load_keys(member.settings.key_directory, CLIENT)[0]
    tokens = TokenSource(
        issuer=card.gateway_url,
        client_id=card.client_id,
        key=key,
        http=http,
        clock=home.clock,
        dpop_key=key,
    )
    member.node.gateway = GatewayClient()
    member.node.gateway.connect(
        ServiceClient(tokens, http=http, allow_private=True), card.gateway_url
    )
    member.app.state.token_verifier = _TrustsGateways(member.app.state.token_verifier)


# -- looking into it ---------------------------------------------------------------------------------


def unwrapped(content: bytes, layers: int = _LAYERS) -> Iterator[bytes]:
    """The bytes, and whatever stands in them as base64: tokens within tokens, to the innermost."""
    yield content
    if layers:
        for run in _BASE64.findall(content):
            for text in {run, run.rstrip(b"-_")}:
                try:
                    inner = base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))
                except binascii.Error:
                    continue
                yield from unwrapped(inner, layers - 1)


def kept_in(database: Database) -> Iterator[bytes]:
    """Every value of every row, as bytes."""

    def values(connection: Any) -> list[Any]:
        found = MetaData()
        found.reflect(connection)
        return [
            value
            for table in found.sorted_tables
            for row in connection.execute(select(table))
            for value in row
            if value is not None
        ]

    for value in database.read_now(values):
        yield bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
