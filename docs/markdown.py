"""How the made pages are written."""

from collections.abc import Iterable, Iterator
from typing import Final

MADE: Final = "<!-- Made by `make openapi` from {source}. Change that, not this. -->"


def page(title: str, source: str, lines: Iterable[str]) -> str:
    return (
        "\n".join([f"# {title}", "", MADE.format(source=f"`{source}`"), "", *lines]).rstrip() + "\n"
    )


def table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    cells = list(header)
    yield f"| {' | '.join(cells)} |"
    yield f"|{'|'.join('---' for _ in cells)}|"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"
    yield ""


def code(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words) or "none"
