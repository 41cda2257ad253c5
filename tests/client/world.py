"""Three institutions whose nodes and real issuers answer on real sockets, and clients of both kinds."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from typing_extensions import override

from relevo.assembly import issuer_clients
from relevo.assembly.beside import Beside, asking
from relevo.assembly.issuer_settings import issuer_settings
from relevo.auth import main as auth_main
from relevo.auth.domain.client import ClientRegistration
from relevo.client.relevo import AsyncRelevo, Relevo
from relevo.contracts import scopes
from relevo.contracts.country_tables import Coordination
from relevo.contracts.problem import ProblemError
from relevo.contracts.status import Status
from relevo.servicekit import jose, statistics_examples
from relevo.servicekit.access_token import TokenVerifier
from relevo.servicekit.clock import FixedClock, SystemClock
from relevo.servicekit.database import Database
from relevo.servicekit.outbound_errors import RefusedError
from tests.support.institutions import CONSULATE, INSTITUTE, SHELTER, START
from tests.support.nodes import GatewayOfTest, Member, Network, a_member, pin_each_other
from tests.support.serving import HOST, served

OURS = [
    scope
    for scope in scopes.Scope
    if scope.value.partition(":")[0]
    in {
        "referrals",
        "consents",
        "events",
        "directory",
        "returnees",
        "follow_ups",
        "attestations",
        "statistics",
        "coordination",
        "break_glass",
        "access_log",
    }
]
Fault = Callable[["Interrupted", Scope, Receive, Send], Any]


class Interrupted:
    """An application whose next answers go wrong as a test says, one fault a request."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.faults: list[tuple[str, Fault]] = []
        self.seen: list[str] = []
        self.keys: list[str | None] = []

    def on(self, path: str, *faults: Fault) -> None:
        """The next requests to paths that begin so meet these faults, one each."""
        self.faults += [(path, fault) for fault in faults]

    def count(self, line: str) -> int:
        return sum(seen.startswith(line) for seen in self.seen)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        self.seen.append(f"{scope['method']} {scope['path']}")
        headers = dict(scope["headers"])
        self.keys.append(headers.get(b"idempotency-key", b"").decode() or None)
        for index, (path, fault) in enumerate(self.faults):
            if scope["path"].startswith(path):
                del self.faults[index]
                await fault(self, scope, receive, send)
                return
        await self.app(scope, receive, send)


async def cut(served: Interrupted, scope: Scope, receive: Receive, send: Send) -> None:
    """The work is done and the answer begun; then the connection ends."""
    kept: list[Message] = []

    async def keep(message: Message) -> None:
        kept.append(message)

    await served.app(scope, receive, keep)
    await send(kept[0])
    await send({"type": "http.response.body", "body": kept[1]["body"][:7], "more_body": True})
    # The server ends a connection whose answer stays short of its length.
    await send({"type": "http.response.body", "body": b""})


async def forgotten(served: Interrupted, scope: Scope, receive: Receive, send: Send) -> None:
    """The token no longer counts: the application sees none."""
    headers = [pair for pair in scope["headers"] if pair[0] != b"authorization"]
    await served.app({**scope, "headers": headers}, receive, send)


def instead(status: int, content: bytes, **headers: str) -> Fault:
    """Answers without asking the application."""
    sent = {"content_length": str(len(content)), **headers}
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in sent.items()]

    async def fault(*asgi: Any) -> None:
        send: Send = asgi[-1]
        await send({"type": "http.response.start", "status": status, "headers": pairs})
        await send({"type": "http.response.body", "body": content})

    return fault


def refusing(error: ProblemError, *, retry_after: int) -> Fault:
    problem = error.problem()
    return instead(
        problem.status,
        problem.model_dump_json().encode(),
        content_type="application/problem+json",
        retry_after=str(retry_after),
    )


busy = refusing(ProblemError("unavailable"), retry_after=0)
too_many = refusing(ProblemError("too_many_requests", retry_after_seconds=3600), retry_after=3600)
in_flight = refusing(ProblemError("idempotency_key_in_flight"), retry_after=0)
strange = instead(200, b"<html>", content_type="text/html")
"""A captive portal."""
bad_gateway = instead(502, b"<html>", content_type="text/html")


@dataclass
class Place:
    """An institution with its node and issuer, and where they answer."""

    member: Member
    app: Interrupted
    address: str
    folder: Path
    issuer: Any

    @property
    def node(self) -> str:
        return self.member.settings.base_url

    def register(self, name: str, *, unit: str | None = None, **changes: Any) -> dict[str, Any]:
        """A new client of this institution; the arguments that make a `Relevo` of it."""
        client = f"{self.member.id}.{name}"
        key = jose.generate_signing_key()
        path = self.folder / f"{client}.jwk"
        jose.save_key(path, key)
        issuer_clients.register(
            self.issuer,
            ClientRegistration(
                client_id=client,
                unit=unit,
                audiences=(self.node,),
                jwks=issuer_clients.key_set(jose.public_jwk(key)),
                **{"institution": self.member.id, "scopes": tuple(OURS), **changes},
            ),
            by="test",
        )
        return {
            "node": self.node,
            "address": self.address,
            "client": client,
            "key": path,
            "patience_seconds": 20,
        }


class _Gateway(GatewayOfTest):
    """Knows states that a test wrote down."""

    def __init__(self, network: Network, institution: str, known: dict[str, Status]) -> None:
        super().__init__(network, institution)
        self._known = known

    @override
    async def coordination(self, pathway: str, period: str) -> Coordination:
        if pathway != statistics_examples.COORDINATION["pathway"]:
            raise RefusedError(ProblemError("not_found").problem(), 404)
        return Coordination.model_validate_json(json.dumps(statistics_examples.COORDINATION))

    @override
    async def status(self, query_jws: str) -> Status:
        _, claims = jose.peek(query_jws)
        try:
            return self._known[claims["reference_code"]]
        except KeyError:
            raise RefusedError(ProblemError("not_found").problem(), 404) from None


@dataclass
class World:
    network: Network
    places: dict[str, Place] = field(default_factory=dict)
    states: dict[str, Status] = field(default_factory=dict)
    arguments: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def shelter(self) -> Place:
        return self.places[SHELTER]

    @property
    def institute(self) -> Place:
        return self.places[INSTITUTE]

    @property
    def consulate(self) -> Place:
        return self.places[CONSULATE]

    def settle(self) -> None:
        """Carries every envelope, as the gateways would."""
        answers = asyncio.run(self.network.settle())
        assert [answer.result for answer in answers if answer.result == "refused"] == []


@contextmanager
def a_world(folder: Path) -> Iterator[World]:
    with ExitStack() as stack:
        world = World(Network(FixedClock(START)))
        for institution in (SHELTER, INSTITUTE, CONSULATE):
            database = Database(f"sqlite:///{folder / institution}.db")
            stack.callback(database.close)
            member = stack.enter_context(
                a_member(world.network, institution, folder, database, pinning="confirmed")
            )
            member.node.gateway = _Gateway(world.network, institution, world.states)
            world.places[institution] = stack.enter_context(_answering(member, folder))
        pin_each_other(world.network)
        yield world


@contextmanager
def _answering(member: Member, folder: Path) -> Iterator[Place]:
    """The member's node with a real issuer of real time beside it."""
    settings = issuer_settings(
        member.settings.model_copy(
            update={"issuer_database_url": f"sqlite:///{folder / member.id}-auth.db"}
        )
    )
    issuer_clients.migrate_issuer(settings)
    issuer = auth_main.create_app(settings, clock=SystemClock())
    member.app.state.token_verifier = TokenVerifier(
        issuer=member.settings.base_url,
        audience=member.settings.base_url,
        fetch=asking(issuer),
        clock=SystemClock(),
    )
    app = Interrupted(Beside(member.app, issuer))
    with served(app) as port:
        yield Place(member, app, f"http://{HOST}:{port}", folder, settings)


class Both:
    """An `AsyncRelevo` that answers like a `Relevo`, so that one test serves both."""

    def __init__(self, client: AsyncRelevo, loop: asyncio.AbstractEventLoop) -> None:
        self._client = client
        self._loop = loop

    def __getattr__(self, name: str) -> Any:
        return _Nouns(getattr(self._client, name), self._loop)


class _Nouns:
    def __init__(self, group: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._group = group
        self._loop = loop

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._group, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            made = method(*args, **kwargs)
            if asyncio.iscoroutine(made):
                return self._loop.run_until_complete(made)
            return self._drained(made)

        return call

    def _drained(self, items: Any) -> Iterator[Any]:
        try:
            while True:
                try:
                    item = self._loop.run_until_complete(anext(items))
                except StopAsyncIteration:
                    return
                yield item
        finally:
            self._loop.run_until_complete(items.aclose())


class Clients:
    """Makes clients of one kind and closes them."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._stack = ExitStack()
        self._loop = asyncio.new_event_loop()

    def __call__(self, *args: Any, **settings: Any) -> Any:
        if self.kind == "blocking":
            return self._stack.enter_context(Relevo(*args, **settings))
        client = AsyncRelevo(*args, **settings)
        self._stack.callback(lambda: self._loop.run_until_complete(client.aclose()))
        return Both(client, self._loop)

    def close(self) -> None:
        self._stack.close()
        self._loop.close()
