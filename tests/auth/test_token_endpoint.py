import asyncio
import base64
import json
from datetime import timedelta
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey
from sqlalchemy import func, select, update

from relevo.auth.domain.oauth_error import OAuthError
from relevo.auth.domain.oauth_form import read_form
from relevo.auth.operations import clients
from relevo.auth.operations.context import Issuer
from relevo.auth.operations.issue_tokens import TokenDesk, TokenRequest
from relevo.auth.operations.purge import purge
from relevo.auth.storage.tables import client, used_jti
from relevo.contracts.scopes import Scope
from relevo.servicekit import jose
from relevo.servicekit.database import Database
from tests.auth.builders import FORM, ISSUER, NODE, OTHER_SERVICE, TOKEN_URL, World, public_set

pytestmark = pytest.mark.asyncio


def unsigned(header: dict[str, Any], claims: dict[str, Any]) -> str:
    parts = (json.dumps(part).encode() for part in (header, claims))
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + "."


async def refused(world: World, form: dict[str, Any], error: str, word: str = "") -> None:
    answer = await world.ask(form)
    assert (answer.status_code, answer.json()["error"]) == (400, error), answer.text
    assert word in answer.json()["error_description"]
    assert answer.headers["cache-control"] == "no-store"
    assert set(answer.json()) == {"error", "error_description"}


async def test_a_token_says_who_acts_for_whom_and_where(world: World) -> None:
    answer = await world.ask(world.form(resource=NODE, scope="referrals:submit"))
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert {name: body[name] for name in ("token_type", "expires_in", "scope")} == {
        "token_type": "Bearer",
        "expires_in": 300,
        "scope": "referrals:submit",
    }
    claims = jose.verify(body["access_token"], await world.keys(), typ="at+jwt")
    now = int(world.clock.security().timestamp())
    assert claims.pop("jti")
    assert claims == {
        "iss": ISSUER,
        "sub": world.client_id,
        "client_id": world.client_id,
        "aud": NODE,
        "iat": now,
        "exp": now + 300,
        "scope": "referrals:submit",
        "institution": "mx.albergue-tapachula",
        "mandates": ["shelter"],
    }
    assert jose.peek(body["access_token"])[0]["alg"] == "Ed25519"


async def test_a_client_gets_all_its_scopes_and_its_only_audience_by_default(world: World) -> None:
    _, claims = jose.peek(await world.token())
    assert (claims["scope"], claims["aud"]) == ("referrals:read referrals:submit", NODE)


async def test_unit_and_purpose_stand_in_the_token(world: World) -> None:
    world.register(client_id="unit", unit="mx.albergue-tapachula.noche", purpose="service_delivery")
    world.client_id = "unit"
    _, claims = jose.peek(await world.token())
    assert claims["unit"] == "mx.albergue-tapachula.noche"
    assert claims["purpose"] == "service_delivery"


@pytest.mark.parametrize("aud", [ISSUER, TOKEN_URL, [ISSUER]])
async def test_an_assertion_may_name_the_issuer_or_its_token_endpoint(
    world: World, aud: object
) -> None:
    await world.token(assertion=world.assertion(aud=aud))


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"aud": "https://other.example"}, "aud"),
        ({"aud": [ISSUER, "https://other.example"]}, "aud"),
        ({"aud": None}, "aud"),
        ({"aud": {"a": 1}}, "aud"),
        ({"iss": "somebody"}, "iss"),
        ({"exp": None}, "exp"),
        ({"exp": "soon"}, "exp"),
        ({"exp": True}, "exp"),
        ({"exp": 1e300}, "exp"),
        ({"jti": None}, "jti"),
        ({"jti": ""}, "jti"),
        ({"jti": "x" * 256}, "jti"),
        ({"jti": 7}, "jti"),
    ],
)
async def test_an_assertion_with_a_wrong_claim_is_refused(
    world: World, changes: dict[str, Any], word: str
) -> None:
    await refused(world, world.form(world.assertion(**changes)), "invalid_client", word)


@pytest.mark.parametrize(
    ("claim", "seconds", "word"),
    [
        ("exp", -31, "has expired"),
        ("exp", 331, "lives longer"),
        ("iat", 31, "future"),
        ("nbf", 31, "future"),
    ],
)
async def test_a_refusal_about_time_states_the_servers_time(
    world: World, claim: str, seconds: int, word: str
) -> None:
    moment = int(world.clock.security().timestamp()) + seconds
    changes: dict[str, Any] = {claim: moment}
    form = world.form(world.assertion(**changes))
    await refused(world, form, "invalid_client", word)
    assert (
        "Server time: 2026-03-02T15:04:05Z" in (await world.ask(form)).json()["error_description"]
    )


async def test_an_assertion_works_once(world: World) -> None:
    form = world.form()
    assert (await world.ask(form)).status_code == 200
    await refused(world, form, "invalid_client", "used before")


async def test_of_many_requests_with_one_assertion_exactly_one_gets_a_token(world: World) -> None:
    form = world.form()
    answers = await asyncio.gather(*(world.ask(form) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 19


async def test_of_two_processes_with_one_assertion_exactly_one_gives_a_token(world: World) -> None:
    # Another process has its own connections; it shares the database and the key directory.
    other = Database(world.database_url)
    try:
        desks = [
            TokenDesk(world.issuer),
            TokenDesk(Issuer(world.settings, other, world.clock)),
        ]
        for _ in range(5):
            form = read_form(_encoded(world.form()))
            outcomes = await asyncio.gather(
                *(desk.issue(TokenRequest(form)) for desk in desks for _ in range(3)),
                return_exceptions=True,
            )
            assert sum(isinstance(outcome, dict) for outcome in outcomes) == 1
            assert sum(isinstance(outcome, OAuthError) for outcome in outcomes) == 5
    finally:
        other.close()


def _encoded(form: dict[str, Any]) -> bytes:
    return httpx.Request("POST", TOKEN_URL, data=form).content


async def test_the_same_jti_of_two_clients_is_two_ids(world: World) -> None:
    world.register(client_id="second")
    for name in (world.client_id, "second"):
        await world.token(assertion=world.assertion(iss=name, sub=name, jti="one"))


async def test_an_id_that_was_refused_for_another_reason_is_not_spent(world: World) -> None:
    jti = "kept"
    await refused(world, world.form(world.assertion(jti=jti), scope="ledger:read"), "invalid_scope")
    await world.token(assertion=world.assertion(jti=jti))


async def test_algorithms_that_need_no_private_key_are_refused(world: World) -> None:
    claims = world.claims()
    public = jose.public_jwk(world.key)
    shared = OctKey.import_key(base64.urlsafe_b64decode(public["x"] + "="))
    forged = [
        unsigned({"alg": "none"}, claims),
        unsigned({"alg": "none", "kid": public["kid"]}, claims),
        jwt.encode({"alg": "HS256"}, claims, shared, algorithms=["HS256"]),
        jwt.encode({"alg": "HS256", "kid": public["kid"]}, claims, shared, algorithms=["HS256"]),
    ]
    for assertion in forged:
        await refused(world, world.form(assertion), "invalid_client", "no active key")


async def test_the_older_name_of_the_algorithm_is_understood(world: World) -> None:
    text = unsigned({"alg": "EdDSA"}, world.claims())
    signature = jose.sign_raw(text[:-1].encode(), world.key)
    assertion = text + base64.urlsafe_b64encode(signature).rstrip(b"=").decode()
    await world.token(assertion=assertion)


async def test_another_clients_key_and_an_unknown_client_get_the_same_answer(world: World) -> None:
    other = jose.generate_signing_key()
    world.register(key=other, client_id="second")
    strange = [
        world.assertion(other),
        world.assertion(jose.generate_signing_key()),
        world.assertion(iss="nobody", sub="nobody"),
        "a.b.c",
        "not a token",
        world.assertion()[:-4] + "AAAA",
    ]
    answers = {(await world.ask(world.form(assertion))).text for assertion in strange}
    assert len(answers) == 1
    assert '"invalid_client"' in answers.pop()


async def test_a_scope_that_is_not_granted_refuses_the_whole_request(world: World) -> None:
    for scope in ("clients:admin", "referrals:submit clients:admin", "nonsense", "referrals"):
        await refused(world, world.form(scope=scope), "invalid_scope")


async def test_a_resource_that_is_not_the_clients_is_refused(world: World) -> None:
    await refused(world, world.form(resource=OTHER_SERVICE), "invalid_target")
    await refused(world, world.form(resource=[NODE, NODE]), "invalid_target")


async def test_a_client_with_several_audiences_must_name_one(world: World) -> None:
    world.register(client_id="wide", audiences=[NODE, OTHER_SERVICE])
    world.client_id = "wide"
    await refused(world, world.form(), "invalid_target", "several")
    _, claims = jose.peek(await world.token(resource=OTHER_SERVICE))
    assert claims["aud"] == OTHER_SERVICE


async def test_other_grants_and_missing_parameters_are_refused(world: World) -> None:
    await refused(world, world.form(grant_type="password"), "unsupported_grant_type")
    await refused(world, world.form(grant_type='"><script>'), "unsupported_grant_type")
    await refused(world, world.form(grant_type=None), "invalid_request", "grant_type")
    await refused(world, world.form(client_assertion_type=None), "invalid_client")
    await refused(world, world.form(client_assertion_type="basic"), "invalid_client")
    await refused(world, world.form(client_assertion=None), "invalid_client")
    await refused(world, world.form(client_id="somebody-else"), "invalid_client", "two clients")
    await refused(world, {"grant_type": "client_credentials", "client_id": "x"}, "invalid_client")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"grant_type",
        b"grant_type=%ff",
        b"\xff\xfe",
        b"grant_type=client_credentials&grant_type=client_credentials",
        b"a=%00&grant_type=client_credentials",
        b"&".join(b"p%d=1" % number for number in range(40)),
        b"grant_type=" + b"x" * 33_000,
    ],
)
async def test_a_body_that_is_no_form_is_refused(world: World, body: bytes) -> None:
    async with world.http() as http:
        answer = await http.post("/oauth/token", content=body, headers={"content-type": FORM})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_json_where_a_form_belongs_is_a_problem(world: World) -> None:
    answer = await world.post("/oauth/token", {"grant_type": "client_credentials"})
    assert answer.status_code == 415
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_suspended_client_gets_no_token_and_a_resumed_one_does(world: World) -> None:
    await world.token()
    clients.suspend_client(world.issuer, world.client_id, by="test")
    await refused(world, world.form(), "invalid_client", "suspended")
    stranger = world.form(world.assertion(jose.generate_signing_key()))
    await refused(world, stranger, "invalid_client", "no active key")
    clients.resume_client(world.issuer, world.client_id, by="test")
    await world.token()


async def test_replaced_keys_count_from_the_next_request_on(world: World) -> None:
    await world.token()
    new = jose.generate_signing_key()
    keys = public_set(world.key, new)
    clients.replace_client_keys(world.issuer, world.client_id, keys, by="test")
    await world.token(assertion=world.assertion(world.key))
    await world.token(assertion=world.assertion(new))
    clients.replace_client_keys(world.issuer, world.client_id, public_set(new), by="test")
    await refused(world, world.form(world.assertion(world.key)), "invalid_client", "no active key")
    await world.token(assertion=world.assertion(new))


async def test_enforcement_only_hands_over_whatever_its_row_says(world: World) -> None:
    world.register(client_id="police", mandates=["enforcement"], scopes=[Scope.HANDOVERS_SUBMIT])
    world.database.write_now(
        lambda connection: connection.execute(
            update(client)
            .where(client.c.client_id == "police")
            .values(scopes=["handovers:submit", "referrals:read"], version="tampered")
        )
    )
    world.client_id = "police"
    await refused(world, world.form(scope="referrals:read"), "invalid_scope")
    _, claims = jose.peek(await world.token())
    assert claims["scope"] == "handovers:submit"


async def test_an_expired_assertion_is_forgotten_only_after_it_would_be_refused(
    world: World,
) -> None:
    form = world.form()
    assert (await world.ask(form)).status_code == 200
    for _ in range(12):
        await purge(world.issuer)
        await refused(world, form, "invalid_client")
        world.clock.advance(timedelta(seconds=10))
    count = world.database.read_now(lambda c: c.scalar(select(func.count()).select_from(used_jti)))
    assert count == 0
