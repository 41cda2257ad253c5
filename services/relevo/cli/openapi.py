"""`relevo openapi`: the documents that stand in `openapi/`."""

from pathlib import Path
from typing import Annotated

import typer

from relevo.assembly.documents import documents

from .failures import CommandError
from .output import MARKUP, say

app = typer.Typer(rich_markup_mode=MARKUP)


@app.command()
def openapi(
    directory: Annotated[Path, typer.Option(help="Where they stand.")] = Path("openapi"),
    check: Annotated[bool, typer.Option("--check", help="Only compare; 1 if any differs.")] = False,
) -> None:
    """Write the OpenAPI 3.1 documents of node, gateway and issuer, or compare them."""
    different = []
    for name, text in sorted(documents().items()):
        path = directory / f"{name}.json"
        same = path.exists() and path.read_text("utf-8") == text
        if not same and not check:
            directory.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        if not same:
            different.append(str(path))
        say(f"{path}\t{'unchanged' if same else 'differs' if check else 'written'}")
    if check and different:
        raise CommandError(f"Run `relevo openapi`: {', '.join(different)} differ from the code.")
