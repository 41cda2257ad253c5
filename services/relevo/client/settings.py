"""Where the node is and who asks: from arguments, the environment, or a profile, in this order.

A profile is a TOML file of the same names:

```toml
node = "https://node.albergue.example"
client = "mx.albergue-tapachula.cases"
key = "cases.jwk"        # beside the profile, unless the path is absolute
language = "es"
```
"""

import ipaddress
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from relevo.contracts.problem import LANGUAGES

from .exceptions import SettingsError

PREFIX: Final = "RELEVO_CLIENT_"
PROFILE_VARIABLE: Final = f"{PREFIX}PROFILE"
_PATHS: Final = frozenset({"key", "ca_file"})
_NUMBERS: Final = frozenset({"patience_seconds", "timeout_seconds"})


@dataclass(frozen=True)
class ClientSettings:
    """How one system of an institution reaches its node.

    Attributes:
        node: The node's base URL. It is also the name of the issuer beside it.
        client: The client's name, as `relevo node client add` registered it.
        key: File of its private key, an Ed25519 JSON Web Key (RFC 8037).
        address: Where the node answers on this network, when that is not `node`.
        language: Of problems: `en` or `es`.
        patience_seconds: How long a request is tried again before `UnavailableError`.
        timeout_seconds: How long one answer may take.
        ca_file: Certificates (PEM) to trust instead of the system's.
        proxy: URL of a proxy. Those of the environment are not used: a node is on one's own network.
        allow_http: Whether `http://` may lead beyond this machine. Tokens and names then travel open.
    """

    node: str
    client: str
    key: Path
    address: str | None = None
    language: str = "en"
    patience_seconds: float = 60.0
    timeout_seconds: float = 30.0
    ca_file: Path | None = None
    proxy: str | None = None
    allow_http: bool = False

    def __post_init__(self) -> None:
        """Raises `SettingsError` for what cannot be used."""
        for url in (self.node, self.base):
            if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname:
                raise SettingsError(f"{url!r} is not the address of a node: https://…")
            if not self.allow_http and _goes_out_open(url):
                raise SettingsError(f"{url} is not encrypted. Use https, or set allow_http.")
        if self.language not in LANGUAGES:
            raise SettingsError(f"language is one of: {', '.join(LANGUAGES)}")
        if self.patience_seconds < 0 or self.timeout_seconds <= 0:
            raise SettingsError("patience_seconds and timeout_seconds are positive numbers")

    @property
    def issuer(self) -> str:
        """The issuer's name."""
        return self.node.rstrip("/")

    @property
    def base(self) -> str:
        """Where requests go."""
        return (self.address or self.node).rstrip("/")

    @classmethod
    def load(cls, profile: Path | str | None = None, **arguments: Any) -> "ClientSettings":
        """Arguments that are not None, then `RELEVO_CLIENT_…`, then the profile.

        Args:
            profile: A TOML file; `RELEVO_CLIENT_PROFILE` names one otherwise.
            **arguments: Any of this class's attributes.

        Raises:
            SettingsError: Something is missing, unknown or cannot be used.
        """
        named = profile or os.environ.get(PROFILE_VARIABLE)
        found = {
            **(_from_file(Path(named)) if named else {}),
            **_from_environment(os.environ),
            **{name: value for name, value in arguments.items() if value is not None},
        }
        missing = [name for name in ("node", "client", "key") if not found.get(name)]
        if missing:
            places = f"an argument, {PREFIX}{missing[0].upper()} or a profile"
            raise SettingsError(f"Not said: {', '.join(missing)} ({places}).")
        return cls(**{name: _of_type(name, value) for name, value in found.items()})


_NAMES: Final = frozenset(field.name for field in fields(ClientSettings))


def _from_file(path: Path) -> dict[str, Any]:
    try:
        found = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SettingsError(f"The profile {path} cannot be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"The profile {path} is not TOML: {error}.") from None
    unknown = sorted(found.keys() - _NAMES)
    if unknown:
        raise SettingsError(f"The profile {path} says {', '.join(unknown)}, which is no setting.")
    for name in _PATHS & found.keys():
        found[name] = path.parent / str(found[name])
    return found


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    return {
        name: value
        for name in _NAMES
        if (value := environment.get(f"{PREFIX}{name.upper()}")) is not None
    }


def _of_type(name: str, value: Any) -> Any:
    if name in _PATHS:
        return Path(value)
    if name == "allow_http":
        return str(value).lower() in {"true", "1", "yes"}
    if name in _NUMBERS:
        try:
            return float(value)
        except (TypeError, ValueError):
            raise SettingsError(f"{name} is a number of seconds.") from None
    if not isinstance(value, str):
        raise SettingsError(f"{name} is text.")
    return value


def _goes_out_open(url: str) -> bool:
    parts = urlsplit(url)
    if parts.scheme == "https":
        return False
    host = parts.hostname or ""
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host != "localhost" and not host.endswith(".localhost")
