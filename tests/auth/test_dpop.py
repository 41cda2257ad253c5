import asyncio
from datetime import timedelta
from typing import Any

import pytest

from relevo.auth.operations import clients
from relevo.contracts.scopes import Scope
from relevo.servicekit import jose
from tests.auth.builders import ISSUER, TOKEN_URL, World

pytestmark = pytest.mark.asyncio


async def refused(world: World, *proofs: str) -> None:
    answer = await world.ask(proofs=proofs)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_dpop_proof"), answer.text


def altered(world: World, header: dict[str, Any] | None = None, **changes: Any) -> str:
    key = jose.generate_signing_key()
    public = key.as_dict(private=False)
    claims = {
        "jti": "a",
        "htm": "POST",
        "htu": TOKEN_URL,
        "iat": int(world.clock.security().timestamp()),
        **changes,
    }
    kept = {name: value for name, value in claims.items() if value is not None}
    jwk = {name: public[name] for name in ("kty", "crv", "x")}
    return jose.sign(kept, key, typ="dpop+jwt", header={"jwk": jwk, **(header or {})})


async def test_a_proof_binds_the_token_to_its_key(world: World) -> None:
    key = jose.generate_signing_key()
    answer = await world.ask(proofs=(world.proof(key),))
    assert answer.json()["token_type"] == "DPoP"
    claims = jose.verify(answer.json()["access_token"], await world.keys(), typ="at+jwt")
    assert claims["cnf"] == {"jkt": jose.thumbprint(key)}


async def test_a_client_bound_to_proofs_gets_no_token_without_one(world: World) -> None:
    world.register(client_id="service", dpop_bound_access_tokens=True)
    world.client_id = "service"
    await refused(world)
    answer = await world.ask(proofs=(world.proof(jose.generate_signing_key()),))
    assert answer.status_code == 200


async def test_a_proof_works_once_even_with_new_assertions(world: World) -> None:
    proof = world.proof(jose.generate_signing_key())
    answers = await asyncio.gather(*(world.ask(proofs=(proof,)) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 5
    await refused(world, proof)


async def test_a_proof_for_another_request_is_refused(world: World) -> None:
    key = jose.generate_signing_key()
    await refused(world, world.proof(key, url=f"{ISSUER}/oauth/revoke"))
    await refused(world, world.proof(key, url="https://elsewhere.example/oauth/token"))
    await refused(world, world.proof(key, method="GET"))
    await refused(world, world.proof(key), world.proof(key))
    await refused(world, "")
    await refused(world, "x" * 5000)
    await refused(world, "a.b.c")


async def test_the_url_of_a_proof_is_compared_as_urls_are(world: World) -> None:
    url = "HTTPS://NODE.albergue.example:443/oauth/token?x=1#y"
    assert (await world.ask(proofs=(altered(world, htu=url),))).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"jti": None},
        {"jti": ""},
        {"jti": "x" * 256},
        {"htm": None},
        {"htu": None},
        {"htu": 7},
        {"htu": "https://[broken"},
        {"iat": None},
        {"iat": "now"},
        {"iat": float("1e308")},
    ],
)
async def test_a_proof_with_a_wrong_claim_is_refused(world: World, changes: dict[str, Any]) -> None:
    await refused(world, altered(world, **changes))


async def test_a_proof_is_fresh_for_a_minute_in_both_directions(world: World) -> None:
    for seconds, status in ((-61, 400), (-60, 200), (60, 200), (61, 400)):
        moment = world.clock.security() + timedelta(seconds=seconds)
        proof = altered(world, iat=int(moment.timestamp()), jti=str(seconds))
        answer = await world.ask(proofs=(proof,))
        assert answer.status_code == status, (seconds, answer.text)


async def test_a_proof_that_shows_a_private_key_or_another_type_is_refused(world: World) -> None:
    key = jose.generate_signing_key()
    await refused(world, altered(world, {"jwk": key.as_dict(private=True)}))
    await refused(world, altered(world, {"typ": "JWT"}))
    await refused(world, altered(world, {"jwk": jose.public_jwk(key)}))
    await refused(world, altered(world, {"jwk": {"kty": "oct", "k": "c2VjcmV0"}}))


async def test_a_bound_token_opens_nothing_without_its_key(world: World) -> None:
    world.register(client_id="admin", scopes=[Scope.CLIENTS_ADMIN], dpop_bound_access_tokens=True)
    world.client_id = "admin"
    key = jose.generate_signing_key()
    token = (await world.ask(proofs=(world.proof(key),))).json()["access_token"]
    assert (await world.get("/oauth/clients", token)).status_code == 401
    assert clients.list_clients(world.issuer)
