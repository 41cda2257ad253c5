"""Where each service of a sandbox lives: its folder, ports, databases and settings file."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from relevo.assembly.issuer_settings import issuer_settings
from relevo.auth.config import AuthSettings
from relevo.gateway.config import GatewaySettings
from relevo.node.config import NodeSettings

from .cast import Institution
from .processes import Service

DatabaseUrls = Callable[[str], str]
"""From a name such as `gt.igm`, `gt.igm-auth` or `gt.igm-keys` to the URL of an empty database."""


@dataclass(frozen=True)
class Place:
    """One process: a node or gateway with the issuer beside it."""

    name: str
    kind: str
    folder: Path
    port: int
    base_url: str
    auth: AuthSettings

    @property
    def address(self) -> str:
        """Where it answers on its own machine, whatever its link does."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.folder / "service.log"

    @property
    def config(self) -> Path:
        return self.folder / f"{self.kind}.toml"

    def service(self) -> Service:
        return Service(
            name=self.name,
            command=(self.kind, "serve", "--config", str(self.config), "--stop-with-parent"),
            address=self.address,
            log=self.log,
        )


@dataclass(frozen=True)
class NodePlace(Place):
    settings: NodeSettings
    institution: Institution


@dataclass(frozen=True)
class GatewayPlace(Place):
    settings: GatewaySettings


def sqlite_in(folder: Path) -> DatabaseUrls:
    """Embedded databases, each a file of its own."""

    def url(name: str) -> str:
        (folder / "databases").mkdir(parents=True, exist_ok=True)
        return f"sqlite:///{folder.absolute() / 'databases' / f'{name}.db'}"

    return url


def gateway_place(
    name: str, countries: tuple[str, ...], *, root: Path, port: int, databases: DatabaseUrls
) -> GatewayPlace:
    values = {
        **_common(name, root, port, f"http://127.0.0.1:{port}", databases),
        "gateway": name,
        "countries": list(countries),
        "retry_cap_seconds": 5.0,
        "directory_cache_seconds": 2,
    }
    settings = GatewaySettings(**values)
    _write(root / name / "gateway.toml", values)
    auth = issuer_settings(settings)
    return GatewayPlace(name, "gateway", root / name, port, settings.base_url, auth, settings)


def node_place(
    institution: Institution,
    *,
    root: Path,
    port: int,
    databases: DatabaseUrls,
    public_port: int | None = None,
    proxy_port: int | None = None,
    movable_clock: bool = True,
) -> NodePlace:
    """A node; with a public port and a proxy it is reached, and reaches others, over its link alone."""
    name = institution.id
    values = {
        **_common(name, root, port, f"http://127.0.0.1:{public_port or port}", databases),
        "institution": name,
        "data_key_database_url": databases(f"{name}-keys"),
        "directory_cache_seconds": 5,
        "delivery": institution.delivery,
    }
    for told in ("child_protection_authority", "child_protection_alternate"):
        if (party := getattr(institution, told)) is not None:
            values[told] = party
    if not movable_clock:
        del values["sandbox_clock_file"]
    if proxy_port is not None:
        values["outbound_proxy"] = f"http://127.0.0.1:{proxy_port}"
    settings = NodeSettings(**values)
    _write(root / name / "node.toml", values)
    auth = issuer_settings(settings)
    return NodePlace(
        name, "node", root / name, port, settings.base_url, auth, settings, institution
    )


def _common(
    name: str, root: Path, port: int, base_url: str, databases: DatabaseUrls
) -> dict[str, Any]:
    return {
        "database_url": databases(name),
        "issuer_database_url": databases(f"{name}-auth"),
        "base_url": base_url,
        "port": port,
        "key_directory": str((root / name / "keys").absolute()),
        # Everything here runs on one machine, without TLS.
        "allow_private_addresses": True,
        "sandbox_clock_file": str(clock_file(root)),
    }


def clock_file(root: Path) -> Path:
    """How far the sandbox's business clock is from the real one; every service reads it."""
    return (root / "business-clock").absolute()


def _write(path: Path, values: dict[str, Any]) -> None:
    # JSON's strings, numbers, booleans and lists of them are TOML's too.
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"{name} = {json.dumps(value)}" for name, value in sorted(values.items())]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    path.chmod(0o600)
