"""A whole federation on one machine, one operating-system process per node and per gateway.

It is set up by the operations that people use on the command line: keys made, registration approved
by two persons, welcome handed over, fingerprints pinned, clients registered.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from relevo.assembly import gateway_process, node_process
from relevo.servicekit.clock import SandboxClock

from . import cast, membership
from .cast import Institution
from .link import Link
from .places import (
    DatabaseUrls,
    GatewayPlace,
    NodePlace,
    Place,
    clock_file,
    gateway_place,
    node_place,
    sqlite_in,
)
from .ports import free_port
from .processes import Processes
from .systems import LocalSystem


class Network:
    """Gateways, nodes, the shelter's weak link, and the institutions' own systems.

    Args:
        root: An empty folder for settings, keys, logs and embedded databases.
        databases: Where each database is; files in `root` by default.
        institutions: Who takes part.
    """

    def __init__(
        self,
        root: Path,
        *,
        databases: DatabaseUrls | None = None,
        institutions: Iterable[Institution] = cast.INSTITUTIONS,
    ) -> None:
        self.root = root
        self.clock = SandboxClock(clock_file(root))
        self.link = Link()
        self.fingerprints: dict[str, str] = {}
        urls = databases or sqlite_in(root)
        members = list(institutions)
        self.gateways: dict[str, GatewayPlace] = {
            name: gateway_place(name, countries, root=root, port=free_port(), databases=urls)
            for name, countries in cast.GATEWAYS.items()
        }
        self.nodes: dict[str, NodePlace] = {
            member.id: self._node_place(member, free_port(), urls) for member in members
        }
        self.processes = Processes((place.service() for place in self.places), forked=True)
        self.systems: dict[str, LocalSystem] = {}

    @property
    def places(self) -> list[Place]:
        return [*self.gateways.values(), *self.nodes.values()]

    def set_up(self) -> None:
        """Everything that people do before the first message. Nothing runs yet."""
        with ThreadPoolExecutor(4) as pool:
            ready = {place.name: pool.submit(self._prepare, place) for place in self.places}
            requests = {name: done.result() for name, done in ready.items()}
        membership.agree(self.gateways.values(), self.gateways.values())
        for place in self.nodes.values():
            home = self.gateways[place.institution.gateway]
            membership.join(place, requests[place.name], home)
            for client in place.institution.systems:
                self.systems[client.client_id] = membership.register(
                    place, client, self.key_file(client.client_id)
                )
        for who, whom in cast.PINS:
            if who in self.nodes and whom in self.nodes:
                membership.pin(self.nodes[who], {whom: self.fingerprints[whom]})

    def start(self) -> None:
        """Starts every process and waits until each can do its job."""
        self.processes.start()
        self.processes.wait_ready()

    def restart(self, name: str) -> None:
        """Starts one process again and waits until it can do its job."""
        self.processes.start(name)
        self.processes.wait_ready(name)

    def system(self, institution: str) -> LocalSystem:
        """The first system of an institution, or a system by its own name."""
        if institution in self.systems:
            return self.systems[institution]
        return self.systems[self.nodes[institution].institution.systems[0].client_id]

    def move(self, *, days: float = 0, hours: float = 0) -> None:
        """Moves the business clock of every service; the security clock stays real."""
        self.clock.move(timedelta(days=days, hours=hours))

    def move_to(self, at: datetime) -> None:
        """Sets the business clock of every service."""
        self.clock.move(at - self.clock.business())

    def set_clock_right(self) -> None:
        """Business time is real time again."""
        self.clock.move(-self.clock.offset())

    def suspend(self, institution: str) -> None:
        """As `relevo gateway suspend` does: in the directory at once, its node's tokens within a minute."""
        home = self.gateways[self.nodes[institution].institution.gateway]
        gateway_process.suspend(home.settings, institution, by="sandbox", auth=home.auth)

    def resume(self, institution: str) -> None:
        """As `relevo gateway resume` does."""
        home = self.gateways[self.nodes[institution].institution.gateway]
        gateway_process.resume(home.settings, institution, by="sandbox", auth=home.auth)

    def close(self) -> None:
        """Ends every process and the link."""
        self.processes.stop()
        for system in self.systems.values():
            system.close()
        self.link.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _node_place(self, member: Institution, port: int, urls: DatabaseUrls) -> NodePlace:
        if not member.has_weak_link:
            return node_place(member, root=self.root, port=port, databases=urls)
        return node_place(
            member,
            root=self.root,
            port=port,
            databases=urls,
            public_port=self.link.forward(port),
            proxy_port=self.link.forward(self.gateways[member.gateway].port),
        )

    def _prepare(self, place: Place) -> str:
        if isinstance(place, GatewayPlace):
            gateway_process.prepare(place.settings, place.auth)
            return ""
        if not isinstance(place, NodePlace):
            raise TypeError(place.kind)
        profile = place.institution.profile(place.base_url)
        prepared = node_process.prepare(place.settings, profile, place.auth)
        self.fingerprints[place.name] = prepared.fingerprint
        return prepared.registration

    def key_file(self, client_id: str) -> Path:
        """Where a system's private key is, for `relevo token`."""
        return self.root / "system-keys" / f"{client_id}.jwk"
