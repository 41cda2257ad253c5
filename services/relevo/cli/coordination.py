"""`relevo coordination PATHWAY`: what a coordination table sees of a route, and nobody in it."""

from typing import Annotated

import typer

from relevo.client.relevo import Relevo

from .calling import calling
from .output import MARKUP, note, table

app = typer.Typer(rich_markup_mode=MARKUP, add_completion=False)


@app.command()
@calling
def coordination(
    relevo: Relevo,
    pathway: Annotated[str, typer.Argument(help="The route's id, such as gt-izabal-health.")],
    period: Annotated[str, typer.Option(help="A year, quarter or month: 2025, 2025-Q4, 2025-12.")],
) -> None:
    """Print a watched route's figures: by state, overdue by clock and rung, how long it took."""
    found = relevo.statistics.coordination(pathway, period)
    rows = [["count", found.pathway, "" if found.count is None else str(found.count)]]
    rows += [["state", one.code, str(one.count)] for one in found.states]
    rows += [
        ["overdue", f"{one.clock} {one.rung or ''}".strip(), str(one.count)]
        for one in found.overdue
    ]
    if found.without_outcome_percent is not None:
        rows.append(["without_outcome_percent", "", str(found.without_outcome_percent)])
    rows += [["half_reached", one.state, one.median] for one in found.times]
    table(["figure", "of", "value"], rows)
    note(f"Counted as of {found.counted_at:%Y-%m-%d}; no group below {found.minimum}.")
