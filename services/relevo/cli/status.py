"""`relevo status CODE`: what became of a referral, by the code that its person carries."""

from typing import Annotated

import typer

from relevo.client.relevo import Relevo

from .calling import calling
from .failures import CommandError
from .output import MARKUP, table

app = typer.Typer(rich_markup_mode=MARKUP, add_completion=False)


@app.command()
@calling
def status(
    relevo: Relevo,
    code: Annotated[str, typer.Argument(help="As she carries it, such as MX-3G9230VQVSQ.")],
) -> None:
    """Ask a referral's state, for whom its person named."""
    try:
        found = relevo.status.ask(code)
    except ValueError as error:
        raise CommandError(f"{code}: {error}.") from None
    since = found.since.strftime("%Y-%m-%dT%H:%MZ")
    table(
        ["reference code", "state", "triage", "since"],
        [[found.reference_code, found.state, found.triage or "", since]],
    )
