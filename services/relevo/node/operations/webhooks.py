"""Webhooks: who is told, and telling them."""

import base64
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from relevo.contracts.problem import FieldError, ProblemError
from relevo.node.clients.webhook_target import WebhookTarget
from relevo.node.storage import feed, webhooks
from relevo.node.storage.webhooks import Webhook
from relevo.servicekit.access_token import Caller
from relevo.servicekit.address_guard import check_url
from relevo.servicekit.backoff import delay_seconds
from relevo.servicekit.http_client import RefusedError, RetryableError
from relevo.servicekit.ids import new_id

from .context import Node
from .read import cloud_event
from .visibility import party_of

__all__ = [
    "NewWebhook",
    "Webhook",
    "add_webhook",
    "list_webhooks",
    "remove_webhook",
    "tell_webhooks",
]

_log = structlog.get_logger()
_GIVEN_UP_AFTER: Final = timedelta(days=5)
_UNTIL_ASKED_AGAIN: Final = timedelta(minutes=1)
_MOST_PER_CLIENT: Final = 10
_SECRET_KEY: Final = "webhook"  # noqa: S105 - the name of a sealed place


@dataclass(frozen=True)
class NewWebhook:
    """A subscription and its secret, shown this once."""

    webhook: Webhook
    secret: str


async def add_webhook(node: Node, caller: Caller, url: str) -> NewWebhook:
    """Subscribes an address to events from now on.

    Raises:
        ProblemError: `invalid_input`, the address may not be called or there are too many.
    """
    party = party_of(node, caller)
    try:
        if not node.settings.allow_private_addresses:
            check_url(url)
    except RefusedError as error:
        raise _refused("only https to public addresses is called") from error
    if len(await node.database.read(webhooks.of_client, caller.client_id)) >= _MOST_PER_CLIENT:
        raise _refused(f"at most {_MOST_PER_CLIENT} webhooks a client")
    secret = "whsec_" + base64.b64encode(os.urandom(24)).decode()
    hook_id, key_id = new_id(), node.vault.new_key()
    sealed = key_id.encode() + node.vault.seal(key_id, secret, place=f"{_SECRET_KEY}/{hook_id}")
    now = node.clock.security()
    hook = Webhook(
        id=hook_id,
        client_id=caller.client_id,
        party=party,
        url=url,
        sealed_secret=sealed,
        position=await node.database.read(feed.last_position),
        state="active",
        failures=0,
        failing_since=None,
        due_at=now,
        created_at=now,
    )
    await node.database.write(webhooks.add, hook)
    return NewWebhook(hook, secret)


def _refused(why: str) -> ProblemError:
    return ProblemError("invalid_input", errors=[FieldError(pointer="/url", detail=why)])


async def list_webhooks(node: Node, caller: Caller) -> list[Webhook]:
    """The caller's own subscriptions."""
    party_of(node, caller)
    return await node.database.read(webhooks.of_client, caller.client_id)


async def remove_webhook(node: Node, caller: Caller, webhook_id: str) -> None:
    """Ends a subscription.

    Raises:
        ProblemError: `not_found`.
    """
    party_of(node, caller)
    if not await node.database.write(webhooks.remove, caller.client_id, webhook_id):
        raise ProblemError("not_found")


async def tell_webhooks(
    node: Node, target: WebhookTarget, is_suspended: Callable[[str], Awaitable[bool]]
) -> bool:
    """Posts what is due, one event per call and in order. True when something was told.

    Whoever is let in no more is told nothing: else who left would go on learning when something
    happens. What came meanwhile is told if the client is resumed.

    Raises:
        ProblemError: `unavailable`: nobody can say who is suspended.
    """
    now = node.clock.security()
    newest = await node.database.read(feed.last_position)
    told = False
    for hook in await node.database.read(webhooks.due, now, newest=newest):
        if await is_suspended(hook.client_id):
            await node.database.write(webhooks.put_off, hook.id, now + _UNTIL_ASKED_AGAIN)
        else:
            told = await _tell_one(node, target, hook, now) or told
    return told


async def _tell_one(node: Node, target: WebhookTarget, hook: Webhook, now: datetime) -> bool:
    party = None if hook.party == node.institution else hook.party
    events = await node.database.read(feed.after, hook.position, limit=50, party=party)
    key_id, sealed = hook.sealed_secret[:36].decode(), hook.sealed_secret[36:]
    secret: str = node.vault.open(key_id, sealed, place=f"{_SECRET_KEY}/{hook.id}")
    for event in events:
        try:
            await target.post(
                hook.url, secret, event_id=event.id, at=now, event=cloud_event(node, event)
            )
        except (RetryableError, RefusedError):
            await _postpone(node, hook, now)
            return False
        await node.database.write(webhooks.advance, hook.id, event.position, now=now)
    if not events:
        # All that is new belongs to other units.
        newest = await node.database.read(feed.last_position)
        await node.database.write(webhooks.advance, hook.id, newest, now=now)
    return True


async def _postpone(node: Node, hook: Webhook, now: datetime) -> None:
    failures = hook.failures + 1
    since = hook.failing_since or now
    state = "failed" if now - since > _GIVEN_UP_AFTER else "active"
    await node.database.write(
        webhooks.postpone,
        hook.id,
        failures=failures,
        failing_since=since,
        due_at=now + timedelta(seconds=delay_seconds(failures, cap=60.0, jitter=0.5)),
        state=state,
    )
    _log.warning("webhook_not_delivered", attempt=failures)
