"""`relevo handover …`: say that somebody was brought, and see who was."""

from datetime import datetime

import typer

from relevo.client.relevo import Relevo

from .calling import Document, IdempotencyKey, calling, read_object
from .output import MARKUP, say, table

app = typer.Typer(rich_markup_mode=MARKUP, no_args_is_help=True)


@app.command()
@calling
def submit(relevo: Relevo, file: Document, idempotency_key: IdempotencyKey = None) -> None:
    """Say that somebody was brought. Prints the receipt; nothing more is ever told."""
    say(relevo.handovers.submit(read_object(file), key=idempotency_key).receipt)


@app.command("list")
@calling
def list_handovers(relevo: Relevo) -> None:
    """List who was brought to one's own unit, newest first."""
    table(
        ["id", "brought by", "brought at", "persons", "ages", "urgent needs", "vulnerable"],
        [
            [
                one.id,
                one.brought_by,
                _minute(one.brought_at),
                str(one.persons),
                ", ".join(f"{band.persons} of {band.band}" for band in one.age_bands),
                ", ".join(one.urgent_needs),
                ", ".join(one.vulnerable),
            ]
            for one in relevo.handovers.find()
        ],
    )


def _minute(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%MZ")
