"""Nodes that speak to each other through a network that a test controls, without processes.

The network stands where the gateways are: it knows the directory, takes envelopes and carries them
when the test says so, in the order and as often as the test says.
"""

import atexit
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, Literal

import httpx
from joserfc.jwk import OKPKey
from typing_extensions import override

from relevo.contracts.exchange import BatchAnswer, MessageAnswer, MessageBatch
from relevo.contracts.follow_up import FollowUpHolder, FollowUpQuery
from relevo.contracts.identifiers import institution_of
from relevo.contracts.institution import (
    DIRECTORY_ENTRY_TYP,
    KEY_SET_TYP,
    DirectoryEntry,
    DirectoryPage,
    KeySet,
    ListedInstitution,
    PeerGateway,
    PublicKey,
    Registration,
    SignedKeySet,
    Welcome,
)
from relevo.contracts.problem import Problem, ProblemError
from relevo.contracts.scopes import Scope
from relevo.contracts.status import Status
from relevo.contracts.withdrawal import (
    WaitingRequest,
    WaitingRequests,
    WithdrawalRequest,
    WithdrawalTaken,
)
from relevo.node.clients.gateway import GatewayClient
from relevo.node.config import NodeSettings
from relevo.node.main import PACKAGE, create_app
from relevo.node.operations import join
from relevo.node.operations.context import Node
from relevo.node.operations.directory import Directory
from relevo.node.operations.open_envelope import parse
from relevo.node.operations.pins import pin
from relevo.node.operations.receive import receive
from relevo.node.workers.relay import relay_once
from relevo.servicekit import jose
from relevo.servicekit.clock import FixedClock
from relevo.servicekit.database import Database
from relevo.servicekit.http_client import RefusedError, RetryableError
from tests.support.database import made_ready
from tests.support.institutions import GATEWAY, START, a_profile
from tests.support.issuer import Issuer

Pinning = Literal["confirmed", "first_use"]
ALL_SCOPES = " ".join(
    scope.value for scope in Scope if scope not in {Scope.MESSAGES_DELIVER, Scope.FEDERATION_RELAY}
)


@dataclass
class Member:
    """One institution: its node, and its local systems' way in."""

    node: Node
    directory: Directory
    app: Any
    issuer: Issuer
    settings: NodeSettings
    registration: Registration
    fingerprint: str

    @property
    def id(self) -> str:
        return self.node.institution

    def token(self, scopes: str, institution: str | None = None, **claims: Any) -> str:
        """An access token for this node, of its own institution unless another is named."""
        return self.issuer.token(
            iss=self.settings.base_url,
            aud=self.settings.base_url,
            institution=institution or self.id,
            scope=scopes,
            **claims,
        )

    def http(self, *, scopes: str = ALL_SCOPES, **claims: Any) -> httpx.AsyncClient:
        """A client of this node's API with a token of its institution."""
        token = self.token(scopes, **claims)
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app),
            base_url=self.settings.base_url,
            headers={"authorization": f"Bearer {token}"},
        )

    async def send_what_waits(self) -> None:
        while await relay_once(self.node, self.directory):
            pass


@dataclass
class Network:
    """The directory, and every envelope that is on its way."""

    clock: FixedClock
    down: bool = False
    members: dict[str, Member] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    waiting: list[str] = field(default_factory=list)
    carried: list[str] = field(default_factory=list)
    refuses: Problem | None = None
    revocation_lists: dict[str, str] = field(default_factory=dict)
    papers: list[tuple[str, WaitingRequest]] = field(default_factory=list)
    key: OKPKey = field(default_factory=jose.generate_signing_key)
    key_sets: dict[str, SignedKeySet] = field(default_factory=dict)

    def entry(self, institution: str) -> str:
        member = self.members[institution]
        claims = DirectoryEntry(
            iss=GATEWAY,
            iat=int(self.clock.now.timestamp()),
            profile=member.registration.profile,
            state=self.states.get(institution, "active"),
            key_set=self.key_sets.get(
                institution, SignedKeySet(key_set=member.registration.key_set)
            ),
            valid_until=int((self.clock.now + timedelta(days=365)).timestamp()),
        )
        return jose.sign(claims.model_dump(mode="json"), self.key, typ=DIRECTORY_ENTRY_TYP)

    def welcome(self) -> Welcome:
        key = PublicKey(
            **{k: jose.public_jwk(self.key)[k] for k in ("kty", "crv", "x", "kid", "use")}
        )
        keys = KeySet(iss=GATEWAY, iat=0, version=1, identity_key=key, keys=[key])
        return Welcome(
            gateway=GATEWAY,
            gateway_url="https://gateway.example",
            gateway_key_set=jose.sign(keys.model_dump(), self.key, typ=KEY_SET_TYP),
            gateway_client_key=key,
            countries=["MX", "GT"],
            client_id="node",
        )

    async def deliver(self, jws: str) -> MessageAnswer:
        """Hands one envelope to its receiver, as a gateway does."""
        receiver = ".".join(parse(jws).aud.split(".")[:2])
        member = self.members[receiver]
        answer = await receive(member.node, member.directory, MessageBatch(envelopes=[jws]))
        return answer.answers[0]

    async def settle(self) -> list[MessageAnswer]:
        """Carries everything until nothing is left to carry."""
        answers: list[MessageAnswer] = []
        while True:
            for member in self.members.values():
                await member.send_what_waits()
            if not self.waiting:
                return answers
            batch, self.waiting = self.waiting, []
            answers += [await self.deliver(jws) for jws in batch]


class GatewayOfTest(GatewayClient):
    """The network as one node's gateway."""

    def __init__(self, network: Network, institution: str = "") -> None:
        super().__init__()
        self._network = network
        self._institution = institution

    @property
    @override
    def connected(self) -> bool:
        return not self._network.down

    @override
    async def institutions(self, params: dict[str, str]) -> DirectoryPage:
        if self._network.down:
            raise RetryableError("connect")
        profiles = [m.registration.profile for m in self._network.members.values()]
        return DirectoryPage(
            institutions=[
                ListedInstitution(
                    **profile.model_dump(exclude={"node_url"}),
                    state="active",
                    gateway=GATEWAY,
                    fingerprint="A" * 43,
                    updated_at=START,
                )
                for profile in profiles
                if profile.country == params.get("country", profile.country)
            ]
        )

    @override
    async def bring_revocation_list(self, institution: str, status_list: str) -> None:
        if self._network.down:
            raise RetryableError("connect")
        self._network.revocation_lists[institution] = status_list

    @override
    async def revocation_list(self, institution: str) -> str:
        if self._network.down:
            raise RetryableError("connect")
        if institution not in self._network.revocation_lists:
            raise RefusedError(ProblemError("not_found").problem(), 404)
        return self._network.revocation_lists[institution]

    @override
    async def ask_to_withdraw(self, request_jws: str) -> WithdrawalTaken:
        """As the home gateway of the code: kept for whoever sent the referral, if anybody did."""
        if self._network.down:
            raise RetryableError("connect")
        asked = WithdrawalRequest.model_validate(jose.peek(request_jws)[1])
        for jws in self._network.carried:
            envelope = parse(jws)
            if (envelope.reference_code, envelope.state) == (asked.reference_code, "submitted"):
                waiting = WaitingRequest(
                    id=asked.jti,
                    reference_code=asked.reference_code,
                    phrase_check=asked.phrase_check,
                    received_at=self._network.clock.now,
                )
                self._network.papers.append((institution_of(envelope.iss), waiting))
        return WithdrawalTaken()

    @override
    async def withdrawal_requests(self, taken: list[str]) -> WaitingRequests:
        if self._network.down:
            raise RetryableError("connect")
        self._network.papers = [one for one in self._network.papers if one[1].id not in taken]
        ours = [one for whose, one in self._network.papers if whose == self._institution]
        return WaitingRequests(institution=self._institution, requests=ours)

    @override
    async def send(self, envelopes: list[str]) -> BatchAnswer:
        if self._network.down:
            raise RetryableError("connect")
        if self._network.refuses is not None:
            return BatchAnswer(
                answers=[
                    MessageAnswer(
                        message_id=parse(jws).jti, result="refused", problem=self._network.refuses
                    )
                    for jws in envelopes
                ]
            )
        self._network.waiting += envelopes
        self._network.carried += envelopes
        return BatchAnswer(
            answers=[
                MessageAnswer(message_id=parse(jws).jti, result="accepted") for jws in envelopes
            ]
        )

    @override
    async def directory_entry(self, institution: str) -> str:
        if self._network.down:
            raise RetryableError("connect")
        if institution not in self._network.members:
            raise RefusedError(ProblemError("not_found").problem(), 404)
        return self._network.entry(institution)

    @override
    async def gateways(self) -> list[PeerGateway]:
        return []

    @override
    async def follow_up_holder(self, query_jws: str) -> FollowUpHolder:
        """As the home gateway of the code: it remembers what the slices of a referral said."""
        if self._network.down:
            raise RetryableError("connect")
        query = FollowUpQuery.model_validate(jose.peek(query_jws)[1])
        for jws in self._network.carried:
            envelope = parse(jws)
            named = {
                party
                for grant in envelope.grants
                for party in jose.peek(grant)[1].get("follow_up_parties", [])
            }
            if envelope.reference_code == query.reference_code and query.iss in named:
                return FollowUpHolder(reference_code=query.reference_code, holder=envelope.aud)
        raise RefusedError(ProblemError("not_found").problem(), 404)

    @override
    async def status(self, query_jws: str) -> Status:
        raise RefusedError(ProblemError("not_found").problem(), 404)


@cache
def _prepared(institution: str) -> Path:
    """A folder with the keys of an institution: those of one run are alike, to make them takes long."""
    folder = Path(tempfile.mkdtemp(prefix="relevo-keys-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    settings = _settings(institution, folder, pinning="confirmed")
    join.make_keys(settings)
    join.migrate_data_keys(settings)
    return folder


def _settings(institution: str, folder: Path, *, pinning: Pinning) -> NodeSettings:
    return NodeSettings(
        institution=institution,
        database_url="sqlite:////not/used.db",
        data_key_database_url=f"sqlite:///{folder / institution}.keys.db",
        base_url=f"https://{institution}.example",
        key_directory=folder / institution,
        pinning=pinning,
        directory_cache_seconds=5,
    )


@contextmanager
def a_member(
    network: Network, institution: str, folder: Path, database: Database, *, pinning: Pinning
) -> Iterator[Member]:
    settings = _settings(institution, folder, pinning=pinning)
    if not settings.key_directory.exists():
        shutil.copytree(_prepared(institution), folder, dirs_exist_ok=True)
    made_ready(database, PACKAGE)
    prepared = join.registration(settings, a_profile(institution))
    _, claims = jose.peek(prepared.registration)
    issuer = Issuer(network.clock)
    issuer.statement_claims = {"iss": settings.base_url}
    app = create_app(settings, database=database, clock=network.clock, fetch=issuer.fetch)
    member = Member(
        node=app.state.node,
        directory=app.state.directory,
        app=app,
        issuer=issuer,
        settings=settings,
        registration=Registration.model_validate(claims),
        fingerprint=prepared.fingerprint,
    )
    member.node.gateway = GatewayOfTest(network, institution)
    join.join(database, network.welcome(), network.clock)
    network.members[institution] = member
    try:
        yield member
    finally:
        member.node.vault.close()


def pin_each_other(network: Network) -> None:
    """What people do by telephone when an agreement is made."""
    for member in network.members.values():
        for other in network.members.values():
            if other is member:
                continue
            member.node.database.write_now(
                pin,
                other.id,
                other.fingerprint,
                confirmed_by="test",
                now=network.clock.now,
            )
