"""A node with consents, referrals in both directions and a webhook."""

import asyncio
import contextlib
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from typing_extensions import override

from relevo.contracts.institution import DirectoryPage
from relevo.contracts.scopes import Scope
from relevo.contracts.status import Status
from relevo.node.api import examples, follow_ups, returnee_examples
from relevo.servicekit import jose
from relevo.servicekit.clock import FixedClock
from relevo.servicekit.database import Database
from tests.openapi.targets import Target, bearer
from tests.support.nodes import (
    ALL_SCOPES,
    COMPLETION,
    GATEWAY,
    INSTITUTE,
    START,
    GatewayOfTest,
    Member,
    Network,
    a_consent,
    a_member,
    a_submission,
    pin_each_other,
    step,
)
from tests.support.serving import HOST, served

# Sends as a shelter does and receives as an institute does, so that every operation has its use.
_HERE: Final = "mx.casa-del-migrante"


class KnowingGateway(GatewayOfTest):
    """A gateway that knows every code and has a directory."""

    @override
    async def institutions(self, params: dict[str, str]) -> DirectoryPage:
        return DirectoryPage(institutions=[])

    @override
    async def status(self, query_jws: str) -> Status:
        _, claims = jose.peek(query_jws)
        return Status(reference_code=claims["reference_code"], state="received", since=START)


@contextlib.contextmanager
def a_node(folder: Path) -> Iterator[Target]:
    with contextlib.ExitStack() as stack:
        network = Network(FixedClock(START))
        for institution in (_HERE, INSTITUTE):
            database = Database(f"sqlite:///{folder / institution}.db")
            stack.callback(database.close)
            stack.enter_context(
                a_member(network, institution, folder, database, pinning="confirmed")
            )
        pin_each_other(network)
        here = network.members[_HERE]
        here.node.gateway = KnowingGateway(network)
        local, gateway = here.token(ALL_SCOPES), here.token(Scope.MESSAGES_DELIVER, GATEWAY)
        yield Target(
            service="node",
            url=f"http://{HOST}:{stack.enter_context(served(here.app))}",
            database=here.node.database,
            furnish=lambda: asyncio.run(_furnish(network, here)),
            credentials=lambda path, _, __: bearer(gateway if path == "/v1/inbox" else local),
        )


async def _furnish(network: Network, here: Member) -> dict[str, str]:
    there = network.members[INSTITUTE]
    pin_each_other(network)  # again, whatever was confirmed in the meantime
    for member in network.members.values():
        member.directory.forget(_HERE)
        member.directory.forget(INSTITUTE)
    opted_in = {
        **examples.CONSENT,
        "purposes": [*examples.CONSENT["purposes"], "follow_up"],
        "recipients": [
            *examples.CONSENT["recipients"],
            {"party": _HERE, "only": ["follow_up"]},
        ],
    }
    consent = await _post(here, "/v1/consents", opted_in)
    referral = {**examples.SUBMISSION, "consent_ids": [consent["id"]]}
    sent = await _post(here, "/v1/referrals", referral)
    named = [{"party": _HERE}, {"party": INSTITUTE, "only": ["follow_up"]}]
    purposes = ["service_delivery", "follow_up"]
    given = a_consent(recipients=named, purposes=purposes)
    theirs = await _post(there, "/v1/consents", given)
    received = await _post(there, "/v1/referrals", a_submission(theirs["id"], receiver=_HERE))
    await network.settle()
    for taken in ({"to": "accepted"}, COMPLETION):
        assert (await step(there, sent["id"], **taken)).status_code == 200
    await network.settle()
    returnee = await _post(here, "/v1/returnees", returnee_examples.INPUT)
    return {
        **await _follow_ups(
            network,
            asker=here,
            code=sent["reference_code"],
            code_of_theirs=received["reference_code"],
        ),
        returnee_examples.RETURNEE_ID: returnee["id"],
        returnee_examples.MANIFEST_ID: await _a_list(here),
        examples.CONSENT_ID: consent["id"],
        examples.REFERRAL_ID: received["id"],
        examples.SENT_REFERRAL_ID: sent["id"],
        examples.REFERENCE_CODE: sent["reference_code"],
        examples.WEBHOOK_ID: await _a_webhook(here),
    }


async def _follow_ups(
    network: Network, *, asker: Member, code: str, code_of_theirs: str
) -> dict[str, str]:
    """One that is asked for, and one to carry out: somebody answered, and an attempt is open."""
    window = {
        "window_from": (START - timedelta(days=1)).isoformat(),
        "window_until": (START + timedelta(days=60)).isoformat(),
    }
    there, path = network.members[INSTITUTE], "/v1/follow-ups"
    asked = await _post(asker, path, {**window, "reference_code": code})
    held = await _post(there, path, {**window, "reference_code": code_of_theirs})
    await network.settle()
    one = f"{path}/{held['id']}"
    async with asker.http() as http:
        await http.post(f"{one}/transitions", json={"to": "accepted"})
        await _post(asker, f"{one}/attempts", {"modality": "call"})
        answered = {"outcome": "answered", "pass_phrase": "la milpa ya espigó"}
        done = await http.post(f"{one}/attempts/1/outcome", json=answered)
        assert done.status_code == 200, done.text
    await _post(asker, f"{one}/attempts", {"modality": "call"})
    return {follow_ups.ASKED_ID: asked["id"], follow_ups.HELD_ID: held["id"]}


async def _a_webhook(here: Member) -> str:
    async with here.http() as http:
        for old in (await http.get("/v1/webhooks")).json():
            await http.delete(f"/v1/webhooks/{old['id']}")
    made = await _post(here, "/v1/webhooks", {"url": "https://system.example/relevo"})
    return str(made["id"])


async def _a_list(here: Member) -> str:
    async with here.http() as http:
        answer = await http.post(
            "/v1/manifests",
            params={"reference": "GT-2026-03-02-AA123"},
            content=returnee_examples.CSV.encode(),
            headers={"content-type": "text/csv"},
        )
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


async def _post(member: Member, path: str, body: dict[str, Any]) -> dict[str, Any]:
    async with member.http() as http:
        answer = await http.post(path, json=body, headers={"idempotency-key": str(uuid.uuid4())})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made
