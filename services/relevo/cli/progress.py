"""Bars that show how far a long command is, on terminals alone."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)


class Bar:
    """How far it is; says nothing elsewhere than on a terminal."""

    def __init__(self, drawn: Progress | None, task: TaskID | None) -> None:
        self._drawn = drawn
        self._task = task

    def show(self, done: int, total: int) -> None:
        """So much of so much."""
        if self._drawn is not None and self._task is not None:
            self._drawn.update(self._task, completed=done, total=total)


@contextmanager
def progress(what: str, total: int | None) -> Iterator[Bar]:
    """A bar for as long as the block lasts. `total` may be learnt later."""
    if not sys.stderr.isatty():
        yield Bar(None, None)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as drawn:
        yield Bar(drawn, drawn.add_task(what, total=total))
