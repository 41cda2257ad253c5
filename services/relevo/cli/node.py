"""`relevo node …`: what an institution does with its node."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from relevo.assembly import node_process
from relevo.assembly.beside import Beside
from relevo.contracts.identifiers import country_of
from relevo.contracts.institution import InstitutionProfile, Unit, Welcome
from relevo.contracts.message_types.registry import MESSAGE_TYPES
from relevo.node.config import NodeSettings
from relevo.servicekit.worker import Worker

from . import serving
from .client_commands import client_app
from .failures import CommandError
from .files import read_model, write_text
from .output import MARKUP, note, say
from .serving import Config, NoWork, WithParent

app = typer.Typer(rich_markup_mode=MARKUP, no_args_is_help=True)
app.add_typer(client_app(NodeSettings.load, lambda settings: settings.institution), name="client")


@app.command()
def init(
    name: Annotated[str, typer.Option(help="The institution's name, as people know it.")],
    type_: Annotated[
        str, typer.Option("--type", help="A code of institution_type, such as shelter.")
    ],
    mandate: Annotated[
        list[str] | None, typer.Option(help="What it is there for; repeat for more.")
    ] = None,
    unit: Annotated[
        list[str] | None,
        typer.Option(help="A unit that receives in its own name: id=mandate,mandate=Its name."),
    ] = None,
    mailbox: Annotated[
        bool,
        typer.Option(
            "--mailbox", help="The node has no open port: it fetches its messages from the gateway."
        ),
    ] = False,
    out: Annotated[Path, typer.Option(help="Where to write the request to join.")] = Path(
        "registration.jws"
    ),
    config: Config = None,
) -> None:
    """Make keys and databases, and the request with which the institution applies at its gateway.

    Can be done again: keys that exist are kept.
    """
    settings = NodeSettings.load(config)
    if mailbox and settings.delivery != "mailbox":
        raise CommandError(
            'Write delivery = "mailbox" in the node\'s settings, or set RELEVO_NODE_DELIVERY=mailbox: '
            "the node needs it whenever it runs. Then do this again."
        )
    profile = InstitutionProfile.model_validate(
        {
            "institution": settings.institution,
            "name": name,
            "country": country_of(settings.institution),
            "type": type_,
            "mandates": mandate or [],
            "units": [_unit(text) for text in unit or []],
            "message_types": sorted(MESSAGE_TYPES),
            "delivery": settings.delivery,
            "node_url": settings.base_url if settings.delivery == "push" else None,
        }
    )
    prepared = node_process.prepare(settings, profile)
    write_text(out, prepared.registration)
    note(f"Send {out} to your gateway. When its people call, read them this fingerprint:")
    say(prepared.fingerprint)


@app.command()
def fingerprint(config: Config = None) -> None:
    """Print the fingerprint of the institution's identity key, to read out by telephone."""
    settings = NodeSettings.load(config)
    with _made_ready():
        say(node_process.fingerprint(settings))


@app.command()
def join(
    welcome: Annotated[Path, typer.Argument(help="The welcome that the gateway's people sent.")],
    fingerprint: Annotated[
        str | None,
        typer.Option(help="The gateway's, as its people read it to you; asked for unless given."),
    ] = None,
    config: Config = None,
) -> None:
    """Join a gateway with the welcome that it gave, after comparing its fingerprint by telephone."""
    settings = NodeSettings.load(config)
    said = read_model(welcome, Welcome)
    found = node_process.gateway_fingerprint(said)
    if fingerprint is None:
        note(f"The fingerprint of {said.gateway} in this welcome is {found}")
        if not typer.confirm("Did its people read you the same?", err=True):
            raise CommandError("Not joined.")
    elif fingerprint.strip() != found:
        raise CommandError(
            f"The welcome holds another fingerprint of {said.gateway}: {found}. Not joined; tell its people."
        )
    node_process.join(settings, said)
    note(f"Joined {said.gateway}.")
    say(found)


@app.command()
def pin(
    institution: Annotated[str, typer.Argument(help="Whose identity key.")],
    fingerprint: Annotated[str, typer.Argument(help="As its people read it to you.")],
    by: Annotated[str, typer.Option(help="Who confirmed it, by which other way.")],
    config: Config = None,
) -> None:
    """Trust an institution's identity key, because a person confirmed its fingerprint."""
    node_process.pin(NodeSettings.load(config), institution, fingerprint, by=by)
    say(f"{institution} is pinned to {fingerprint}.")


@app.command()
def migrate(config: Config = None) -> None:
    """Bring the tables of node and issuer to this version."""
    node_process.migrate(NodeSettings.load(config))
    say("The databases of node and issuer are up to date.")


@app.command()
def serve(config: Config = None, no_work: NoWork = False, with_parent: WithParent = False) -> None:
    """Run the node and its issuer: answer requests and work, until stopped."""
    settings = NodeSettings.load(config)
    application, workers = _build(settings)
    serving.serve(
        settings.institution,
        settings,
        application,
        [] if no_work else workers,
        with_parent=with_parent,
    )


@app.command()
def work(config: Config = None, with_parent: WithParent = False) -> None:
    """Run the node's workers alone, beside processes that serve with --no-work."""
    settings = NodeSettings.load(config)
    application, workers = _build(settings)
    serving.only_work(settings.institution, settings, application, workers, with_parent=with_parent)


def _build(settings: NodeSettings) -> tuple[Beside, list[Worker]]:
    with _made_ready():
        return node_process.build(settings)


@contextmanager
def _made_ready() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise CommandError(
            f"There is no {error.filename}: make the node ready first, with `relevo node init`."
        ) from None


def _unit(text: str) -> Unit:
    party, _, rest = text.partition("=")
    mandates, _, name = rest.partition("=")
    return Unit.model_validate(
        {
            "id": party,
            "name": name or party,
            "mandates": [mandate for mandate in mandates.split(",") if mandate],
        }
    )
