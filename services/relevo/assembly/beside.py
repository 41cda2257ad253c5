"""Two applications behind one port: the issuer's paths go to the issuer, the rest to the service."""

import contextlib
from collections.abc import AsyncIterator
from typing import Final

import httpx
from fastapi import FastAPI
from starlette.routing import Router
from starlette.types import Message, Receive, Scope, Send

from relevo.servicekit.issuer_statements import Fetch

ISSUER_PATHS: Final = ("/oauth/", "/.well-known/oauth-authorization-server")
READY_PATH: Final = "/readyz"


def asking(issuer: FastAPI) -> Fetch:
    """Reads what an issuer publishes without a detour over the network.

    So an institution whose link is down still knows its own systems.
    """
    transport = httpx.ASGITransport(app=issuer)

    async def fetch(url: str) -> bytes:
        async with httpx.AsyncClient(transport=transport) as http:
            answer = await http.get(url)
            return answer.raise_for_status().content

    return fetch


class Beside:
    """A service and its issuer as one ASGI application."""

    def __init__(self, service: FastAPI, issuer: FastAPI) -> None:
        self.service = service
        self.issuer = issuer
        self._lifespans = Router(lifespan=self._both)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespans(scope, receive, send)
        elif scope["path"].startswith(ISSUER_PATHS):
            await self.issuer(scope, receive, send)
        elif scope["path"] == READY_PATH:
            await self._ready(scope, receive, send)
        else:
            await self.service(scope, receive, send)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Both applications started, without a server: for workers alone."""
        async with contextlib.AsyncExitStack() as stack:
            for app in (self.issuer, self.service):
                await stack.enter_async_context(app.router.lifespan_context(app))
            yield

    @contextlib.asynccontextmanager
    async def _both(self, _: Router) -> AsyncIterator[None]:
        async with self.running():
            yield

    async def _ready(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Ready means that both are: without its issuer the service lets nobody in.
        kept: list[Message] = []

        async def keep(message: Message) -> None:
            kept.append(message)

        await self.issuer(dict(scope), receive, keep)
        if kept[0]["status"] == httpx.codes.OK:
            await self.service(scope, receive, send)
            return
        for message in kept:
            await send(message)
