"""The page on what a list of returnees may hold and what is answered to its rows."""

from collections.abc import Iterator

from relevo.contracts.manifest.advice import COLUMNS, NOTES, REFUSALS
from relevo.contracts.manifest.words import data

from .markdown import code, page, table

_ANSWERS = (
    ("Rows that are refused", "The row is not stored; the others are.", REFUSALS),
    ("Notes on rows", "The row is stored, and somebody should look at it.", NOTES),
    ("Columns that stay outside", "Said once of the whole list, in `columns`.", COLUMNS),
)


def manifest_page() -> str:
    def lines() -> Iterator[str]:
        columns = data("columns")
        yield (
            "What a list that is [posted to a node](../guides/post-manifests.md) may hold. Capitals, accents and "
            "punctuation of headings do not matter, nor does the order of columns; in JSON lines the headings are "
            "the members' names. A column's own name is always one of its headings."
        )
        yield ""
        yield "## Headings"
        yield ""
        yield from table(
            ("column", "headings"),
            ((f"`{column}`", code(spoken)) for column, spoken in columns["columns"].items()),
        )
        yield "## Forbidden columns"
        yield ""
        yield (
            "Dropped before anything is stored, whatever they hold, and said so: files of enforcement, and traits "
            "of the body, have no place here. A heading that speaks of the same in other words is dropped, too."
        )
        yield ""
        yield from table(
            ("what", "headings"),
            ((f"`{name}`", code(what["headings"])) for name, what in columns["forbidden"].items()),
        )
        for title, said, texts in _ANSWERS:
            yield f"## {title}"
            yield ""
            yield said
            yield ""
            yield from table(
                ("code", "en", "es"),
                ((f"`{name}`", text["en"], text["es"]) for name, text in texts.items()),
            )

    return page("Lists of returnees", "contracts/relevo/contracts/manifest/data/", lines())
