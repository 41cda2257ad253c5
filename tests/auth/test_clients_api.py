from typing import Any

import pytest
from sqlalchemy import select

from relevo.auth.storage.tables import client_change
from relevo.contracts.scopes import Scope
from relevo.servicekit import jose
from tests.auth.builders import World, a_registration

pytestmark = pytest.mark.asyncio


async def admin_token(world: World) -> str:
    world.register(client_id="operator", scopes=[Scope.CLIENTS_ADMIN])
    assertion = world.assertion(iss="operator", sub="operator")
    return await world.token(assertion=assertion)


def body(**changes: Any) -> dict[str, Any]:
    registration = a_registration(jose.generate_signing_key(), client_id="new")
    return {**registration.model_dump(mode="json"), **changes}


async def test_an_operator_registers_reads_suspends_and_resumes_a_client(world: World) -> None:
    token = await admin_token(world)
    key = jose.generate_signing_key()
    sent = a_registration(key, client_id="new").model_dump(mode="json")
    created = await world.post("/oauth/clients", sent, token)
    assert created.status_code == 201, created.text
    assert created.headers["location"] == "/oauth/clients/new"
    expected = {**sent, "state": "active", "suspended_at": None}
    assert expected.items() <= created.json().items()
    assert (await world.get("/oauth/clients/new", token)).json() == created.json()

    suspended = await world.post("/oauth/clients/new/suspend", token=token)
    assert suspended.json()["state"] == "suspended"
    assert suspended.json()["suspended_at"] == "2026-03-02T15:04:05Z"
    assert (await world.post("/oauth/clients/new/suspend", token=token)).json() == suspended.json()
    resumed = await world.post("/oauth/clients/new/resume", token=token)
    assert resumed.json()["state"] == "active"

    replacement = {"jwks": {"keys": [jose.public_jwk(jose.generate_signing_key())]}}
    changed = await world.post("/oauth/clients/new/keys", replacement, token)
    assert changed.json()["jwks"]["keys"][0]["kid"] == replacement["jwks"]["keys"][0]["kid"]

    history = world.database.read_now(
        lambda connection: connection.execute(
            select(client_change.c.change, client_change.c.changed_by)
            .where(client_change.c.client_id == "new")
            .order_by(client_change.c.id)
        ).all()
    )
    assert [tuple(row) for row in history] == [
        ("registered", "operator"),
        ("suspended", "operator"),
        ("active", "operator"),
        ("keys replaced", "operator"),
    ]


async def test_clients_are_listed_page_by_page(world: World) -> None:
    token = await admin_token(world)
    for number in range(5):
        world.register(client_id=f"c{number}")
    seen: list[str] = []
    after: str | None = ""
    while after is not None:
        page = (await world.get(f"/oauth/clients?limit=3&after={after}", token)).json()
        seen += [client["client_id"] for client in page["clients"]]
        after = page["next"]
    assert seen == sorted(seen)
    assert len(seen) == 7
    assert (await world.get("/oauth/clients?limit=0", token)).status_code == 422
    assert (await world.get("/oauth/clients?limit=1000", token)).status_code == 422


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/oauth/clients"),
        ("post", "/oauth/clients"),
        ("get", "/oauth/clients/x"),
        ("post", "/oauth/clients/x/suspend"),
        ("post", "/oauth/clients/x/resume"),
        ("post", "/oauth/clients/x/keys"),
    ],
)
async def test_administration_needs_its_scope(world: World, method: str, path: str) -> None:
    sent = body() if method == "post" else None
    async with world.http() as http:
        without = await http.request(method, path, json=sent)
        token = {"authorization": f"Bearer {await world.token()}"}
        unscoped = await http.request(method, path, headers=token, json=sent)
    assert (without.status_code, unscoped.status_code) == (401, 403)
    assert unscoped.json()["type"].endswith("/insufficient_scope")
    assert unscoped.headers["content-type"] == "application/problem+json"


async def test_a_second_client_of_one_name_is_refused(world: World) -> None:
    token = await admin_token(world)
    assert (await world.post("/oauth/clients", body(), token)).status_code == 201
    answer = await world.post("/oauth/clients", body(), token)
    assert answer.status_code == 409
    assert answer.json()["type"].endswith("/client_exists")


async def test_an_unknown_client_is_not_found(world: World) -> None:
    token = await admin_token(world)
    for path in ("suspend", "resume"):
        assert (await world.post(f"/oauth/clients/nobody/{path}", token=token)).status_code == 404
    keys = {"jwks": body()["jwks"]}
    assert (await world.post("/oauth/clients/nobody/keys", keys, token)).status_code == 404
    assert (await world.get("/oauth/clients/nobody", token)).status_code == 404


async def test_an_enforcement_unit_is_registered_for_handing_over_alone(world: World) -> None:
    token = await admin_token(world)
    both = body(mandates=["enforcement"], scopes=["handovers:submit", "referrals:read"])
    answer = await world.post("/oauth/clients", both, token)
    assert answer.status_code == 422
    assert answer.json()["type"].endswith("/enforcement_only_hands_over")
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/scopes/1"]
    only = body(mandates=["enforcement"], scopes=["handovers:submit"])
    assert (await world.post("/oauth/clients", only, token)).status_code == 201


PRIVATE_KEY = dict(jose.generate_signing_key().as_dict(private=True))
PRIVATE = {"keys": [PRIVATE_KEY]}
GOOD = jose.public_jwk(jose.generate_signing_key())


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"jwks": PRIVATE}, "/jwks/keys/0"),
        ({"jwks": {"keys": []}}, "/jwks/keys"),
        ({"jwks": {"keys": [GOOD, GOOD]}}, "/jwks"),
        ({"jwks": {"keys": [GOOD] * 6}}, "/jwks/keys"),
        ({"jwks": {"keys": [{**GOOD, "kty": "RSA"}]}}, "/jwks/keys/0/kty"),
        ({"jwks": {"keys": [{**GOOD, "crv": "X25519"}]}}, "/jwks/keys/0/crv"),
        ({"jwks": {"keys": [{**GOOD, "use": "enc"}]}}, "/jwks/keys/0"),
        ({"jwks": {"keys": [{**GOOD, "x": "short"}]}}, "/jwks/keys/0/x"),
        ({"jwks": {"keys": [{**GOOD, "x": "_" * 43}]}}, "/jwks/keys/0/x"),
        ({"jwks": {"keys": ["text"]}}, "/jwks/keys/0"),
        ({"scopes": []}, "/scopes"),
        ({"scopes": ["everything"]}, "/scopes/0"),
        ({"audiences": []}, "/audiences"),
        ({"audiences": ["ftp://node.example"]}, "/audiences/0"),
        ({"audiences": ["https://node.example/?q"]}, "/audiences/0"),
        ({"mandates": ["made up"]}, "/mandates/0"),
        ({"institution": "nobody"}, "/institution"),
        ({"unit": "gt.igm.crr"}, ""),
        ({"client_id": "../x"}, "/client_id"),
        ({"client_id": ""}, "/client_id"),
        ({"surprise": 1}, "/surprise"),
    ],
)
async def test_a_registration_that_does_not_fit_is_refused_and_says_where(
    world: World, changes: dict[str, Any], pointer: str
) -> None:
    token = await admin_token(world)
    answer = await world.post("/oauth/clients", body(**changes), token)
    assert answer.status_code == 422, answer.text
    assert pointer in {error["pointer"] for error in answer.json()["errors"]}, answer.text
    assert str(PRIVATE_KEY["d"]) not in answer.text
    assert (await world.get("/oauth/clients/new", token)).status_code == 404


async def test_a_key_without_a_name_is_called_by_its_thumbprint(world: World) -> None:
    token = await admin_token(world)
    key = jose.generate_signing_key()
    bare = {name: jose.public_jwk(key)[name] for name in ("kty", "crv", "x")}
    created = await world.post("/oauth/clients", body(jwks={"keys": [bare]}), token)
    assert created.json()["jwks"]["keys"] == [{**bare, "kid": key.thumbprint()}]
