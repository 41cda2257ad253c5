"""`relevo auth …`: an issuer that stands alone, in a process of its own."""

import asyncio

import typer

from relevo.assembly import issuer_clients
from relevo.assembly.running import alone, stop_with_parent
from relevo.auth.config import AuthSettings
from relevo.auth.main import create_app
from relevo.servicekit import server
from relevo.servicekit.logging import configure_logging

from .client_commands import AtOnce, make_signing_key
from .output import MARKUP, say
from .serving import Config, WithParent

app = typer.Typer(rich_markup_mode=MARKUP, no_args_is_help=True)


@app.command()
def migrate(config: Config = None) -> None:
    """Bring the issuer's tables to this version."""
    issuer_clients.migrate_issuer(AuthSettings.load(config))
    say("The issuer's database is up to date.")


@app.command()
def serve(config: Config = None, with_parent: WithParent = False) -> None:
    """Run the issuer until stopped."""
    settings = AuthSettings.load(config)
    configure_logging("auth", settings.log_level)
    if with_parent:
        stop_with_parent()
    server.run(create_app(settings), settings)


@app.command()
def work(config: Config = None, with_parent: WithParent = False) -> None:
    """Run the issuer's upkeep alone, without answering requests."""
    settings = AuthSettings.load(config)
    configure_logging("auth", settings.log_level)
    if with_parent:
        stop_with_parent()
    asyncio.run(alone(create_app(settings)))


@app.command()
def new_key(at_once: AtOnce = False, config: Config = None) -> None:
    """Make a new key for signing tokens; it begins to sign when all services have seen it."""
    make_signing_key(AuthSettings.load(config), at_once=at_once)
