"""`relevo events`: what happened at one's own node, one JSON object a line."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from relevo.client.relevo import Relevo

from .calling import calling
from .failures import CommandError
from .output import MARKUP

app = typer.Typer(rich_markup_mode=MARKUP, add_completion=False)


@app.command()
@calling
def events(
    relevo: Relevo,
    after: Annotated[
        int | None, typer.Option(min=0, help="Position of the last event that was read.")
    ] = None,
    cursor: Annotated[
        Path | None,
        typer.Option(help="File that keeps the position, to go on where the last run ended."),
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on with each new event until stopped.")
    ] = False,
) -> None:
    """Print events (CloudEvents, ids only), one a line."""
    begin = _kept(cursor) if after is None else after
    found = relevo.events.follow(begin) if follow else relevo.events.read(begin)
    # Ctrl-C is how following ends.
    with suppress(KeyboardInterrupt):
        for event in found:
            print(event.model_dump_json(exclude_none=True), flush=True)
            if cursor is not None:
                _keep(cursor, event.position)


def _kept(cursor: Path | None) -> int:
    if cursor is None or not cursor.exists():
        return 0
    text = cursor.read_text("ascii", errors="replace").strip()
    if not text.isdecimal():
        raise CommandError(f"{cursor} holds no position.")
    return int(text)


def _keep(cursor: Path, position: int) -> None:
    # A machine that stops in between leaves the old position or the new one, never half of it.
    beside = cursor.with_name(f".{cursor.name}.new")
    with beside.open("w", encoding="ascii") as file:
        file.write(f"{position}\n")
        file.flush()
        os.fsync(file.fileno())
    beside.replace(cursor)
