"""The node as an application: its parts are made here and nowhere else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI

from relevo.contracts.institution import Welcome
from relevo.servicekit import jose
from relevo.servicekit.access_token import TokenVerifier
from relevo.servicekit.application import add_routes, new_application
from relevo.servicekit.clock import Clock, SandboxClock, SystemClock
from relevo.servicekit.database import Database
from relevo.servicekit.health import Check
from relevo.servicekit.http_client import ServiceClient, outbound_http
from relevo.servicekit.issuer_statements import Fetch
from relevo.servicekit.migrations import is_current
from relevo.servicekit.oauth_client import TokenSource
from relevo.servicekit.pathway_files import add_pathways
from relevo.servicekit.vocabularies import vocabulary_router
from relevo.servicekit.worker import Worker

from .api import (
    attachments,
    attestations,
    break_glass,
    consents,
    events,
    follow_up_calendar,
    follow_ups,
    handovers,
    inbox,
    manifests,
    notices,
    pathways,
    peers,
    referral_messages,
    referrals,
    returnees,
    reviews,
    safety_alerts,
    sealed_records,
    services,
    splits,
    statistics,
    status_queries,
    webhooks,
    withdrawals,
)
from .clients.gateway import GatewayClient
from .clients.webhook_target import WebhookTarget
from .config import NodeSettings
from .operations.context import CLIENT, Node, NodeKeys
from .operations.directory import Directory
from .operations.send import SubmissionDesk
from .storage.vault import Vault
from .workers.carry import carry_worker
from .workers.clocks import clock_worker
from .workers.intake import intake_worker
from .workers.mailbox import MailboxWorker
from .workers.notify import notify_worker
from .workers.paper_withdrawals import paper_withdrawal_worker
from .workers.protection import protection_worker
from .workers.redirect import redirect_worker
from .workers.reindex import reindex_worker
from .workers.relay import relay_worker
from .workers.revocations import revocation_worker
from .workers.upkeep import upkeep_worker

PACKAGE = "relevo.node"
VERSION = "0.1.0"
_ROUTERS = (
    referrals.router,
    referral_messages.router,
    attachments.router,
    attestations.router,
    consents.router,
    notices.router,
    pathways.router,
    withdrawals.router,
    events.router,
    statistics.router,
    webhooks.router,
    status_queries.router,
    follow_ups.router,
    follow_up_calendar.router,
    safety_alerts.router,
    peers.router,
    services.router,
    returnees.router,
    reviews.router,
    manifests.router,
    handovers.router,
    splits.router,
    sealed_records.router,
    break_glass.router,
    vocabulary_router(),
)
_JOIN_SECONDS = 2.0
WOKEN = frozenset({"relay", "notify", "mailbox"})
"""Workers that a change of a referral has work for. The others look at the clock."""


def create_app(
    settings: NodeSettings,
    *,
    database: Database | None = None,
    clock: Clock | None = None,
    fetch: Fetch | None = None,
) -> FastAPI:
    """The node's application; `app.state.workers` are to be run beside it or in another process.

    Args:
        settings: See `config.py`.
        database: An open one, for tests; otherwise one is opened from the settings.
        clock: A controllable one, for tests and the sandbox.
        fetch: How the issuer's keys are read when it stands in the same process.
    """
    add_pathways(settings.pathway_directory)
    owns_database = database is None
    opened = database or Database(settings.database_url)
    http = outbound_http(
        allow_private=settings.allow_private_addresses, proxy=settings.outbound_proxy
    )
    # An institution's own systems are on its own network, which no proxy leads to.
    local_http = outbound_http(allow_private=settings.allow_private_addresses)
    node = Node(
        settings=settings,
        database=opened,
        clock=clock or make_clock(settings),
        vault=Vault(
            Database(settings.data_key_database_url, pool_size=2),
            settings.master_key_path.read_bytes(),
        ),
        keys=NodeKeys.load(settings),
        gateway=GatewayClient(),
    )
    directory = Directory(node)
    verifier = TokenVerifier(
        issuer=settings.base_url,
        audience=settings.base_url,
        fetch=fetch or local_http,
        clock=node.clock,
    )
    workers = [
        relay_worker(node, directory),
        notify_worker(
            node,
            WebhookTarget(
                ServiceClient(
                    http=local_http,
                    allow_private=settings.allow_private_addresses,
                    deadline_seconds=15,
                )
            ),
            verifier.is_suspended,
        ),
        carry_worker(node),
        upkeep_worker(node),
        intake_worker(node),
        reindex_worker(node),
        clock_worker(node),
        redirect_worker(node, directory),
        paper_withdrawal_worker(node),
        protection_worker(node, directory),
        revocation_worker(node),
    ]
    if settings.delivery == "mailbox":
        workers.append(MailboxWorker(node, directory))

    def wake(*also: str) -> None:
        for worker in workers:
            if worker.name in WOKEN or worker.name in also:
                worker.wake()

    node.wake = wake

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        joining = asyncio.create_task(_connect_when_joined(node, directory, http))
        try:
            yield
        finally:
            joining.cancel()
            await asyncio.gather(joining, return_exceptions=True)
            await http.aclose()
            await local_http.aclose()
            node.vault.close()
            if owns_database:
                await opened.aclose()

    app = new_application(
        title="Relevo node",
        version=VERSION,
        summary="An institution's own service: submit, receive and answer referrals.",
        description="Speaks to the institution's own systems and to its gateway.",
        checks=_checks(node, workers),
        lifespan=lifespan,
        body_limits={
            "/v1/inbox": 2 * 1024 * 1024,
            attachments.PATH: settings.max_attachment_bytes,
            **manifests.BODY_LIMITS,
        },
        media_types={**manifests.MEDIA_TYPES, **attachments.MEDIA_TYPES},
    )
    add_routes(app, *_ROUTERS)
    if settings.delivery == "push":
        add_routes(app, inbox.router)
    app.state.node = node
    app.state.directory = directory
    app.state.submissions = SubmissionDesk(node, directory)
    app.state.workers = workers
    app.state.token_verifier = verifier
    return app


def _checks(node: Node, all_workers: list[Worker]) -> dict[str, Check]:
    async def database() -> None:
        await node.database.write(lambda _: None)

    async def migrations() -> None:
        if not await asyncio.to_thread(is_current, node.database, PACKAGE):
            raise RuntimeError("run: relevo node migrate")

    async def keys() -> None:
        if not node.keys.signing or not node.keys.encryption:
            raise RuntimeError("run: relevo node init")

    async def workers() -> None:
        # None of them runs here when they have a process of their own.
        running = [worker.running for worker in all_workers]
        if any(running) and not all(running):
            raise RuntimeError("a worker has ended")

    return {"database": database, "migrations": migrations, "keys": keys, "workers": workers}


def make_clock(settings: NodeSettings) -> Clock:
    """The real clock, or the sandbox's."""
    if settings.sandbox_clock_file is not None:
        return SandboxClock(settings.sandbox_clock_file)
    return SystemClock()


async def _connect_when_joined(node: Node, directory: Directory, http: httpx.AsyncClient) -> None:
    """Begins to use the gateway as soon as the node has joined one; no restart is needed."""
    while True:
        try:
            welcome = await directory.home()
        except Exception:  # noqa: BLE001 - not joined yet, or the database is still being migrated
            await asyncio.sleep(_JOIN_SECONDS)
            continue
        node.gateway.connect(gateway_service(node, welcome, http), welcome.gateway_url)
        node.wake()
        return


def gateway_service(node: Node, welcome: Welcome, http: httpx.AsyncClient) -> ServiceClient:
    """Calls to the home gateway, with DPoP-bound tokens of its issuer."""
    settings = node.settings
    key = jose.load_keys(settings.key_directory, CLIENT)[0]
    tokens = TokenSource(
        issuer=welcome.gateway_url,
        client_id=welcome.client_id,
        key=key,
        http=http,
        clock=node.clock,
        dpop_key=key,
    )
    return ServiceClient(tokens, http=http, allow_private=settings.allow_private_addresses)


def workers_of(app: FastAPI) -> list[Worker]:
    """The workers that belong to an application."""
    found: list[Worker] = app.state.workers
    return found
