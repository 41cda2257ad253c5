"""One gateway in a process of its own, and institutions that are at home there."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import httpx

from relevo.assembly import gateway_process
from relevo.contracts.envelope import MAX_BATCH_MESSAGES
from relevo.contracts.scopes import Scope
from relevo.contracts.status import STATUS_QUERY_TYP
from relevo.sandbox.places import DatabaseUrls, GatewayPlace, gateway_place
from relevo.sandbox.ports import free_port
from relevo.sandbox.processes import Processes
from relevo.servicekit import dpop, jose
from relevo.servicekit.clock import SystemClock
from relevo.servicekit.ids import new_id
from relevo.servicekit.oauth_client import TokenSource
from relevo.servicekit.padding import pad
from tests.gateway.federation import Institution

from .http_load import Load, drive, request
from .measure import Figures
from .processor_time import with_processor_time

NAME: Final = "gateway.mx"
RECEIVER: Final = "mx.receiver"
SENDERS: Final = 8
_CONTENT_BYTES: Final = 3000


@dataclass
class LoneGateway:
    """The gateway, those who send through it, and what they sent."""

    place: GatewayPlace
    processes: Processes
    senders: list[Institution]
    receiver: Institution
    codes: dict[str, list[str]] = field(default_factory=dict)

    @property
    def process_id(self) -> int:
        return self.processes.process_id(self.place.name)

    def measured(self, turn: Callable[[], Load], *, each: int = 1) -> Figures:
        """One turn with the gateway's processor time; `each` is how many operations a request is."""
        return with_processor_time([self.process_id], lambda: turn().figures(each=each))

    def accept(self, seconds: float, *, at_most: int, connections: int = 4) -> Load:
        """Batches of a hundred new referrals, signed beforehand."""
        ready = [self._batch(number) for number in range(at_most // MAX_BATCH_MESSAGES)]
        return drive(self.place.port, ready, connections=connections, seconds=seconds)

    def ask(self, seconds: float, *, at_most: int, connections: int = 32) -> Load:
        """Status queries of those who sent something, signed beforehand."""
        ready = [self._query(number) for number in range(at_most)]
        return drive(self.place.port, ready, connections=connections, seconds=seconds)

    def _batch(self, number: int) -> bytes:
        sender = self.senders[number % len(self.senders)]
        now = datetime.now(UTC)
        content = _sealed(sender, self.receiver)
        envelopes = [
            sender.envelope(RECEIVER, now=now, content=content) for _ in range(MAX_BATCH_MESSAGES)
        ]
        code = str(jose.peek(envelopes[0])[1]["reference_code"])
        self.codes.setdefault(sender.id, []).append(code)
        body = json.dumps({"envelopes": envelopes}).encode()
        return self._request("/v1/messages", body, sender, Scope.MESSAGES_SEND)

    def _query(self, number: int) -> bytes:
        sender = self.senders[number % len(self.senders)]
        codes = self.codes[sender.id]
        now = int(time.time())
        claims = {
            "iss": sender.id,
            "aud": NAME,
            "jti": new_id(),
            "iat": now,
            "exp": now + 300,
            "reference_code": codes[number % len(codes)],
            "purpose": "status_enquiry",
        }
        query = jose.sign(claims, sender.signing, typ=STATUS_QUERY_TYP)
        body = json.dumps({"query": query}).encode()
        return self._request("/v1/status-queries", body, sender, Scope.REFERRALS_STATUS)

    def _request(self, path: str, body: bytes, sender: Institution, scope: Scope) -> bytes:
        token = self._token(sender, scope)
        url = self.place.base_url + path
        now = datetime.now(UTC)
        proof = dpop.make_proof(sender.client, "POST", url, now=now, access_token=token)
        return request("POST", path, body, {"authorization": f"DPoP {token}", "dpop": proof})

    def _token(self, sender: Institution, scope: Scope) -> str:
        known = self._tokens.get((sender.id, scope))
        if known is None or known[1] < time.monotonic():
            value = asyncio.run(_ask_for_token(self.place.base_url, sender, scope))
            known = self._tokens[sender.id, scope] = (value, time.monotonic() + 200)
        return known[0]

    _tokens: dict[tuple[str, Scope], tuple[str, float]] = field(default_factory=dict)


async def _ask_for_token(base_url: str, sender: Institution, scope: Scope) -> str:
    async with httpx.AsyncClient(trust_env=False) as http:
        source = TokenSource(
            issuer=base_url,
            client_id=sender.id,
            key=sender.client,
            http=http,
            clock=SystemClock(),
            dpop_key=sender.client,
        )
        return (await source.get(base_url, [scope])).value


def _sealed(sender: Institution, receiver: Institution) -> str:
    public = jose.import_public_key(jose.public_jwk(receiver.encryption))
    return jose.seal(pad(b"x" * _CONTENT_BYTES), public, apu=sender.id, apv=receiver.id)


@contextmanager
def a_lone_gateway(folder: Path, databases: DatabaseUrls) -> Iterator[LoneGateway]:
    """Set up as people do, with institutions that exist only as keys; it delivers nothing."""
    place = gateway_place(NAME, ("MX",), root=folder, port=free_port(), databases=databases)
    gateway_process.prepare(place.settings, place.auth)
    senders = [Institution(f"mx.sender-{number}") for number in range(SENDERS)]
    receiver = Institution(RECEIVER)
    for institution in (*senders, receiver):
        for person in ("Ana", "Berta"):
            gateway_process.approve(
                place.settings, institution.registration(), by=person, auth=place.auth
            )
    service = place.service()
    service.command = (*service.command, "--no-work")
    with place.config.open("a") as settings:
        settings.write("status_queries_per_minute = 10000\n")
    processes = Processes([service])
    try:
        processes.start()
        processes.wait_ready()
        yield LoneGateway(place, processes, senders, receiver)
    finally:
        processes.stop()
