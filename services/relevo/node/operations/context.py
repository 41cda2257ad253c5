"""What every operation of the node works with."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from joserfc.jwk import OKPKey

from relevo.contracts.identifiers import institution_of
from relevo.node.clients.gateway import GatewayClient
from relevo.node.config import NodeSettings
from relevo.node.storage.vault import Vault
from relevo.servicekit import jose
from relevo.servicekit.clock import Clock
from relevo.servicekit.database import Database

IDENTITY: Final = "identity"
SIGNING: Final = "signing"
ENCRYPTION: Final = "encryption"
CLIENT: Final = "client"


@dataclass(frozen=True)
class NodeKeys:
    """The institution's keys. The first signing key signs; retired encryption keys still open."""

    signing: list[OKPKey]
    encryption: list[OKPKey]

    @classmethod
    def load(cls, settings: NodeSettings) -> "NodeKeys":
        """Reads them from the key directory; empty lists when there are none yet."""
        return cls(
            signing=jose.load_keys(settings.key_directory, SIGNING),
            encryption=jose.load_keys(settings.key_directory, ENCRYPTION),
        )


@dataclass
class Node:
    """One running node. `wake` tells the workers of messages, and those named, that there is work."""

    settings: NodeSettings
    database: Database
    clock: Clock
    vault: Vault
    keys: NodeKeys
    gateway: GatewayClient
    wake: Callable[..., None] = field(default=lambda *_: None)

    @property
    def institution(self) -> str:
        return self.settings.institution

    def is_ours(self, party: str) -> bool:
        """Whether a party is this institution or one of its units."""
        return institution_of(party) == self.settings.institution
