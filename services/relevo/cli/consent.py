"""`relevo consent …`: record at one's own node what a person allowed, and end it when she says so."""

from datetime import datetime
from typing import Annotated

import typer

from relevo.client.relevo import Relevo

from .calling import Document, IdempotencyKey, calling, read_object
from .files import as_json
from .output import MARKUP, say

app = typer.Typer(rich_markup_mode=MARKUP, no_args_is_help=True)

ConsentId = Annotated[str, typer.Argument(help="The consent's id.")]


@app.command()
@calling
def record(relevo: Relevo, file: Document, idempotency_key: IdempotencyKey = None) -> None:
    """Record what a person allowed. Prints the record, as JSON."""
    say(as_json(relevo.consents.record(read_object(file), key=idempotency_key)))


@app.command()
@calling
def show(relevo: Relevo, consent_id: ConsentId) -> None:
    """Print a consent and where it stands, as JSON."""
    say(as_json(relevo.consents.get(consent_id)))


@app.command()
@calling
def withdraw(
    relevo: Relevo,
    consent_id: ConsentId,
    said_at: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M%z"],
            help="When she said so, such as 2026-03-04T09:00-06:00; now unless given.",
        ),
    ] = None,
    recorded_by: Annotated[
        str | None, typer.Option(help="Desk or shift, never a person's name.")
    ] = None,
) -> None:
    """End it. Nothing more leaves, and everyone who received something is told."""
    ended = relevo.consents.withdraw(consent_id, said_at=said_at, recorded_by=recorded_by)
    say(f"{ended.id} is {ended.state}.")
