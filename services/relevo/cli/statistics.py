"""`relevo statistics`: figures that name nobody, of periods that are over."""

import sys
from typing import Annotated

import typer

from relevo.client.relevo import Relevo
from relevo.contracts.country_tables import COUNTRY_COLUMNS, country_cells, country_csv
from relevo.contracts.statistics_table import COLUMNS, csv

from .calling import calling
from .output import MARKUP, note, table

app = typer.Typer(rich_markup_mode=MARKUP, add_completion=False)


@app.command()
@calling
def statistics(
    relevo: Relevo,
    period: Annotated[str, typer.Option(help="A year, quarter or month: 2025, 2025-Q4, 2025-12.")],
    by: Annotated[
        str | None,
        typer.Option(
            help="pathway, outcome, case_profile, with commas.", show_default="pathway,outcome"
        ),
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Lines of text for a spreadsheet.")] = False,
    of_country: Annotated[
        bool,
        typer.Option(
            "--of-country",
            help="Ask a gateway, whose URL --node then is; --by: pathway, state, clock.",
        ),
    ] = False,
) -> None:
    """Print the figures of a period: groups that are small are in none of them."""
    if of_country:
        _of_country(relevo, period, "pathway,state" if by is None else by, as_csv=as_csv)
        return
    by = "pathway,outcome" if by is None else by
    found = relevo.statistics.read(period, by=by)
    if as_csv:
        sys.stdout.write(csv(found))
        return
    cells = ([getattr(row, name) for name in COLUMNS] for row in found.rows)
    table(COLUMNS, [["" if cell is None else str(cell) for cell in row] for row in cells])
    note(
        f"Counted as of {found.counted_at:%Y-%m-%d}; no group below {found.minimum}, of sealed routes none "
        f"below {found.sealed_minimum}."
    )


def _of_country(relevo: Relevo, period: str, by: str, *, as_csv: bool) -> None:
    found = relevo.statistics.of_country(period, by=by)
    if as_csv:
        sys.stdout.write(country_csv(found))
        return
    table(COUNTRY_COLUMNS, [country_cells(row) for row in found.rows])
    note(
        f"Counted as of {found.counted_at:%Y-%m-%d}; no group below {found.minimum}, of sealed routes none "
        f"below {found.sealed_minimum}."
    )
