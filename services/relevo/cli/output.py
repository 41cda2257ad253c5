"""What people read: plain text everywhere, colours and boxes on terminals alone."""

import sys
from collections.abc import Sequence
from typing import Final, Literal

from rich.console import Console
from rich.table import Table

MARKUP: Final[Literal["rich"] | None] = "rich" if sys.stdout.isatty() else None


def say(text: str = "") -> None:
    """One line on standard output, exactly as it is."""
    print(text, flush=True)


def note(text: str) -> None:
    """One line for the person, beside output that another program may read."""
    print(text, file=sys.stderr)


def complain(text: str) -> None:
    """Why something did not happen, on standard error."""
    if sys.stderr.isatty():
        Console(stderr=True, highlight=False).print(text, style="red", markup=False)
    else:
        print(text, file=sys.stderr)


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table on a terminal; elsewhere one line a row, separated by tabs, for other programs."""
    if not sys.stdout.isatty():
        for row in rows:
            print("\t".join(row))
        return
    drawn = Table(*columns)
    for row in rows:
        drawn.add_row(*row)
    Console(highlight=False, markup=False).print(drawn)
