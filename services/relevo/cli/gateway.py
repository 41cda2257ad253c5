"""`relevo gateway …`: what the people of a gateway do."""

from pathlib import Path
from typing import Annotated

import typer

from relevo.assembly import gateway_process
from relevo.contracts.institution import PeerGateway
from relevo.gateway.config import GatewaySettings

from . import serving
from .client_commands import client_app, operator
from .files import as_json, read_model, write_text
from .output import MARKUP, note, say
from .serving import Config, NoWork, WithParent

app = typer.Typer(rich_markup_mode=MARKUP, no_args_is_help=True)
app.add_typer(client_app(GatewaySettings.load, lambda settings: settings.gateway), name="client")

By = Annotated[str, typer.Option(help="The name of the person who decides.")]
Institution = Annotated[str, typer.Argument(help="Such as gt.igm.")]
Out = Annotated[Path | None, typer.Option(help="Where to write it; else to standard output.")]


@app.command()
def init(config: Config = None) -> None:
    """Make the gateway's keys and databases. Can be done again: keys that exist are kept."""
    settings = GatewaySettings.load(config)
    fingerprint = gateway_process.prepare(settings)
    note(f"{settings.gateway} is ready. Its fingerprint, to read out to institutions and peers:")
    say(fingerprint)


@app.command()
def rotate(
    use: Annotated[
        bool, typer.Option("--use", help="Begin to sign with the key that was announced.")
    ] = False,
    config: Config = None,
) -> None:
    """Announce the next signing key; days later, when peers have the new card, begin to use it."""
    settings = GatewaySettings.load(config)
    version = gateway_process.rotate(settings, use=use)
    if use:
        say(f"Key set {version}: start {settings.gateway} again, and it signs with the new key.")
        return
    say(f"Key set {version} lists the next key beside the one in use.")
    note("Give each peer the new card (`relevo gateway card`). Nodes learn of it by themselves.")


@app.command()
def card(
    agreement: Annotated[str, typer.Option(help="The agreement between the two gateways.")],
    out: Out = None,
    config: Config = None,
) -> None:
    """Write the card by which a peer gateway gets to know this one."""
    write_text(
        out, as_json(gateway_process.card(GatewaySettings.load(config), agreement=agreement))
    )


@app.command()
def peer(
    card_file: Annotated[Path, typer.Argument(metavar="CARD", help="The other gateway's card.")],
    by: By,
    config: Config = None,
) -> None:
    """Note an agreement with another gateway, by its card."""
    other = read_model(card_file, PeerGateway)
    gateway_process.add_peer(GatewaySettings.load(config), other, by=by)
    say(f"{other.gateway} is a peer for {', '.join(other.countries)}.")


@app.command()
def show(
    registration: Annotated[Path, typer.Argument(help="The institution's request to join.")],
    config: Config = None,
) -> None:
    """Show who applies and with which fingerprint, before anybody approves."""
    request = registration.read_text("ascii", errors="replace")
    applicant = gateway_process.applicant(GatewaySettings.load(config), request)
    note(as_json(applicant.profile))
    note(
        "Ask its people for their fingerprint, by a telephone number from elsewhere. This is the file's:"
    )
    say(applicant.fingerprint)


@app.command()
def approve(
    registration: Annotated[Path, typer.Argument(help="The institution's request to join.")],
    by: By,
    out: Annotated[
        Path | None, typer.Option(help="Where to write the welcome, once two have approved.")
    ] = None,
    config: Config = None,
) -> None:
    """Approve a request to join, after comparing the fingerprint by telephone. Two persons must."""
    settings = GatewaySettings.load(config)
    request = registration.read_text("ascii", errors="replace")
    approval = gateway_process.approve(settings, request, by=by)
    note(f"{approval.institution}, fingerprint {approval.fingerprint}")
    note(f"Approved by: {', '.join(approval.approved_by)}.")
    if approval.welcome is None:
        note(f"Still missing: {approval.missing} more person.")
        say(approval.state)
        return
    path = out or Path(f"welcome-{approval.institution}.json")
    write_text(path, as_json(approval.welcome))
    note(f"Send {path} to the institution.")
    say(approval.state)


@app.command()
def suspend(institution: Institution, config: Config = None) -> None:
    """Take nothing more from an institution, hand nothing to it, and give its node no tokens."""
    gateway_process.suspend(GatewaySettings.load(config), institution, by=operator())
    say(f"{institution} is suspended.")


@app.command()
def resume(institution: Institution, config: Config = None) -> None:
    """Let a suspended institution back."""
    gateway_process.resume(GatewaySettings.load(config), institution, by=operator())
    say(f"{institution} is active. Its node is let in within a minute.")


@app.command()
def watch(
    institution: Institution,
    by: By,
    pathway: Annotated[
        list[str] | None, typer.Argument(help="All routes that it watches; none: it watches none.")
    ] = None,
    config: Config = None,
) -> None:
    """Appoint who watches routes for their coordination table: it reads figures, never a file."""
    listed = gateway_process.watch(
        GatewaySettings.load(config), institution, pathway or [], by=by, client=operator()
    )
    say(f"{institution} watches {', '.join(listed.watches) or 'no route'}.")


@app.command()
def migrate(config: Config = None) -> None:
    """Bring the tables of gateway and issuer to this version."""
    gateway_process.migrate(GatewaySettings.load(config))
    say("The databases of gateway and issuer are up to date.")


@app.command()
def serve(config: Config = None, no_work: NoWork = False, with_parent: WithParent = False) -> None:
    """Run the gateway and its issuer: answer requests and work, until stopped."""
    settings = GatewaySettings.load(config)
    application, workers = gateway_process.build(settings)
    serving.serve(
        settings.gateway, settings, application, [] if no_work else workers, with_parent=with_parent
    )


@app.command()
def work(config: Config = None, with_parent: WithParent = False) -> None:
    """Run the gateway's workers alone, beside processes that serve with --no-work."""
    settings = GatewaySettings.load(config)
    application, workers = gateway_process.build(settings)
    serving.only_work(settings.gateway, settings, application, workers, with_parent=with_parent)
