"""The gateway as an application: its parts are made here and nowhere else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI

from relevo.servicekit.access_token import TokenVerifier
from relevo.servicekit.application import add_routes, new_application
from relevo.servicekit.clock import Clock, SandboxClock, SystemClock
from relevo.servicekit.database import Database
from relevo.servicekit.health import Check
from relevo.servicekit.http_client import outbound_http
from relevo.servicekit.issuer_statements import Fetch
from relevo.servicekit.migrations import is_current
from relevo.servicekit.pathway_files import add_pathways
from relevo.servicekit.vocabularies import vocabulary_router
from relevo.servicekit.worker import Worker

from .api import (
    blobs,
    deliveries,
    follow_up_requests,
    grants,
    institutions,
    ledger,
    mailbox,
    messages,
    services,
    statistics,
    status_queries,
    withdrawal_requests,
)
from .api import directory as directory_api
from .api.dependencies import Service
from .clients.outbound import Outbound
from .config import GatewaySettings
from .domain.policy import Policy
from .operations.accept import Acceptance
from .operations.context import Gateway, GatewayKeys
from .operations.deliver import Deliverer
from .operations.directory import Directory
from .operations.find_services import ServiceFinder
from .operations.follow_up import FollowUpDesk
from .operations.mailbox import Mailboxes
from .operations.signed_queries import SignedQueries
from .operations.status import StatusDesk
from .operations.withdrawal_requests import WithdrawalDesk
from .workers.deliver import DeliveryWorker, blob_worker, expiry_worker
from .workers.witness import witness_worker

PACKAGE = "relevo.gateway"
VERSION = "0.1.0"
_BATCH_BODY_BYTES = 2 * 1024 * 1024
"""A mebibyte of envelopes, and the receipts that ride along."""
_ROUTERS = (
    messages.router,
    blobs.router,
    mailbox.router,
    status_queries.router,
    withdrawal_requests.router,
    follow_up_requests.router,
    grants.router,
    directory_api.router,
    services.router,
    institutions.router,
    ledger.router,
    deliveries.router,
    statistics.router,
    vocabulary_router(),
)


def make_gateway(
    settings: GatewaySettings,
    *,
    database: Database | None = None,
    clock: Clock | None = None,
    http: httpx.AsyncClient | None = None,
) -> Gateway:
    """What operations work with; the command line needs no more. Close it with `aclose`.

    Raises:
        MissingKeysError: `relevo gateway init` has not been run.
    """
    add_pathways(settings.pathway_directory)
    clock = clock or make_clock(settings)
    keys = GatewayKeys.load(settings)
    return Gateway(
        settings=settings,
        database=database or Database(settings.database_url),
        clock=clock,
        keys=keys,
        policy=Policy.load(settings.policy_directory),
        outbound=Outbound(
            client_id=settings.gateway,
            key=keys.client,
            clock=clock,
            http=http,
            allow_private=settings.allow_private_addresses,
            proxy=settings.outbound_proxy,
        ),
        owns_database=database is None,
    )


def make_clock(settings: GatewaySettings) -> Clock:
    if settings.sandbox_clock_file is not None:
        return SandboxClock(settings.sandbox_clock_file)
    return SystemClock()


def create_app(
    settings: GatewaySettings,
    *,
    database: Database | None = None,
    clock: Clock | None = None,
    fetch: Fetch | None = None,
    http: httpx.AsyncClient | None = None,
) -> FastAPI:
    """The gateway's application; `app.state.workers` are to be run beside it or in another process.

    Args:
        settings: See `config.py`.
        database: An open one, for tests; otherwise one is opened from the settings.
        clock: A controllable one, for tests and the sandbox.
        fetch: How the issuer's keys are read when it stands in the same process.
        http: How nodes and peers are reached, for tests.
    """
    gateway = make_gateway(settings, database=database, clock=clock, http=http)
    directory = Directory(gateway)
    deliverer = Deliverer(gateway, directory)
    mailboxes = Mailboxes(gateway, directory)
    queries = SignedQueries(gateway, directory)
    delivery_worker = DeliveryWorker(deliverer, mailboxes)
    carrier = blob_worker(gateway)
    workers: list[Worker] = [
        delivery_worker,
        carrier,
        expiry_worker(gateway),
        witness_worker(gateway),
    ]

    def wake() -> None:
        delivery_worker.wake()
        carrier.wake()
        mailboxes.wake()

    gateway.wake = wake
    # Our own issuer, at an address that we were told by our own operator.
    own_http = outbound_http(allow_private=True)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await own_http.aclose()
            await gateway.aclose()

    app = new_application(
        title="Relevo gateway",
        version=VERSION,
        summary="A country's service: routes what it cannot read, and proves what it did.",
        description="Speaks to the nodes of its institutions and to peer gateways.",
        checks=_checks(gateway, workers),
        lifespan=lifespan,
        body_limits={
            "/v1/messages": _BATCH_BODY_BYTES,
            "/v1/relay": _BATCH_BODY_BYTES,
            **blobs.BODY_LIMITS,
        },
        media_types=blobs.MEDIA_TYPES,
    )
    add_routes(app, *_ROUTERS)
    app.state.gateway = gateway
    app.state.own_http = own_http
    app.state.service = Service(
        gateway,
        directory,
        Acceptance(gateway, directory),
        StatusDesk(gateway, queries),
        FollowUpDesk(gateway, queries),
        mailboxes,
        WithdrawalDesk(gateway, queries),
        ServiceFinder(gateway),
    )
    app.state.deliverer = deliverer
    app.state.workers = workers
    app.state.token_verifier = TokenVerifier(
        issuer=settings.base_url,
        audience=settings.base_url,
        fetch=fetch or own_http,
        clock=gateway.clock,
    )
    return app


def _checks(gateway: Gateway, workers: list[Worker]) -> dict[str, Check]:
    async def database() -> None:
        await gateway.database.write(lambda _: None)

    async def migrations() -> None:
        if not await asyncio.to_thread(is_current, gateway.database, PACKAGE):
            raise RuntimeError("run: relevo gateway migrate")

    async def workers_alive() -> None:
        # None of them runs here when they have a process of their own.
        if any(worker.running for worker in workers) and not all(
            worker.running for worker in workers
        ):
            raise RuntimeError("a worker has ended")

    return {"database": database, "migrations": migrations, "workers": workers_alive}
