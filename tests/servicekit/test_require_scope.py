from typing import Annotated

import httpx
import pytest
from fastapi import FastAPI

from relevo.contracts.scopes import Scope
from relevo.servicekit import dpop, jose
from relevo.servicekit.access_token import Caller, TokenVerifier
from relevo.servicekit.application import new_application
from relevo.servicekit.clock import FixedClock
from relevo.servicekit.require_scope import require
from tests.support.issuer import AUDIENCE, ISSUER, Issuer


def an_application(issuer: Issuer) -> FastAPI:
    app = new_application(title="Node", version="1", summary="Trial.", checks={})
    app.state.token_verifier = TokenVerifier(
        issuer=ISSUER, audience=AUDIENCE, fetch=issuer.fetch, clock=issuer.clock
    )

    @app.get("/v1/referrals/{referral_id}")
    async def get_referral(
        referral_id: str, caller: Annotated[Caller, require(Scope.REFERRALS_READ)]
    ) -> dict[str, str]:
        return {"id": referral_id, "party": caller.party}

    return app


async def ask(
    issuer: Issuer, headers: dict[str, str], path: str = "/v1/referrals/7"
) -> httpx.Response:
    # Behind a proxy the service sees another host than its clients do.
    transport = httpx.ASGITransport(an_application(issuer))
    async with httpx.AsyncClient(transport=transport, base_url="http://10.0.0.7:8000") as client:
        return await client.get(path, headers=headers)


@pytest.mark.asyncio
async def test_who_holds_the_scope_is_let_in() -> None:
    issuer = Issuer(FixedClock())
    response = await ask(issuer, {"authorization": f"Bearer {issuer.token()}"})
    assert response.json() == {"id": "7", "party": "mx.albergue-tapachula"}


@pytest.mark.asyncio
async def test_who_lacks_the_scope_is_told_which() -> None:
    issuer = Issuer(FixedClock())
    token = issuer.token(scope="referrals:submit")
    response = await ask(issuer, {"authorization": f"Bearer {token}"})
    assert response.status_code == 403
    assert response.json()["scope"] == "referrals:read"
    assert 'scope="referrals:read"' in response.headers["www-authenticate"]


@pytest.mark.asyncio
async def test_who_shows_no_token_is_asked_for_one() -> None:
    response = await ask(Issuer(FixedClock()), {})
    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith("Bearer")
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.asyncio
async def test_a_proof_names_the_url_that_clients_know() -> None:
    issuer = Issuer(FixedClock())
    holder = jose.generate_signing_key()
    token = issuer.token(bound_to=holder)
    url = AUDIENCE + "/v1/referrals/caf%C3%A9?x=1"
    proof = dpop.make_proof(holder, "GET", url, now=issuer.clock.now, access_token=token)
    headers = {"authorization": f"DPoP {token}", "dpop": proof}
    assert (await ask(issuer, headers, "/v1/referrals/café?y=2")).status_code == 200
    assert (await ask(issuer, headers, "/v1/referrals/cafe")).status_code == 401
