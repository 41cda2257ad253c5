"""`/v1/webhooks`: addresses that are told of events, with Standard Webhooks signatures."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Response
from pydantic import Field

from relevo.contracts.identifiers import Uuid
from relevo.contracts.institution import HttpUrl
from relevo.contracts.model import ContractModel, Moment
from relevo.contracts.scopes import Scope
from relevo.node.operations import webhooks
from relevo.node.operations.webhooks import Webhook
from relevo.servicekit.access_token import Caller
from relevo.servicekit.openapi import answer, link, request_example
from relevo.servicekit.problems import problem_responses
from relevo.servicekit.require_scope import require

from . import examples
from .dependencies import NodeHere

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])


class WebhookAddress(ContractModel):
    """Where to post events."""

    url: HttpUrl


class WebhookView(ContractModel):
    """A subscription. `failed` after five days without one success; make a new one."""

    id: Uuid
    url: str
    state: Literal["active", "failed"]
    failures: int
    created_at: Moment


class CreatedWebhook(WebhookView):
    """The secret is shown this once."""

    secret: str = Field(description="Standard Webhooks secret, `whsec_…`.")


@router.post(
    "",
    status_code=201,
    summary="Subscribe an address",
    description="It is told of every event that this client may see, with ids only. The answer holds the "
    "secret that signatures are checked with.",
    responses=answer(
        201,
        "Subscribed.",
        {**examples.WEBHOOK, "secret": "whsec_c2hvd24gdGhpcyBvbmNlLCBrZWVwIGl0IHNhZmU="},
        link("delete_webhook", "End it.", webhook_id="$response.body#/id"),
    )
    | problem_responses("invalid_input", "not_yours"),
    openapi_extra=request_example({"url": examples.WEBHOOK["url"]}),
)
async def post_webhook(
    body: WebhookAddress, node: NodeHere, caller: Annotated[Caller, require(Scope.EVENTS_READ)]
) -> CreatedWebhook:
    made = await webhooks.add_webhook(node, caller, body.url)
    return CreatedWebhook(**_view(made.webhook).model_dump(), secret=made.secret)


@router.get(
    "",
    summary="List one's subscriptions",
    description="Those of the client that asks, without their secrets.",
    responses=answer(
        200,
        "All of them.",
        [examples.WEBHOOK],
        link("delete_webhook", "End the first.", webhook_id="$response.body#/0/id"),
    )
    | problem_responses("not_yours"),
)
async def list_webhooks(
    node: NodeHere, caller: Annotated[Caller, require(Scope.EVENTS_READ)]
) -> list[WebhookView]:
    return [_view(hook) for hook in await webhooks.list_webhooks(node, caller)]


@router.delete(
    "/{webhook_id}",
    status_code=204,
    summary="End a subscription",
    description="Nothing more is sent there, what was waiting included.",
    responses=answer(204, "Ended.") | problem_responses("not_found", "not_yours", "invalid_input"),
)
async def delete_webhook(
    webhook_id: Annotated[
        Uuid, Path(description="The subscription's id.", examples=[examples.WEBHOOK_ID])
    ],
    node: NodeHere,
    caller: Annotated[Caller, require(Scope.EVENTS_READ)],
) -> Response:
    await webhooks.remove_webhook(node, caller, webhook_id)
    return Response(status_code=204)


def _view(hook: Webhook) -> WebhookView:
    return WebhookView(
        id=hook.id,
        url=hook.url,
        state="active" if hook.state == "active" else "failed",
        failures=hook.failures,
        created_at=hook.created_at,
    )
