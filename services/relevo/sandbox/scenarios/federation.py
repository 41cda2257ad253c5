"""One federation that many scenarios share: gateways and nodes start when a scenario first needs them."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from zoneinfo import ZoneInfo

from relevo.assembly import gateway_process, issuer_clients, node_process
from relevo.contracts.identifiers import country_of, institution_of
from relevo.contracts.scopes import Scope
from relevo.sandbox import membership
from relevo.sandbox.cast import SystemClient
from relevo.sandbox.link import Link
from relevo.sandbox.places import (
    GatewayPlace,
    NodePlace,
    clock_file,
    gateway_place,
    node_place,
    sqlite_in,
)
from relevo.sandbox.ports import free_port
from relevo.sandbox.systems import LocalSystem
from relevo.servicekit.clock import SandboxClock

from .cast_files import Cast, guest_system, home_of, institution, system_name
from .host import Host
from .stores import Stores

# Each holds about thirty open files, and many systems give a process no more than 1,024.
_MOST_NODES: Final = 12


class Federation:
    """Gateways, nodes and systems of whoever has taken part so far.

    Args:
        root: An empty folder for settings, keys and databases.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.clock = SandboxClock(clock_file(root))
        self.host = Host()
        self.gateways: dict[str, GatewayPlace] = {}
        self.nodes: dict[str, NodePlace] = {}
        self.links: dict[str, Link] = {}
        self.stores = Stores(root / "services.log")
        self.left: dict[str, LocalSystem] = {}
        self._systems: dict[str, LocalSystem] = {}
        self._fingerprints: dict[str, str] = {}
        self._pinned: set[tuple[str, str]] = set()
        self._databases = sqlite_in(root)
        self._successors = count(2)

    def bring_in(self, cast: Cast, institutions: Iterable[str]) -> None:
        """Starts what these institutions need and does not run; they know each other's keys."""
        ids = list(institutions)
        self._make_room(ids)
        self._start_gateways({home_of(cast.members[one]) for one in ids})
        for one in ids:
            if one not in self.nodes:
                self._start_node(cast, one)
            elif not self.host.is_running(one):
                self.restart(one)
        for one in ids:
            missing = {
                other: self._fingerprints[other]
                for other in ids
                if other != one and (one, other) not in self._pinned
            }
            membership.pin(self.nodes[one], missing)
            self._pinned |= {(one, other) for other in missing}
        for guest in cast.guests.values():
            for host in guest.brings_to:
                if host in ids:
                    self._register_guest(cast, guest.id, host)

    def system(self, party: str, *, at: str | None = None) -> LocalSystem:
        """The system of a party; a guest's at the node of `at`."""
        name = system_name(party)
        if name not in self._systems and at is not None:
            name = f"{party}.at.{institution_of(at)}"
        return self._systems[name]

    def systems_of(self, institution_id: str) -> dict[str, LocalSystem]:
        """The systems of an institution and its units, by party."""
        place = self.nodes[institution_id].institution
        parties = [place.id, *(str(unit["id"]) for unit in place.units)]
        return {party: self._systems[system_name(party)] for party in parties}

    def office(self, gateway: str) -> LocalSystem:
        """The system of a gateway's office, which reads its country's figures."""
        client_id = f"{gateway}.figures"
        if client_id not in self._systems:
            client = SystemClient(client_id, "Figures.", (Scope.STATISTICS_READ,))
            self._systems[client_id] = membership.register(
                self.gateways[gateway], client, self._key_file(client_id), institution=gateway
            )
        return self._systems[client_id]

    def appoint(self, institution_id: str, pathways: Iterable[str]) -> None:
        """The gateway's people say that an institution watches these routes for their *mesa*."""
        home = self.gateways[self.nodes[institution_id].institution.gateway]
        gateway_process.watch(
            home.settings,
            institution_id,
            sorted(pathways),
            by=membership.APPROVERS[0],
            client="sandbox",
        )

    def next_day(self, zone: str) -> date:
        """A day of business time that nobody has lived yet."""
        return (self.clock.business().astimezone(ZoneInfo(zone)) + timedelta(days=1)).date()

    def move_to(self, at: datetime) -> None:
        """Business time goes on to a moment; it never goes back."""
        ahead = at - self.clock.business()
        if ahead > timedelta():
            self.clock.move(ahead)

    def restart(self, institution_id: str) -> None:
        """Starts a node again that was stopped."""
        self.host.start(self.nodes[institution_id])

    def change_hands(self, party: str) -> LocalSystem:
        """Suspends the client of a party's system and registers a successor's, of the same unit.

        Returns:
            The system before, whose key opens nothing any more; `left` keeps it.
        """
        place = self.nodes[institution_of(party)]
        name = system_name(party)
        before = self._systems[name]
        if party in self.left:
            self.left[party].close()
        self.left[party] = before
        issuer_clients.suspend(place.auth, before.client_id, by="sandbox")
        same = next(one for one in place.institution.systems if one.client_id == name)
        # Of a name that no other scenario of this federation gave.
        client = replace(same, client_id=f"{name}.{next(self._successors)}")
        self._systems[name] = membership.register(
            place, client, self._key_file(client.client_id), institution=place.institution.id
        )
        return before

    def is_cut_off(self, institution_id: str) -> bool:
        """Whether nothing reaches it now."""
        link = self.links.get(institution_id)
        return not self.host.is_running(institution_id) or (link is not None and not link.is_up)

    def close(self) -> None:
        """Ends everything."""
        self.host.close()
        for system in (*self._systems.values(), *self.left.values()):
            system.close()
        for link in self.links.values():
            link.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _make_room(self, ids: Sequence[str]) -> None:
        """Stops the nodes that ran longest of those that are not needed now."""
        running = [one for one in self.host.running if one in self.nodes]
        idle = [one for one in running if one not in ids]
        excess = len({*running, *ids}) - _MOST_NODES
        if idle and excess > 0:
            self.host.stop(*idle[:excess])

    def _start_gateways(self, names: set[str]) -> None:
        new = [
            gateway_place(
                name,
                (country_of(name),),
                root=self.root,
                port=free_port(),
                databases=self._databases,
            )
            for name in sorted(names - set(self.gateways))
        ]
        for place in new:
            gateway_process.prepare(place.settings, place.auth)
        before = list(self.gateways.values())
        membership.agree(new, [*before, *new])
        membership.agree(before, new)
        for place in new:
            self.gateways[place.name] = place
            self.host.start(place)

    def _start_node(self, cast: Cast, institution_id: str) -> None:
        member = institution(cast.members[institution_id])
        home = self.gateways[member.gateway]
        port = free_port()
        public_port = proxy_port = None
        if member.has_weak_link:
            link = self.links[member.id] = Link()
            public_port, proxy_port = link.forward(port), link.forward(home.port)
        place = node_place(
            member,
            root=self.root,
            port=port,
            databases=self._databases,
            public_port=public_port,
            proxy_port=proxy_port,
        )
        prepared = node_process.prepare(place.settings, member.profile(place.base_url), place.auth)
        self._fingerprints[member.id] = prepared.fingerprint
        membership.join(place, prepared.registration, home)
        self.nodes[member.id] = place
        for client in member.systems:
            self._systems[client.client_id] = membership.register(
                place, client, self._key_file(client.client_id)
            )
        self.host.start(place)

    def _register_guest(self, cast: Cast, guest_id: str, host: str) -> None:
        client = guest_system(cast.guests[guest_id], host)
        if client.client_id not in self._systems:
            self._systems[client.client_id] = membership.register(
                self.nodes[host], client, self._key_file(client.client_id), institution=guest_id
            )

    def _key_file(self, client_id: str) -> Path:
        return self.root / "system-keys" / f"{client_id}.jwk"
