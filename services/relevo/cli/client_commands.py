"""`… client add|list|suspend|resume|rotate`: who may get tokens of the issuer beside a service."""

import getpass
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from relevo.assembly import issuer_clients
from relevo.assembly.issuer_settings import issuer_settings
from relevo.auth.config import AuthSettings
from relevo.auth.domain.client import ClientRegistration
from relevo.contracts.scopes import Scope
from relevo.servicekit import jose
from relevo.servicekit.settings import BesideIssuerSettings

from .files import client_key, read_json
from .output import MARKUP, note, say, table
from .serving import Config

ClientId = Annotated[str, typer.Argument(help="Such as mx.albergue-tapachula.cases.")]
KeyFile = Annotated[
    Path | None,
    typer.Option(help="The client's private key on this machine; made if there is none yet."),
]
PublicKeyFile = Annotated[
    Path | None,
    typer.Option(help="The client's public key, a JWK, when its private one is elsewhere."),
]
AtOnce = Annotated[
    bool, typer.Option("--at-once", help="The old key may have been copied: end its tokens too.")
]


def operator() -> str:
    """Who works at this machine, for the history."""
    return f"operator:{getpass.getuser()}"


def client_app(
    load: Callable[[Path | None], BesideIssuerSettings], institution: Callable[[Any], str]
) -> typer.Typer:
    """The commands for the issuer beside one kind of service."""
    app = typer.Typer(
        help="Clients of the issuer beside it.", rich_markup_mode=MARKUP, no_args_is_help=True
    )

    def issuer(config: Path | None) -> AuthSettings:
        return issuer_settings(load(config))

    @app.command()
    def add(
        client_id: ClientId,
        scope: Annotated[list[Scope], typer.Option(help="What it may do; repeat for more.")],
        key: KeyFile = None,
        public_key: PublicKeyFile = None,
        unit: Annotated[str | None, typer.Option(help="The unit it acts for.")] = None,
        mandate: Annotated[list[str] | None, typer.Option(help="Mandates it acts under.")] = None,
        config: Config = None,
    ) -> None:
        """Register a system of this institution."""
        settings = load(config)
        registration = ClientRegistration.model_validate(
            {
                "client_id": client_id,
                "institution": institution(settings),
                "unit": unit,
                "mandates": tuple(mandate or ()),
                "scopes": tuple(scope),
                "audiences": (settings.base_url,),
                "jwks": issuer_clients.key_set(_public(client_id, key, public_key)),
            }
        )
        issuer_clients.register(issuer_settings(settings), registration, by=operator())
        say(f"{client_id} may ask {settings.base_url} for tokens: {' '.join(sorted(scope))}")

    @app.command("list")
    def list_clients(config: Config = None) -> None:
        """List clients, suspended ones too."""
        rows = [
            [client.client_id, client.state.value, client.unit or "", " ".join(client.scopes)]
            for client in issuer_clients.listed(issuer(config))
        ]
        table(["client", "state", "unit", "scopes"], rows)

    @app.command()
    def suspend(client_id: ClientId, config: Config = None) -> None:
        """No token from now on; those it has stop working within a minute."""
        issuer_clients.suspend(issuer(config), client_id, by=operator())
        say(f"{client_id} is suspended.")

    @app.command()
    def resume(client_id: ClientId, config: Config = None) -> None:
        """Let a suspended client work again."""
        issuer_clients.resume(issuer(config), client_id, by=operator())
        say(f"{client_id} may work again, within a minute, with new tokens.")

    @app.command()
    def rotate(
        client_id: ClientId,
        key: KeyFile = None,
        public_key: PublicKeyFile = None,
        keep: Annotated[bool, typer.Option(help="The old keys count too, for now.")] = True,
        config: Config = None,
    ) -> None:
        """Give a client a new key."""
        settings = issuer(config)
        old = issuer_clients.get(settings, client_id).jwks.keys if keep else ()
        new = _public(client_id, key, public_key)
        keys = [new, *(k.model_dump() for k in old if k.x != new["x"])][:2]
        issuer_clients.replace_keys(settings, client_id, keys, by=operator())
        say(f"{client_id} has a new key.")

    @app.command()
    def new_issuer_key(at_once: AtOnce = False, config: Config = None) -> None:
        """Make a new key for signing tokens; it begins to sign when all services have seen it."""
        make_signing_key(issuer(config), at_once=at_once)

    return app


def make_signing_key(settings: AuthSettings, *, at_once: bool) -> None:
    """Makes the key and says when it will be used."""
    times = issuer_clients.new_signing_key(settings, at_once=at_once)
    say(f"The new key {times.kid} signs from {times.signs_from.isoformat()}.")


def _public(client_id: str, key: Path | None, public_key: Path | None) -> dict[str, Any]:
    if public_key is not None:
        found: dict[str, Any] = read_json(public_key)
        return found
    path = key or Path(f"{client_id}.jwk")
    made = not path.exists()
    private = client_key(path)
    if made:
        note(f"Made {path}: give it to the system {client_id}, and to nobody else.")
    return jose.public_jwk(private)
