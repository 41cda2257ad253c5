"""Who carries out a follow-up: told to those whom a live slice names for it, and to nobody else."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from relevo.contracts.follow_up import FOLLOW_UP_QUERY_TYP, FollowUpQuery
from relevo.contracts.identifiers import country_of
from relevo.servicekit import jose
from relevo.servicekit.ids import new_reference_code, random_id
from tests.gateway.federation import (
    Institution,
    RunningGateway,
    claims_of,
    grant_id_of,
    problem_name,
)
from tests.gateway.test_status import a_query as a_status_query
from tests.gateway.test_status import a_referral

pytestmark = pytest.mark.asyncio


def a_query(asker: Institution, code: str, *, now: Any, **changes: Any) -> dict[str, str]:
    claims = {
        "iss": asker.id,
        "aud": f"gateway.{country_of(code.replace('-', '.')).lower()}",
        "jti": random_id(),
        "iat": int(now.timestamp()),
        "exp": int(now.timestamp()) + 120,
        "reference_code": code,
        **changes,
    }
    query = FollowUpQuery.model_validate(claims).model_dump()
    return {"query": jose.sign(query, asker.signing, typ=FOLLOW_UP_QUERY_TYP)}


async def ask(
    gateway: RunningGateway, asker: Institution, code: str, **changes: Any
) -> httpx.Response:
    body = a_query(asker, code, now=gateway.clock.now, **changes)
    return await gateway.post("/v1/follow-up-requests", asker.id, body)


def headers_of(answer: httpx.Response) -> list[tuple[str, str]]:
    return sorted((name, value) for name, value in answer.headers.items() if name != "date")


async def test_who_is_named_learns_the_holder_and_nothing_else(
    mx: RunningGateway, gt: RunningGateway, albergue: Institution
) -> None:
    consulate = Institution("gt.consulado")
    crr = {"id": "gt.igm.crr", "name": "CRR", "mandates": ["returnee_reception"]}
    gt.join(consulate, Institution("gt.igm", units=[crr]))
    code, _ = await a_referral(mx, albergue, "gt.igm.crr", follow_up_parties=[consulate.id])
    answer = await ask(gt, consulate, code)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"reference_code": code, "holder": "gt.igm.crr"}


async def test_whoever_is_not_named_gets_the_bytes_of_a_code_that_does_not_exist(
    mx: RunningGateway,
    gt: RunningGateway,
    albergue: Institution,
    casa: Institution,
    igm: Institution,
) -> None:
    consulate = Institution("gt.consulado")
    stranger = Institution("gt.otra")
    gt.join(consulate, stranger)
    code, _ = await a_referral(
        mx, albergue, igm.id, follow_up_parties=[consulate.id], status_parties=[stranger.id]
    )
    # Named for status only, both sides of the referral, and somebody at the code's own gateway.
    for gateway, asker in ((gt, stranger), (mx, albergue), (gt, igm), (mx, casa)):
        answers = [
            await ask(gateway, asker, tried)
            for tried in (code, new_reference_code("MX"), new_reference_code("HN"))
        ]
        assert {answer.status_code for answer in answers} == {404}
        assert len({answer.content for answer in answers}) == 1
        assert headers_of(answers[0]) == headers_of(answers[1]) == headers_of(answers[2])
        asked = a_status_query(asker, new_reference_code("MX"), now=gateway.clock.now)
        status = await gateway.post("/v1/status-queries", asker.id, asked)
        assert status.content == answers[0].content


async def test_a_withdrawn_or_expired_slice_names_nobody_any_more(
    mx: RunningGateway, albergue: Institution, casa: Institution
) -> None:
    friend = Institution("mx.amiga")
    mx.join(friend)
    code, envelope = await a_referral(mx, albergue, casa.id, follow_up_parties=[friend.id])
    assert (await ask(mx, friend, code)).status_code == 200
    await mx.send(albergue, albergue.withdrawal(casa.id, [grant_id_of(envelope)], now=mx.clock.now))
    assert (await ask(mx, friend, code)).status_code == 404
    other, _ = await a_referral(mx, albergue, casa.id, follow_up_parties=[friend.id])
    assert (await ask(mx, friend, other)).status_code == 200
    mx.clock.advance(timedelta(days=61))
    assert (await ask(mx, friend, other)).status_code == 404


async def test_an_institution_that_is_named_stands_for_its_units_and_not_the_other_way_round(
    mx: RunningGateway, albergue: Institution, casa: Institution
) -> None:
    big = Institution("mx.grande", units=[{"id": "mx.grande.uno", "name": "1", "mandates": []}])
    mx.join(big)
    whole, _ = await a_referral(mx, albergue, casa.id, follow_up_parties=[big.id])
    unit, _ = await a_referral(mx, albergue, casa.id, follow_up_parties=["mx.grande.uno"])
    assert (await ask(mx, big, whole, iss="mx.grande.uno")).status_code == 200
    assert (await ask(mx, big, unit, iss="mx.grande.uno")).status_code == 200
    assert (await ask(mx, big, unit)).status_code == 404


async def test_both_kinds_of_question_use_up_one_allowance(
    mx: RunningGateway, casa: Institution
) -> None:
    for count in range(mx.gateway.settings.status_queries_per_minute):
        code = new_reference_code("MX")
        if count % 2:
            answer = await ask(mx, casa, code)
        else:
            body = a_status_query(casa, code, now=mx.clock.now)
            answer = await mx.post("/v1/status-queries", casa.id, body)
        assert answer.status_code == 404
    assert (await ask(mx, casa, new_reference_code("MX"))).status_code == 429


async def test_a_question_of_one_kind_is_none_of_the_other(
    mx: RunningGateway, albergue: Institution, casa: Institution
) -> None:
    code, _ = await a_referral(mx, albergue, casa.id, follow_up_parties=[albergue.id])
    status = a_status_query(albergue, code, now=mx.clock.now)
    answer = await mx.post("/v1/follow-up-requests", albergue.id, status)
    assert answer.status_code == 422
    assert answer.json()["type"].endswith("envelope_malformed")
    stolen = a_query(albergue, code, now=mx.clock.now)
    answer = await mx.post("/v1/follow-up-requests", casa.id, stolen)
    assert answer.json()["type"].endswith("not_yours")


async def test_request_state_and_result_pass_and_a_result_needs_its_own_live_slice(
    mx: RunningGateway,
    gt: RunningGateway,
    albergue: Institution,
    igm: Institution,
) -> None:
    consulate = Institution("gt.consulado")
    gt.join(consulate)
    code, _ = await a_referral(mx, albergue, igm.id, follow_up_parties=[consulate.id])
    request = consulate.envelope(
        igm.id, now=gt.clock.now, message_type="follow_up.requested/1", reference_code=code,
        content="a.b.c.d.e",
    )  # fmt: skip
    [answer] = await gt.send(consulate, request)
    assert answer.result == "accepted", answer.problem
    state = igm.envelope(
        consulate.id, now=gt.clock.now, message_type="follow_up.state/1", reference_code=code,
        sub=claims_of(request)["sub"], content="a.b.c.d.e",
    )  # fmt: skip
    [answer] = await gt.send(igm, state)
    assert answer.result == "accepted", answer.problem

    def result(**slices: Any) -> str:
        grant = albergue.grant(
            consulate.id,
            now=gt.clock.now,
            **{
                "sender": igm.id,
                "purposes": ["follow_up"],
                "categories": ["service_history"],
                **slices,
            },
        )
        return igm.envelope(
            consulate.id, now=gt.clock.now, message_type="follow_up.result/1", grants=[grant],
            purpose="follow_up", categories=["service_history"], reference_code=code, state=None,
            sub=claims_of(request)["sub"],
        )  # fmt: skip

    good, wrong, other = (
        result(),
        result(purposes=["service_delivery"]),
        result(sender="gt.igm.crr"),
    )
    answers = await gt.send(igm, good, wrong, other)
    assert [a.result for a in answers] == ["accepted", "refused", "refused"]
    assert [problem_name(a) for a in answers[1:]] == ["grant_invalid", "grant_invalid"]
    # Nothing of a follow-up changes what others see of the referral.
    status = a_status_query(igm, code, now=gt.clock.now)
    seen = await gt.post("/v1/status-queries", igm.id, status)
    assert seen.json()["state"] == "submitted"
