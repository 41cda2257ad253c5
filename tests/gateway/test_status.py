"""What became of a referral: told to those it concerns, and to nobody else, not even that it exists."""

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from joserfc.jwk import OKPKey

from relevo.contracts.identifiers import country_of
from relevo.contracts.status import STATUS_QUERY_TYP, StatusQuery
from relevo.servicekit import jose
from relevo.servicekit.ids import new_reference_code, random_id
from tests.gateway.federation import (
    Institution,
    RunningGateway,
    claims_of,
    grant_id_of,
    problem_name,
)

pytestmark = pytest.mark.asyncio


def a_query(
    asker: Institution, code: str, *, now: datetime, key: OKPKey | None = None, **changes: Any
) -> dict[str, str]:
    claims = {
        "iss": asker.id,
        "aud": f"gateway.{country_of(code.replace('-', '.')).lower()}",
        "jti": random_id(),
        "iat": int(now.timestamp()),
        "exp": int(now.timestamp()) + 120,
        "reference_code": code,
        **changes,
    }
    query = StatusQuery.model_validate(claims).model_dump()
    return {"query": jose.sign(query, key or asker.signing, typ=STATUS_QUERY_TYP)}


async def ask(
    gateway: RunningGateway, asker: Institution, code: str, **changes: Any
) -> httpx.Response:
    body = a_query(asker, code, now=gateway.clock.now, **changes)
    return await gateway.post("/v1/status-queries", asker.id, body)


async def a_referral(
    mx: RunningGateway, sender: Institution, receiver: str, **named: Any
) -> tuple[str, str]:
    """Submits one; gives its reference code and its envelope."""
    grant = sender.grant(receiver, now=mx.clock.now, **named)
    envelope = sender.envelope(receiver, now=mx.clock.now, grants=[grant])
    [answer] = await mx.send(sender, envelope)
    assert answer.result == "accepted", answer.problem
    return claims_of(envelope)["reference_code"], envelope


async def test_sender_receiver_and_those_named_learn_the_coarse_state(
    mx: RunningGateway,
    gt: RunningGateway,
    albergue: Institution,
    casa: Institution,
    igm: Institution,
) -> None:
    consulate = Institution("gt.consulado")
    gt.join(consulate)
    code, envelope = await a_referral(mx, albergue, igm.id, status_parties=[consulate.id])
    for gateway, asker in ((mx, albergue), (gt, igm), (gt, consulate)):
        response = await ask(gateway, asker, code)
        assert response.status_code == 200, response.text
        assert response.json()["state"] == "submitted"
        assert set(response.json()) == {"reference_code", "state", "triage", "since"}
    assert (await ask(mx, casa, code)).status_code == 404
    # The receiver's node says how far it is.
    claims = claims_of(envelope)
    for sequence, state in ((2, "acknowledged"), (1, "received")):
        step = igm.envelope(
            albergue.id, now=mx.clock.now, message_type="referral.state/1", state=state,
            event_seq=sequence, sub=claims["sub"], reference_code=code,
        )  # fmt: skip
        await mx.send(gt.name, step)
    # An older step that comes late changes nothing.
    assert (await ask(gt, consulate, code)).json()["state"] == "acknowledged"


async def test_a_code_that_is_unknown_and_one_that_is_not_the_askers_give_the_same_bytes(
    mx: RunningGateway,
    gt: RunningGateway,
    albergue: Institution,
    casa: Institution,
    igm: Institution,
) -> None:
    code, _ = await a_referral(mx, albergue, igm.id)
    consulate = Institution("gt.consulado")
    gt.join(consulate)
    for gateway, asker in ((mx, casa), (gt, consulate)):
        answers = [
            await ask(gateway, asker, tried)
            for tried in (code, new_reference_code("MX"), new_reference_code("HN"))
        ]
        assert {answer.status_code for answer in answers} == {404}
        assert len({answer.content for answer in answers}) == 1
        headers = [
            sorted((k, v) for k, v in answer.headers.items() if k != "date") for answer in answers
        ]
        assert headers[0] == headers[1] == headers[2]


async def test_a_renewal_names_whom_the_new_consent_names_and_nobody_of_the_one_before(
    mx: RunningGateway, albergue: Institution, casa: Institution
) -> None:
    before, after = Institution("mx.amiga"), Institution("mx.vecina")
    mx.join(before)
    mx.join(after)
    code, envelope = await a_referral(mx, albergue, casa.id, status_parties=[before.id])
    new = albergue.grant(casa.id, now=mx.clock.now, status_parties=[after.id])
    renewal = albergue.envelope(
        casa.id, now=mx.clock.now, message_type="consent.renewed/1", state=None,
        sub=claims_of(envelope)["sub"], reference_code=code, grants=[new],
        withdrawn=[grant_id_of(envelope)],
    )  # fmt: skip
    [answer] = await mx.send(albergue, renewal)
    assert answer.result == "accepted", answer.problem
    assert (await ask(mx, before, code)).status_code == 404
    assert (await ask(mx, after, code)).json()["state"] == "submitted"
    # What the grants before covered goes no further.
    again = albergue.envelope(
        casa.id, now=mx.clock.now, message_type="information.supplied/1", state=None,
        sub=claims_of(envelope)["sub"], reference_code=code, grants=claims_of(envelope)["grants"],
    )  # fmt: skip
    [refused] = await mx.send(albergue, again)
    assert problem_name(refused) == "grant_not_live"


async def test_a_withdrawn_or_expired_grant_names_nobody_any_more(
    mx: RunningGateway, albergue: Institution, casa: Institution
) -> None:
    friend = Institution("mx.amiga")
    mx.join(friend)
    code, envelope = await a_referral(mx, albergue, casa.id, status_parties=[friend.id])
    assert (await ask(mx, friend, code)).status_code == 200
    await mx.send(albergue, albergue.withdrawal(casa.id, [grant_id_of(envelope)], now=mx.clock.now))
    assert (await ask(mx, friend, code)).status_code == 404
    assert (await ask(mx, albergue, code)).status_code == 200
    other, _ = await a_referral(mx, albergue, casa.id, status_parties=[friend.id])
    assert (await ask(mx, friend, other)).status_code == 200
    mx.clock.advance(timedelta(days=61))
    assert (await ask(mx, friend, other)).status_code == 404


async def test_an_institution_that_is_named_stands_for_its_units_and_not_the_other_way_round(
    mx: RunningGateway, albergue: Institution, casa: Institution
) -> None:
    big = Institution("mx.grande", units=[{"id": "mx.grande.uno", "name": "1", "mandates": []}])
    mx.join(big)
    whole, _ = await a_referral(mx, albergue, casa.id, status_parties=[big.id])
    unit, _ = await a_referral(mx, albergue, casa.id, status_parties=["mx.grande.uno"])
    assert (await ask(mx, big, whole, iss="mx.grande.uno")).status_code == 200
    assert (await ask(mx, big, unit, iss="mx.grande.uno")).status_code == 200
    assert (await ask(mx, big, unit)).status_code == 404


async def test_another_unit_of_the_receiver_learns_nothing(
    mx: RunningGateway, albergue: Institution
) -> None:
    units = [{"id": f"mx.grande.{name}", "name": name, "mandates": []} for name in ("uno", "dos")]
    big = Institution("mx.grande", units=units)
    mx.join(big)
    code, _ = await a_referral(mx, albergue, "mx.grande.uno")
    assert (await ask(mx, big, code, iss="mx.grande.uno")).status_code == 200
    assert (await ask(mx, big, code, iss="mx.grande.dos")).status_code == 404


async def test_nobody_is_named_by_a_message_that_only_borrows_the_code(
    mx: RunningGateway, albergue: Institution, casa: Institution
) -> None:
    code, _ = await a_referral(mx, albergue, casa.id)
    thief = Institution("mx.ladrona")
    mx.join(thief)
    grant = thief.grant(albergue.id, now=mx.clock.now, status_parties=[thief.id])
    await mx.send(
        thief,
        thief.envelope(
            albergue.id, now=mx.clock.now, grants=[grant], reference_code=code, state="closed"
        ),
    )
    assert (await ask(mx, thief, code)).status_code == 404
    assert (await ask(mx, albergue, code)).json()["state"] == "submitted"


async def test_queries_that_are_not_the_askers_own_are_refused(
    mx: RunningGateway,
    gt: RunningGateway,
    albergue: Institution,
    casa: Institution,
    igm: Institution,
) -> None:
    code, _ = await a_referral(mx, albergue, igm.id)
    now = mx.clock.now

    async def problem(client: str, body: dict[str, str]) -> str:
        response = await mx.post("/v1/status-queries", client, body)
        assert response.status_code >= 400
        return str(response.json()["type"]).rpartition("/")[2]

    assert await problem(casa.id, a_query(albergue, code, now=now)) == "not_yours"
    assert await problem(gt.name, a_query(albergue, code, now=now)) == "not_yours"
    forged = a_query(albergue, code, now=now, key=casa.signing)
    assert await problem(albergue.id, forged) == "envelope_signature_invalid"
    elsewhere = a_query(albergue, code, now=now, aud="gateway.gt")
    assert await problem(albergue.id, elsewhere) == "envelope_wrong_audience"
    old = a_query(albergue, code, now=now - timedelta(minutes=5))
    assert await problem(albergue.id, old) == "envelope_expired"
    future = a_query(albergue, code, now=now + timedelta(minutes=10))
    assert await problem(albergue.id, future) == "envelope_from_future"
    assert await problem(albergue.id, {"query": "x.y.z"}) == "envelope_malformed"
    unit = a_query(albergue, code, now=now, iss="mx.albergue.nobody")
    assert await problem(albergue.id, unit) == "envelope_signature_invalid"
    await mx.post(f"/v1/institutions/{albergue.id}/suspend", "mx.operator", {})
    assert await problem(albergue.id, a_query(albergue, code, now=now)) == "sender_not_active"


async def test_codes_cannot_be_guessed_by_asking(
    mx: RunningGateway, albergue: Institution, casa: Institution
) -> None:
    per_minute = mx.gateway.settings.status_queries_per_minute
    for _ in range(per_minute):
        assert (await ask(mx, casa, new_reference_code("MX"))).status_code == 404
    refused = await ask(mx, casa, new_reference_code("MX"))
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) >= 1
    # Others are not kept waiting, and the allowance comes back.
    assert (await ask(mx, albergue, new_reference_code("MX"))).status_code == 404
    mx.clock.advance(timedelta(seconds=2))
    assert (await ask(mx, casa, new_reference_code("MX"))).status_code == 404


async def test_a_peer_that_cannot_be_asked_is_said_so(
    mx: RunningGateway, gt: RunningGateway, albergue: Institution
) -> None:
    mx.network.down.add(gt.gateway.settings.base_url.removeprefix("http://"))
    response = await ask(mx, albergue, new_reference_code("GT"))
    assert (response.status_code, response.json()["side"]) == (503, "gateway")
