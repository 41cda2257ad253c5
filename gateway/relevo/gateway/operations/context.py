"""What every operation of the gateway works with."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from joserfc.jwk import OKPKey
from sqlalchemy import Connection

from relevo.contracts.institution import InstitutionState, PeerGateway
from relevo.gateway.clients.node import NodeClient
from relevo.gateway.clients.outbound import Outbound
from relevo.gateway.clients.peer import PeerClient
from relevo.gateway.config import GatewaySettings
from relevo.gateway.domain.key_sets import open_key_set
from relevo.gateway.domain.policy import Policy
from relevo.gateway.exceptions import MissingKeysError
from relevo.gateway.storage import ledger, peers
from relevo.servicekit import checkpoint, jose
from relevo.servicekit.clock import Clock
from relevo.servicekit.database import Database

IDENTITY: Final = "identity"
SIGNING: Final = "signing"
CLIENT: Final = "client"


@dataclass(frozen=True)
class GatewayKeys:
    """The gateway's keys. The first signing key signs; retired ones still verify."""

    identity: OKPKey
    signing: list[OKPKey]
    client: OKPKey

    @classmethod
    def load(cls, settings: GatewaySettings) -> "GatewayKeys":
        """Reads them from the key directory.

        Raises:
            MissingKeysError: There are none yet.
        """
        found = {
            name: jose.load_keys(settings.key_directory, name)
            for name in (IDENTITY, SIGNING, CLIENT)
        }
        missing = [name for name, keys in found.items() if not keys]
        if missing:
            raise MissingKeysError(
                f"no key {missing[0]}.jwk in {settings.key_directory}: run `relevo gateway init`"
            )
        return cls(found[IDENTITY][0], found[SIGNING], found[CLIENT][0])


@dataclass(frozen=True)
class Peer:
    """A gateway that we have an agreement with, its keys read."""

    card: PeerGateway
    signing: dict[str, OKPKey]

    @property
    def gateway(self) -> str:
        return self.card.gateway

    @property
    def url(self) -> str:
        return self.card.url.rstrip("/")


@dataclass(frozen=True)
class Peers:
    """Every peer, by name and by country."""

    by_name: dict[str, Peer]
    by_country: dict[str, Peer]


@dataclass
class Gateway:
    """One running gateway.

    Attributes:
        wake: Tells the delivery worker that there is something to do.
        tell_issuer: Has the issuer beside it suspend or resume an institution's node, for whom; nothing
            where the issuer stands elsewhere.
    """

    settings: GatewaySettings
    database: Database
    clock: Clock
    keys: GatewayKeys
    policy: Policy
    outbound: Outbound
    owns_database: bool = True
    wake: Callable[[], None] = field(default=lambda: None)
    tell_issuer: Callable[[str, InstitutionState, str], None] = field(default=lambda *_: None)
    _peers: dict[str, Peer] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.settings.gateway

    def is_home(self, country: str) -> bool:
        """Whether institutions of this country are at home here."""
        return country in self.settings.countries

    def peers(self, connection: Connection) -> Peers:
        """The peers as they are agreed now; their keys are read once."""
        found = [self._peer(card) for card in peers.all_cards(connection)]
        return Peers(
            {peer.gateway: peer for peer in found},
            {country: peer for peer in found for country in peer.card.countries},
        )

    def _peer(self, text: str) -> Peer:
        known = self._peers.get(text)
        if known is None:
            card = PeerGateway.model_validate_json(text)
            known = Peer(card, open_key_set(card.key_set, card.gateway).signing)
            self._peers[text] = known
        return known

    def peer_client(self, peer: Peer) -> PeerClient:
        return PeerClient(self.outbound, peer.url)

    def node_client(self, node_url: str) -> NodeClient:
        return NodeClient(self.outbound, node_url)

    def record(self, connection: Connection, entries: list[ledger.Entry]) -> ledger.Recorded:
        """Adds to the ledger, as the last thing a transaction does."""
        key = self.keys.signing[0]
        return ledger.append(
            connection,
            entries,
            origin=checkpoint.origin_of(self.name),
            sign=lambda head: checkpoint.sign(head, key),
        )

    def business(self) -> datetime:
        return self.clock.business()

    def security(self) -> datetime:
        return self.clock.security()

    async def aclose(self) -> None:
        await self.outbound.aclose()
        if self.owns_database:
            await self.database.aclose()
