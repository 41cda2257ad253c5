"""Somebody holds the paper and asks to withdraw: carried to whoever referred her, answered always alike."""

from typing import Any

import httpx
import pytest

from relevo.contracts.identifiers import country_of
from relevo.contracts.withdrawal import WITHDRAWAL_REQUEST_TYP, WithdrawalRequest
from relevo.servicekit import jose
from relevo.servicekit.ids import new_reference_code, random_id
from tests.gateway.federation import Institution, RunningGateway, claims_of

pytestmark = pytest.mark.asyncio

CHECK = "A" * 43


def a_request(asked: Institution, code: str, gateway: RunningGateway) -> dict[str, str]:
    now = int(gateway.clock.now.timestamp())
    request = WithdrawalRequest(
        iss=asked.id,
        aud=f"gateway.{country_of(code.replace('-', '.')).lower()}",
        jti=random_id(),
        iat=now,
        exp=now + 120,
        reference_code=code,
        phrase_check=CHECK,
    )
    return {"query": jose.sign(request.model_dump(), asked.signing, typ=WITHDRAWAL_REQUEST_TYP)}


async def ask(gateway: RunningGateway, asked: Institution, code: str) -> httpx.Response:
    body = a_request(asked, code, gateway)
    return await gateway.post("/v1/withdrawal-requests", asked.id, body)


async def fetch(gateway: RunningGateway, whose: Institution, *taken: str) -> list[dict[str, Any]]:
    path = "/v1/withdrawal-requests/waiting"
    answer = await gateway.post(path, whose.id, {"taken": list(taken)})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["requests"]
    return found


async def a_code(mx: RunningGateway, sender: Institution, receiver: Institution) -> str:
    envelope = sender.envelope(
        receiver.id, now=mx.clock.now, grants=[sender.grant(receiver.id, now=mx.clock.now)]
    )
    [answer] = await mx.send(sender, envelope)
    assert answer.result == "accepted", answer.problem
    return str(claims_of(envelope)["reference_code"])


async def test_it_reaches_whoever_referred_her_and_nobody_else(
    mx: RunningGateway, albergue: Institution, casa: Institution
) -> None:
    code = await a_code(mx, albergue, casa)
    assert (await ask(mx, casa, code)).json() == {"taken": True}
    [waiting] = await fetch(mx, albergue)
    assert (waiting["reference_code"], waiting["phrase_check"]) == (code, CHECK)
    assert casa.id not in str(waiting)  # at whose desk she stood is told to nobody
    assert await fetch(mx, casa) == []
    # Nobody takes what is for others, and what its institution has is forgotten.
    assert await fetch(mx, casa, waiting["id"]) == []
    assert await fetch(mx, albergue) == [waiting]
    assert await fetch(mx, albergue, waiting["id"]) == []


async def test_it_crosses_the_border_as_it_was_signed(
    mx: RunningGateway, gt: RunningGateway, albergue: Institution, casa: Institution,
    igm: Institution,
) -> None:  # fmt: skip
    code = await a_code(mx, albergue, casa)
    assert (await ask(gt, igm, code)).json() == {"taken": True}
    assert [one["reference_code"] for one in await fetch(mx, albergue)] == [code]


@pytest.mark.usefixtures("gt")
async def test_a_wrong_code_is_answered_like_a_right_one(
    mx: RunningGateway, albergue: Institution, casa: Institution
) -> None:
    code = await a_code(mx, albergue, casa)
    answers = [
        await ask(mx, casa, wanted)
        for wanted in (
            code,
            new_reference_code("MX"),
            new_reference_code("GT"),
            new_reference_code("NI"),
        )
    ]
    assert {(one.status_code, one.content) for one in answers} == {(200, b'{"taken":true}')}
    assert len(await fetch(mx, albergue)) == 1


async def test_whoever_asks_again_and_again_fills_nothing(
    mx: RunningGateway, albergue: Institution, casa: Institution
) -> None:
    code = await a_code(mx, albergue, casa)
    answers = [await ask(mx, casa, code) for _ in range(14)]
    assert {one.status_code for one in answers} == {200}
    assert len(await fetch(mx, albergue)) == 10


async def test_what_the_institution_did_not_sign_is_refused(
    mx: RunningGateway, albergue: Institution, casa: Institution
) -> None:
    code = await a_code(mx, albergue, casa)
    stranger = Institution(casa.id)
    refused = await ask(mx, stranger, code)
    assert refused.json()["type"].endswith("/envelope_signature_invalid")
    forged = await mx.post("/v1/withdrawal-requests", albergue.id, a_request(casa, code, mx))
    assert forged.json()["type"].endswith("/not_yours")
