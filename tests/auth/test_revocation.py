from datetime import timedelta
from typing import Any

import httpx
import pytest

from relevo.auth.domain import revocation_list
from relevo.auth.operations import clients, revocations
from relevo.contracts.problem import ProblemError
from relevo.contracts.scopes import Scope
from relevo.servicekit import issuer_statements, jose
from relevo.servicekit.access_token import TokenVerifier
from tests.auth.builders import ISSUER, World

pytestmark = pytest.mark.asyncio


async def revoke(world: World, token: str | None, **changes: Any) -> httpx.Response:
    form = world.form(grant_type=None, token=token, **changes)
    async with world.http() as http:
        return await http.post("/oauth/revoke", data=form)


async def test_a_revoked_token_stands_in_the_signed_list_until_it_has_expired(world: World) -> None:
    token = await world.token()
    _, claims = jose.peek(token)
    assert (await world.revocations())["revoked_jtis"] == []
    answer = await revoke(world, token, token_type_hint="access_token")
    assert (answer.status_code, answer.text) == (200, "")
    published = await world.revocations()
    now = int(world.clock.security().timestamp())
    assert published == {
        "iss": ISSUER,
        "iat": now,
        "exp": now + 60,
        "revoked_jtis": [claims["jti"]],
        "suspended_clients": [],
        "resumed_clients": {},
    }
    world.clock.advance(timedelta(seconds=329))
    assert (await world.revocations())["revoked_jtis"] == [claims["jti"]]
    world.clock.advance(timedelta(seconds=2))
    assert (await world.revocations())["revoked_jtis"] == []


async def test_what_is_no_live_token_of_ours_needs_no_revoking(world: World) -> None:
    old = await world.token()
    world.clock.advance(timedelta(seconds=331))
    forged = jose.sign(jose.peek(old)[1], world.key, typ="at+jwt")
    for token in (old, forged, "nonsense", "a.b.c"):
        assert (await revoke(world, token)).status_code == 200
    assert (await world.revocations())["revoked_jtis"] == []


async def test_only_the_clients_own_token_can_be_revoked(world: World) -> None:
    token = await world.token()
    world.register(client_id="second")
    world.client_id = "second"
    answer = await revoke(world, token)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert (await world.revocations())["revoked_jtis"] == []


async def test_revoking_needs_a_client_and_a_fresh_assertion(world: World) -> None:
    token = await world.token()
    used = world.assertion()
    await world.token(assertion=used)
    faults = {
        "invalid_client": [
            await revoke(world, token, client_assertion=used),
            await revoke(world, token, client_assertion=None),
            await revoke(world, token, client_assertion="a.b.c"),
        ],
        "invalid_request": [await revoke(world, None)],
        "unsupported_token_type": [await revoke(world, token, token_type_hint="refresh_token")],
    }
    for error, answers in faults.items():
        for answer in answers:
            assert (answer.status_code, answer.json()["error"]) == (400, error)
            assert answer.headers["cache-control"] == "no-store"
    assert (await world.revocations())["revoked_jtis"] == []


async def test_a_resumed_client_leaves_the_list_and_its_old_tokens_stay_dead(world: World) -> None:
    clients.suspend_client(world.issuer, world.client_id, by="test")
    world.clock.advance(timedelta(seconds=400))
    assert (await world.revocations())["suspended_clients"] == [world.client_id]
    clients.resume_client(world.issuer, world.client_id, by="test")
    listed = await world.revocations()
    assert (listed["suspended_clients"], listed["resumed_clients"]) == ([], {})
    clients.suspend_client(world.issuer, world.client_id, by="test")
    suspended_at = int(world.clock.security().timestamp())
    clients.resume_client(world.issuer, world.client_id, by="test")
    listed = await world.revocations()
    assert listed["suspended_clients"] == []
    assert listed["resumed_clients"] == {world.client_id: suspended_at}
    world.clock.advance(timedelta(seconds=331))
    assert (await world.revocations())["resumed_clients"] == {}


async def test_a_resource_server_refuses_revoked_tokens_and_suspended_clients_within_a_minute(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It asks at most once in a second of real time, and the clock of this test leaps.
    monkeypatch.setattr(issuer_statements, "RETRY_SECONDS", 0.0)
    async with world.http() as http:

        async def fetch(url: str) -> bytes:
            return (await http.get(url)).content

        verifier = TokenVerifier(issuer=ISSUER, audience=ISSUER, fetch=fetch, clock=world.clock)

        async def verify(token: str) -> None:
            await verifier.verify(f"Bearer {token}", [], "GET", f"{ISSUER}/v1/referrals")

        async def refused(token: str) -> None:
            with pytest.raises(ProblemError, match=r"^invalid_token:"):
                await verify(token)

        first, second = await world.token(), await world.token()
        await verify(first)
        await verify(second)
        await revoke(world, first)
        world.clock.advance(timedelta(seconds=31))
        await refused(first)
        await verify(second)
        clients.suspend_client(world.issuer, world.client_id, by="test")
        world.clock.advance(timedelta(seconds=31))
        await refused(second)
        clients.resume_client(world.issuer, world.client_id, by="test")
        world.clock.advance(timedelta(seconds=31))
        await verify(await world.token())
        await refused(second)


async def test_a_full_list_takes_no_more_rather_than_forget_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revocations, "MOST_TOKENS", 1)
    assert (await revoke(world, await world.token())).status_code == 200
    answer = await revoke(world, await world.token())
    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")


async def test_when_more_clients_were_just_suspended_than_fit_no_list_is_published(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revocations, "MOST_CLIENTS", 1)
    clients.suspend_client(world.issuer, world.client_id, by="test")
    world.clock.advance(timedelta(seconds=331))
    world.register(client_id="second")
    clients.suspend_client(world.issuer, "second", by="test")
    assert (await world.revocations())["suspended_clients"] == ["second"]
    world.register(client_id="third")
    clients.suspend_client(world.issuer, "third", by="test")
    answer = await world.get("/oauth/revocations")
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"


async def test_the_longest_list_fits_what_resource_servers_read(world: World) -> None:
    claims = revocation_list.revocation_claims(
        issuer=ISSUER,
        revoked_jtis=["0" * 36] * revocation_list.MOST_TOKENS,
        suspended_clients=[],
        resumed_clients={
            f"{number:0128}": world.clock.security()
            for number in range(revocation_list.MOST_CLIENTS)
        },
        now=world.clock.security(),
    )
    signed = jose.sign(claims, world.key, typ=revocation_list.REVOCATIONS_TYPE_HEADER)
    assert jose.verify(signed, [world.key], typ=revocation_list.REVOCATIONS_TYPE_HEADER)


async def test_a_revocation_by_a_scope_holder_does_not_need_any_scope(world: World) -> None:
    world.register(client_id="tiny", scopes=[Scope.HANDOVERS_SUBMIT])
    world.client_id = "tiny"
    assert (await revoke(world, await world.token())).status_code == 200
