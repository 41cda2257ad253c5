"""An institution without an open port, as far as its gateway sees it."""

from typing import Any, Final

from relevo.contracts.exchange import MailboxLease
from relevo.contracts.problem import ProblemError
from relevo.gateway.storage import deliveries
from tests.gateway.federation import Institution, RunningGateway, claims_of

LEASES: Final = "/v1/mailbox/leases"


async def lease(
    gateway: RunningGateway, owner: Institution, *, limit: int = 100, wait_seconds: int = 0
) -> MailboxLease:
    body = {"limit": limit, "wait_seconds": wait_seconds}
    response = await gateway.post(LEASES, owner.id, body)
    assert response.status_code == 200, response.text
    assert len(response.content) <= 1024 * 1024
    return MailboxLease.model_validate_json(response.content)


def taken(held: MailboxLease, **refused: ProblemError) -> dict[str, Any]:
    """Everything accepted, but for what is refused."""
    answers: list[dict[str, Any]] = []
    for jws in held.envelopes:
        message_id = claims_of(jws)["jti"]
        problem = refused.get(message_id)
        if problem is None:
            answers.append({"message_id": message_id, "result": "accepted"})
        else:
            said = problem.problem().model_dump(mode="json", exclude_none=True)
            answers.append({"message_id": message_id, "result": "refused", "problem": said})
    return {"answers": answers}


async def acknowledge(
    gateway: RunningGateway, owner: Institution, held: MailboxLease, **refused: ProblemError
) -> int:
    path = f"{LEASES}/{held.lease_id}/acknowledgements"
    response = await gateway.post(path, owner.id, taken(held, **refused))
    return response.status_code


async def fetch_all(
    gateway: RunningGateway, owner: Institution, **refused: ProblemError
) -> list[MailboxLease]:
    found = []
    while (held := await lease(gateway, owner)).lease_id is not None:
        assert await acknowledge(gateway, owner, held, **refused) == 204
        found.append(held)
    return found


def state_of(gateway: RunningGateway, envelope: str) -> deliveries.Delivery:
    ids = [claims_of(envelope)["jti"]]
    [found] = gateway.gateway.database.read_now(deliveries.get_many, ids)
    return found
