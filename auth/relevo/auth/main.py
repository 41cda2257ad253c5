"""The issuer as an ASGI application, alone or beside a node or gateway."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from importlib.metadata import version

from fastapi import FastAPI

from relevo.auth.api import clients, oauth, published
from relevo.auth.api.oauth import FORM
from relevo.auth.api.oauth_errors import answer_oauth_error
from relevo.auth.api.state import AuthState
from relevo.auth.config import AuthSettings
from relevo.auth.domain.oauth_error import OAuthError
from relevo.auth.operations.context import Issuer
from relevo.auth.operations.issue_tokens import TokenDesk
from relevo.auth.operations.purge import purge
from relevo.auth.operations.revocations import read_revocations
from relevo.auth.operations.signing_keys import current_key, read_jwks
from relevo.servicekit.access_token import TokenVerifier
from relevo.servicekit.application import add_health, add_routes
from relevo.servicekit.clock import Clock, SystemClock
from relevo.servicekit.database import Database
from relevo.servicekit.issuer_statements import KEYS_PATH
from relevo.servicekit.limits import LimitsMiddleware
from relevo.servicekit.logging import AccessLogMiddleware
from relevo.servicekit.migrations import is_current
from relevo.servicekit.openapi import install_openapi, operation_id
from relevo.servicekit.problems import install_problem_handlers
from relevo.servicekit.worker import Worker

PACKAGE = "relevo.auth"

_DESCRIPTION = """OAuth 2.0 authorization server of one trust boundary: an institution's own systems,
or the nodes and peer gateways of a gateway. Client credentials only; no token crosses a border."""


def create_app(
    settings: AuthSettings, *, database: Database | None = None, clock: Clock | None = None
) -> FastAPI:
    """One issuer.

    Args:
        settings: Its `base_url` is the issuer identifier.
        database: Already open and closed by whoever gives it; by default the settings' one is
            opened when the application starts.
        clock: Its security time counts.
    """
    the_clock = clock or SystemClock()

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        opened = database or Database(settings.database_url)
        if database is None:
            _attach(app, Issuer(settings, opened, the_clock))
        issuer = app.state.auth.issuer
        worker = Worker("auth-purge", lambda: purge(issuer), idle_seconds=settings.purge_seconds)
        app.state.worker = worker
        running = asyncio.create_task(worker.run())
        try:
            yield
        finally:
            worker.stop()
            await running
            if database is None:
                await opened.aclose()

    app = FastAPI(
        title="Relevo issuer",
        version=version("relevo"),
        description=_DESCRIPTION,
        lifespan=lifespan,
        generate_unique_id_function=operation_id,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.worker = None
    if database is not None:
        _attach(app, Issuer(settings, database, the_clock))
    add_routes(app, oauth.router, published.router, clients.router)
    add_health(app, _checks(app))
    install_problem_handlers(app)
    app.add_exception_handler(OAuthError, answer_oauth_error)
    app.add_middleware(
        LimitsMiddleware,
        body_limits={"/oauth/": 64 * 1024},
        media_types={"/oauth/token": (FORM,), "/oauth/revoke": (FORM,)},
    )
    app.add_middleware(AccessLogMiddleware)
    install_openapi(app)
    return app


def _attach(app: FastAPI, issuer: Issuer) -> None:
    app.state.auth = AuthState(issuer, TokenDesk(issuer))

    async def own_statements(url: str) -> bytes:
        # The issuer checks its administrators' tokens like any resource server, without a detour
        # over the network.
        if url.endswith(KEYS_PATH):
            return json.dumps(await read_jwks(issuer)).encode()
        return (await read_revocations(issuer)).encode()

    app.state.token_verifier = TokenVerifier(
        issuer=issuer.issuer, audience=issuer.issuer, fetch=own_statements, clock=issuer.clock
    )


def _checks(app: FastAPI) -> dict[str, Callable[[], Awaitable[None]]]:
    def issuer() -> Issuer:
        found = app.state.auth.issuer
        if not isinstance(found, Issuer):
            raise TypeError("the application has not started")
        return found

    async def database() -> None:
        # A write, which also opens the signing key.
        await issuer().database.write(current_key, issuer())

    async def migrations() -> None:
        if not await asyncio.to_thread(is_current, issuer().database, PACKAGE):
            raise RuntimeError("run: relevo auth migrate")

    async def workers() -> None:
        worker = app.state.worker
        if worker is None or not worker.running:
            raise RuntimeError("the purge worker does not run")

    return {"database": database, "migrations": migrations, "workers": workers}
