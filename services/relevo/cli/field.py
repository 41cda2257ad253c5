"""`relevo field`: one value out of JSON on standard input, for shell scripts."""

import json
import sys
from typing import Annotated, Any

import typer

from relevo.servicekit import json_input

from .failures import CommandError
from .output import MARKUP, say

app = typer.Typer(rich_markup_mode=MARKUP)


@app.command()
def field(
    path: Annotated[
        str, typer.Argument(help="Its name; a.b for one inside another, a.0 in a list.")
    ],
) -> None:
    """Print one field of the JSON that comes in."""
    text = sys.stdin.buffer.read()
    try:
        value: Any = json_input.parse(text)
    except json_input.JsonInputError:
        raise CommandError("What came in is not JSON.") from None
    for name in path.split("."):
        value = _inside(value, name, text)
    say(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _inside(value: Any, name: str, text: bytes) -> Any:
    if isinstance(value, dict) and name in value:
        return value[name]
    if isinstance(value, list) and name.isdigit() and int(name) < len(value):
        return value[int(name)]
    # Most often a problem came instead; whoever reads the script's output needs to see it.
    raise CommandError(f"There is no {name} in: {text.decode('utf-8', 'replace').strip()}")
