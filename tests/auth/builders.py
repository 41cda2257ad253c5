"""Clients, assertions and requests for the issuer's tests; each differs in what the test names."""

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from joserfc.jwk import OKPKey

from relevo.auth.config import AuthSettings
from relevo.auth.domain.client import ClientRegistration, KeySet, PublicKey
from relevo.auth.domain.private_key_jwt import ASSERTION_TYPE
from relevo.auth.main import PACKAGE, create_app
from relevo.auth.operations import clients
from relevo.auth.operations.context import Issuer
from relevo.contracts.scopes import Scope
from relevo.servicekit import jose
from relevo.servicekit.clock import FixedClock
from relevo.servicekit.database import Database
from relevo.servicekit.dpop import make_proof
from tests.support.database import made_ready

ISSUER = "https://node.albergue.example"
TOKEN_URL = f"{ISSUER}/oauth/token"
NODE = ISSUER
OTHER_SERVICE = "https://reports.albergue.example"
START = datetime(2026, 3, 2, 15, 4, 5, tzinfo=UTC)
FORM = "application/x-www-form-urlencoded"


def public_set(*keys: OKPKey) -> KeySet:
    return KeySet(keys=tuple(PublicKey.model_validate(jose.public_jwk(key)) for key in keys))


def a_registration(key: OKPKey, **changes: Any) -> ClientRegistration:
    members: dict[str, Any] = {
        "client_id": "mx.albergue-tapachula.cases",
        "institution": "mx.albergue-tapachula",
        "mandates": ["shelter"],
        "scopes": [Scope.REFERRALS_SUBMIT, Scope.REFERRALS_READ],
        "audiences": [NODE],
        "jwks": public_set(key),
    }
    return ClientRegistration(**{**members, **changes})


@dataclass
class World:
    """One issuer with one client, its key, and a clock that stands still."""

    database: Database
    clock: FixedClock
    settings: AuthSettings
    app: FastAPI
    key: OKPKey = field(default_factory=jose.generate_signing_key)
    client_id: str = "mx.albergue-tapachula.cases"

    @property
    def issuer(self) -> Issuer:
        found: Issuer = self.app.state.auth.issuer
        return found

    @property
    def database_url(self) -> str:
        return self.database.engine.url.render_as_string(hide_password=False)

    def http(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url=ISSUER)

    def register(self, key: OKPKey | None = None, **changes: Any) -> None:
        clients.add_client(self.issuer, a_registration(key or self.key, **changes), by="test")

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Claims of an assertion; a change to None leaves the claim out."""
        now = int(self.clock.security().timestamp())
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": ISSUER,
            "iat": now,
            "exp": now + 60,
            "jti": str(uuid.uuid4()),
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def assertion(self, key: OKPKey | None = None, **changes: Any) -> str:
        return jose.sign(self.claims(**changes), key or self.key, typ="JWT")

    def form(self, assertion: str | None = None, **changes: Any) -> dict[str, Any]:
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion or self.assertion(),
            **changes,
        }
        return {name: value for name, value in form.items() if value is not None}

    def proof(self, key: OKPKey, url: str = TOKEN_URL, method: str = "POST") -> str:
        return make_proof(key, method, url, now=self.clock.security())

    async def ask(
        self, form: dict[str, Any] | None = None, *, proofs: tuple[str, ...] = ()
    ) -> httpx.Response:
        async with self.http() as http:
            return await http.post(
                "/oauth/token",
                data=form or self.form(),
                headers=[("dpop", proof) for proof in proofs],
            )

    async def token(self, **changes: Any) -> str:
        answer = await self.ask(self.form(**changes))
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    async def get(self, path: str, token: str | None = None) -> httpx.Response:
        async with self.http() as http:
            return await http.get(path, headers=bearer(token))

    async def post(self, path: str, json: Any = None, token: str | None = None) -> httpx.Response:
        async with self.http() as http:
            return await http.post(path, json=json, headers=bearer(token))

    async def keys(self) -> dict[str, OKPKey]:
        answer = await self.get("/oauth/jwks")
        return jose.import_key_set(answer.json(), curve="Ed25519")

    async def revocations(self) -> dict[str, Any]:
        answer = await self.get("/oauth/revocations")
        assert answer.headers["content-type"] == "application/jwt"
        return jose.verify(answer.text, await self.keys(), typ="relevo-revocations+jwt")


def bearer(token: str | None) -> dict[str, str]:
    return {} if token is None else {"authorization": f"Bearer {token}"}


def a_world(database: Database, folder: Path) -> World:
    made_ready(database, PACKAGE)
    clock = FixedClock(START)
    settings = AuthSettings(
        database_url="sqlite:///unused.db", base_url=ISSUER, key_directory=folder / "keys"
    )
    return World(database, clock, settings, create_app(settings, database=database, clock=clock))
