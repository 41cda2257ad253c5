"""One node of a federation whose link is down: it takes referrals, and nothing leaves."""

import itertools
import json
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from joserfc.jwk import OKPKey

from relevo.assembly import issuer_clients, node_process
from relevo.auth.domain.client import ClientRegistration
from relevo.contracts.institution import (
    DIRECTORY_ENTRY_TYP,
    KEY_SET_TYP,
    DirectoryEntry,
    KeySet,
    SignedKeySet,
    Welcome,
)
from relevo.contracts.scopes import Scope
from relevo.node.operations import join
from relevo.node.storage import peers
from relevo.sandbox import cast
from relevo.sandbox.places import DatabaseUrls, NodePlace, node_place
from relevo.sandbox.ports import free_port
from relevo.sandbox.processes import Processes
from relevo.sandbox.systems import LocalSystem
from relevo.servicekit import jose
from relevo.servicekit.database import Database

from . import records
from .http_load import Load, drive, request
from .measure import Figures
from .processor_time import with_processor_time

GATEWAY: Final = "gateway.mx"
CONNECTIONS: Final = 32
_ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass
class LoneNode:
    """The shelter's node in a process of its own, and what its case system sends."""

    place: NodePlace
    processes: Processes
    system: LocalSystem
    key: OKPKey
    consent_id: str = ""

    @property
    def process_id(self) -> int:
        return self.processes.process_id(self.place.name)

    def measured(self, turn: Callable[[], Load], *, each: int = 1) -> Figures:
        """One turn with the node's processor time; `each` is how many operations a request is."""
        return with_processor_time([self.process_id], lambda: turn().figures(each=each))

    def submit_one_by_one(self, seconds: float, *, connections: int = CONNECTIONS) -> Load:
        head = {"authorization": f"Bearer {self.system.token()}"}
        body = json.dumps(records.a_submission(self.consent_id)).encode()
        requests = (
            request("POST", "/v1/referrals", body, {**head, "idempotency-key": str(uuid.uuid4())})
            for _ in itertools.count()
        )
        return drive(
            self.place.port, requests, connections=connections, seconds=seconds, status=201
        )

    def submit_in_bulk(self, seconds: float, *, connections: int = 2) -> Load:
        head = {"authorization": f"Bearer {self.system.token()}"}
        one = records.a_submission(self.consent_id)

        def bulks() -> Iterator[bytes]:
            while True:
                items = [{"key": str(uuid.uuid4()), "referral": one} for _ in range(100)]
                body = json.dumps({"items": items}).encode()
                yield request("POST", "/v1/referrals/bulk", body, head)

        return drive(self.place.port, bulks(), connections=connections, seconds=seconds)

    def ask_for_tokens(self, seconds: float, *, at_most: int) -> Load:
        """Assertions are signed beforehand: their cost is the client's, not the issuer's."""
        ready = [self._token_request() for _ in range(at_most)]
        return drive(self.place.port, ready, connections=CONNECTIONS, seconds=seconds)

    def _token_request(self) -> bytes:
        now = int(time.time())
        client, issuer = self.system.client_id, self.place.base_url
        claims = {"iss": client, "sub": client, "aud": issuer, "jti": str(uuid.uuid4())}
        assertion = jose.sign({**claims, "iat": now, "exp": now + 250}, self.key, typ="JWT")
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": _ASSERTION_TYPE,
            "client_assertion": assertion,
            "scope": "referrals:submit",
            "resource": issuer,
        }
        body = urlencode(form).encode()
        kind = "application/x-www-form-urlencoded"
        return request("POST", "/oauth/token", body, {}, content_type=kind)


@contextmanager
def a_lone_node(folder: Path, databases: DatabaseUrls, *, work: bool = False) -> Iterator[LoneNode]:
    """Sets the node up as people do, without a gateway process, and starts it.

    Args:
        folder: An empty one.
        databases: Where its databases are.
        work: Whether its workers run, too; else it only answers requests.
    """
    place = node_place(
        cast.SHELTER, root=folder, port=free_port(), databases=databases, movable_clock=False
    )
    node_process.prepare(place.settings, cast.SHELTER.profile(place.base_url), place.auth)
    _know_each_other(place)
    client = cast.SHELTER.systems[0]
    scopes = (*client.scopes, Scope.RETURNEES_WRITE, Scope.RETURNEES_READ)
    key = jose.generate_signing_key()
    issuer_clients.register(
        place.auth,
        ClientRegistration(
            client_id=client.client_id,
            institution=cast.SHELTER.id,
            mandates=client.mandates,
            scopes=scopes,
            audiences=(place.base_url,),
            jwks=issuer_clients.key_set(jose.public_jwk(key)),
        ),
        by="benchmark",
    )
    service = place.service()
    if not work:
        service.command = (*service.command, "--no-work")
    processes = Processes([service])
    system = LocalSystem(
        client.client_id,
        key,
        node=place.base_url,
        address=place.address,
        scopes=[scope.value for scope in scopes],
    )
    try:
        processes.start()
        processes.wait_ready()
        node = LoneNode(place, processes, system, key)
        node.consent_id = str(system.post("/v1/consents", records.a_consent())["id"])
        yield node
    finally:
        system.close()
        processes.stop()


def _know_each_other(place: NodePlace) -> None:
    """The welcome of a gateway, and the receiver's directory entry as if the link had been up once."""
    now = datetime.now(UTC)
    gateway_key = jose.generate_signing_key()
    public = join.public_key(gateway_key)
    keys = KeySet(iss=GATEWAY, iat=0, version=1, identity_key=public, keys=[public])
    welcome = Welcome(
        gateway=GATEWAY,
        gateway_url=f"http://127.0.0.1:{free_port()}",
        gateway_key_set=jose.sign(keys.model_dump(), gateway_key, typ=KEY_SET_TYP),
        gateway_client_key=public,
        countries=["MX"],
        client_id=place.institution.id,
    )
    node_process.join(place.settings, welcome, place.auth)
    receiver = _prepared_receiver()
    entry = DirectoryEntry(
        iss=GATEWAY,
        iat=int(now.timestamp()),
        profile=cast.INSTITUTE.profile("http://127.0.0.1:1"),
        state="active",
        key_set=SignedKeySet(key_set=receiver["key_set"]),
        valid_until=int((now + timedelta(days=30)).timestamp()),
    )
    jws = jose.sign(entry.model_dump(mode="json"), gateway_key, typ=DIRECTORY_ENTRY_TYP)
    database = Database(place.settings.database_url, pool_size=1)
    try:
        database.write_now(peers.put_entry, cast.INSTITUTE.id, jws, now=now)
    finally:
        database.close()
    node_process.pin(place.settings, cast.INSTITUTE.id, receiver["fingerprint"], by="benchmark")


def _prepared_receiver() -> dict[str, Any]:
    identity, working = jose.generate_signing_key(), jose.generate_signing_key()
    seal = jose.generate_encryption_key()
    keys = KeySet(
        iss=cast.INSTITUTE.id,
        iat=0,
        version=1,
        identity_key=join.public_key(identity),
        keys=[join.public_key(working), join.public_key(seal)],
    )
    return {
        "key_set": jose.sign(keys.model_dump(), identity, typ=KEY_SET_TYP),
        "fingerprint": jose.thumbprint(identity),
    }
