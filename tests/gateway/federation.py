"""Institutions with keys, gateways with real databases, and a network between them that can fail."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
from fastapi import FastAPI
from joserfc.jwk import OKPKey
from typing_extensions import override

from relevo.contracts.envelope import ENVELOPE_TYP, Envelope
from relevo.contracts.exchange import BatchAnswer, MessageAnswer, MessageBatch
from relevo.contracts.grant_slice import GRANT_TYP, GrantSlice
from relevo.contracts.identifiers import country_of, institution_of
from relevo.contracts.institution import (
    KEY_SET_TYP,
    REGISTRATION_TYP,
    InstitutionProfile,
    KeySet,
    Registration,
)
from relevo.contracts.message_types.registry import MESSAGE_TYPES
from relevo.contracts.problem import ProblemError
from relevo.contracts.scopes import Scope
from relevo.gateway.config import GatewaySettings
from relevo.gateway.main import PACKAGE, create_app
from relevo.gateway.operations import keys as own_keys
from relevo.gateway.operations.context import Gateway
from relevo.gateway.operations.keys import public_key
from relevo.gateway.operations.membership import INSTITUTION_SCOPES, PEER_SCOPES, add_peer, approve
from relevo.servicekit import jose
from relevo.servicekit.access_token import Caller
from relevo.servicekit.clock import FixedClock
from relevo.servicekit.database import Database
from relevo.servicekit.ids import new_id, new_reference_code, random_id
from tests.support.database import made_ready

SEALED = "eyJhbGciOiJFQ0RILUVTIn0..aXY.Y2lwaGVydGV4dA.dGFn"
EVERYTHING = [kind.id for kind in MESSAGE_TYPES.values()]


@dataclass
class Institution:
    """An institution's node, as far as a gateway sees it."""

    id: str
    mandates: list[str] = field(default_factory=lambda: ["shelter", "returnee_reception"])
    units: list[dict[str, Any]] = field(default_factory=list)
    message_types: list[str] = field(default_factory=lambda: list(EVERYTHING))
    delivery: str = "push"
    type: str = "ngo"
    identity: OKPKey = field(default_factory=jose.generate_signing_key)
    signing: OKPKey = field(default_factory=jose.generate_signing_key)
    encryption: OKPKey = field(default_factory=jose.generate_encryption_key)
    client: OKPKey = field(default_factory=jose.generate_signing_key)

    @property
    def url(self) -> str:
        return f"http://{self.id}.test"

    def key_set(self, version: int = 1) -> str:
        claims = KeySet(
            iss=self.id,
            iat=0,
            version=version,
            identity_key=public_key(self.identity),
            keys=[public_key(self.signing), public_key(self.encryption)],
        )
        return jose.sign(claims.model_dump(), self.identity, typ=KEY_SET_TYP)

    def registration(self, version: int = 1) -> str:
        profile = InstitutionProfile.model_validate(
            {
                "institution": self.id,
                "name": f"Institution {self.id}",
                "country": country_of(self.id),
                "type": self.type,
                "mandates": self.mandates,
                "units": self.units,
                "message_types": self.message_types,
                "delivery": self.delivery,
                "node_url": self.url if self.delivery == "push" else None,
            }
        )
        claims = Registration(
            iss=self.id,
            iat=0,
            profile=profile,
            key_set=self.key_set(version),
            client_key=public_key(self.client),
        )
        return jose.sign(claims.model_dump(mode="json"), self.identity, typ=REGISTRATION_TYP)

    def grant(
        self, receiver: str, *, now: datetime, key: OKPKey | None = None, **changes: Any
    ) -> str:
        """A signed slice by this institution, under which it sends itself unless changed."""
        claims = {
            "iss": self.id,
            "jti": random_id(),
            "iat": int(now.timestamp()),
            "nbf": int(now.timestamp()) - 3600,
            "exp": int((now + timedelta(days=60)).timestamp()),
            "sender": self.id,
            "receiver": receiver,
            "purposes": ["service_delivery"],
            "categories": ["identity", "health"],
            **changes,
        }
        return jose.sign(
            GrantSlice.model_validate(claims).model_dump(), key or self.signing, typ=GRANT_TYP
        )

    def envelope(
        self,
        receiver: str,
        *,
        now: datetime,
        key: OKPKey | None = None,
        message_type: str = "referral.submitted/1",
        **changes: Any,
    ) -> str:
        """A signed envelope; a referral under a slice of its own unless changed."""
        referral = new_id()
        claims: dict[str, Any] = {
            "iss": self.id,
            "aud": receiver,
            "sub": referral,
            "jti": new_id(),
            "iat": int(now.timestamp()),
            "exp": int((now + timedelta(days=30)).timestamp()),
            "message_type": message_type,
            "correlation_id": referral,
            "reference_code": new_reference_code(country_of(self.id)),
            "pathway": "sealed-health",
            "triage": "yellow",
            "test": True,
        }
        kind = MESSAGE_TYPES.get(message_type)
        if kind is not None and kind.message_class == "content":
            claims |= {
                "state": "submitted",
                "purpose": "service_delivery",
                "categories": ["identity"],
                "content": SEALED,
            }
            if "grants" not in changes and "basis" not in changes:
                claims["grants"] = [
                    self.grant(receiver, now=now, sender=changes.get("iss", self.id))
                ]
        claims |= changes
        return jose.sign(
            Envelope.model_validate(claims).model_dump(mode="json", exclude_none=True),
            key or self.signing,
            typ=ENVELOPE_TYP,
        )

    def withdrawal(self, receiver: str, grant_ids: list[str], *, now: datetime, **more: Any) -> str:
        return self.envelope(
            receiver,
            now=now,
            message_type="consent.withdrawn/1",
            withdrawn=grant_ids,
            content=SEALED,
            **more,
        )


def claims_of(jws: str) -> dict[str, Any]:
    return jose.peek(jws)[1]


def grant_id_of(envelope: str) -> str:
    return str(claims_of(claims_of(envelope)["grants"][0])["jti"])


@dataclass
class FakeNode:
    """An inbox that can be down, refuse, or take its time; it keeps what it was given."""

    up: bool = True
    status: int = 503
    refuse: dict[str, ProblemError] = field(default_factory=dict)
    batches: list[MessageBatch] = field(default_factory=list)
    calls: int = 0
    before: Callable[[], Any] | None = None

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.calls += 1
        if not self.up:
            if self.status == 0:
                raise httpx.ConnectError("down")
            return httpx.Response(self.status)
        if self.before is not None:
            await self.before()
        batch = MessageBatch.model_validate_json(request.content)
        known = set(self.received)
        self.batches.append(batch)
        answers = []
        for jws in batch.envelopes:
            message_id = claims_of(jws)["jti"]
            problem = self.refuse.get(message_id)
            if problem is not None:
                answers.append(
                    MessageAnswer(
                        message_id=message_id, result="refused", problem=problem.problem()
                    )
                )
            else:
                result = "duplicate" if message_id in known else "accepted"
                answers.append(MessageAnswer(message_id=message_id, result=result))
        body = BatchAnswer(answers=answers).model_dump_json()
        return httpx.Response(200, content=body, headers={"content-type": "application/json"})

    @property
    def envelopes(self) -> list[str]:
        return [jws for batch in self.batches for jws in batch.envelopes]

    @property
    def received(self) -> list[str]:
        return [claims_of(jws)["jti"] for jws in self.envelopes]

    @property
    def receipts(self) -> list[Any]:
        return [receipt for batch in self.batches for receipt in batch.receipts]

    def receipts_of(self, message_id: str) -> list[str]:
        return [r.leaf.kind for r in self.receipts if r.leaf.message_id == message_id]


class Network(httpx.AsyncBaseTransport):
    """Leads each host to an application or a function; every host issues tokens to whoever asks."""

    def __init__(self) -> None:
        self.hosts: dict[str, Any] = {}
        self.down: set[str] = set()
        self.asked: list[str] = []

    def app(self, host: str, app: FastAPI) -> None:
        self.hosts[host] = httpx.ASGITransport(app)

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        host, path = request.url.host, request.url.path
        if host in self.down or host not in self.hosts:
            raise httpx.ConnectError("no route", request=request)
        base = f"{request.url.scheme}://{request.url.netloc.decode()}"
        if path == "/.well-known/oauth-authorization-server":
            answer = {"issuer": base, "token_endpoint": f"{base}/oauth/token"}
            return httpx.Response(200, json=answer, request=request)
        if path == "/oauth/token":
            body = parse_qs((await request.aread()).decode())
            answer = {
                "access_token": body["client_id"][0],
                "token_type": "DPoP",
                "expires_in": 300,
            }
            return httpx.Response(200, json=answer, request=request)
        self.asked.append(f"{request.method} {host}{path}")
        await request.aread()
        target = self.hosts[host]
        if isinstance(target, httpx.ASGITransport):
            return await target.handle_async_request(request)
        response: httpx.Response = await target(request)
        return response


class TrustingVerifier:
    """Takes the client id that stands where a token would."""

    def __init__(self, audience: str) -> None:
        self.audience = audience
        self.scopes: dict[str, set[Scope]] = {}

    async def verify(
        self, authorization: str | None, _dpop: list[str], _method: str, _url: str
    ) -> Caller:
        if not authorization:
            raise ProblemError("invalid_token")
        client = authorization.split(" ")[1]
        scopes: set[Scope] = set(
            PEER_SCOPES if client.startswith("gateway.") else INSTITUTION_SCOPES
        )
        if client.endswith(".operator"):
            scopes = {Scope.POLICIES_ADMIN, Scope.DELIVERIES_ADMIN, Scope.DIRECTORY_READ}
        return Caller(
            client_id=client,
            institution=client if client.startswith("gateway.") else institution_of(client),
            unit=None,
            mandates=frozenset(),
            purpose=None,
            scopes=frozenset(self.scopes.get(client, scopes)),
        )


@dataclass
class RunningGateway:
    """A gateway's application with its parts at hand."""

    app: FastAPI
    gateway: Gateway
    network: Network
    http: httpx.AsyncClient
    clock: FixedClock

    @property
    def name(self) -> str:
        return self.gateway.name

    def join(self, *institutions: Institution) -> None:
        for institution in institutions:
            registration = institution.registration()
            for person in ("Ana", "Berta"):
                approve(self.gateway, registration, approved_by=person)

    async def post(self, path: str, client: str, body: Any = None) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.http.post(
            self.gateway.settings.base_url + path,
            content=content if body is not None else None,
            headers={
                "authorization": f"Bearer {client}",
                **({"content-type": "application/json"} if body is not None else {}),
            },
        )

    async def get(self, path: str, client: str, **params: Any) -> httpx.Response:
        return await self.http.get(
            self.gateway.settings.base_url + path,
            params=params,
            headers={"authorization": f"Bearer {client}"},
        )

    async def send(self, sender: Institution | str, *envelopes: str) -> list[MessageAnswer]:
        client = sender if isinstance(sender, str) else sender.id
        path = "/v1/relay" if client.startswith("gateway.") else "/v1/messages"
        response = await self.post(path, client, {"envelopes": list(envelopes)})
        assert response.status_code == 200, response.text
        return BatchAnswer.model_validate_json(response.content).answers

    async def aclose(self) -> None:
        await self.http.aclose()
        await self.app.state.own_http.aclose()

    async def work(self, rounds: int = 20) -> None:
        """Runs the delivery worker until nothing is due."""
        deliverer = self.app.state.deliverer
        for _ in range(rounds):
            worked = await deliverer.step()
            await deliverer.drain()
            if not worked:
                return


def problem_name(answer: MessageAnswer) -> str | None:
    return answer.problem.type.rpartition("/")[2] if answer.problem else None


def a_gateway(
    folder: Path,
    database: Database,
    country: str,
    network: Network,
    clock: FixedClock,
    **changes: Any,
) -> RunningGateway:
    """A gateway of one country; the database stays with whoever gives it."""
    settings = GatewaySettings(
        gateway=f"gateway.{country.lower()}",
        countries=[country],
        database_url="sqlite:////not/used.db",
        base_url=f"http://gateway.{country.lower()}.test",
        key_directory=folder / f"keys-{country}",
        allow_private_addresses=True,
        receipt_patience_seconds=0,
        **changes,
    )
    if not settings.key_directory.exists():
        own_keys.init(settings, now=clock.now)
    made_ready(database, PACKAGE)
    http = httpx.AsyncClient(transport=network)
    app = create_app(settings, database=database, clock=clock, http=http)
    app.state.token_verifier = TrustingVerifier(settings.base_url)
    network.app(f"gateway.{country.lower()}.test", app)
    return RunningGateway(app, app.state.gateway, network, http, clock)


def agree(one: RunningGateway, other: RunningGateway) -> None:
    """Both sides note their agreement."""
    for here, there in ((one, other), (other, one)):
        card = own_keys.card(there.gateway.settings, agreement="Convenio 2026-01")
        add_peer(here.gateway, card.model_dump_json(), approved_by="Ana")
