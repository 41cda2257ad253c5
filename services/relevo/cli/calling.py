"""Commands of an institution's own system: they ask its node, as `relevo.client` does."""

import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from relevo.client.exceptions import RelevoError
from relevo.client.relevo import Relevo
from relevo.client.settings import PREFIX

from .failures import CommandError
from .files import parse_json, read_json
from .output import note

Document = Annotated[
    Path, typer.Argument(metavar="FILE|-", help="JSON; - reads it from standard input.")
]
ReferralId = Annotated[str, typer.Argument(help="The referral's id.")]
IdempotencyKey = Annotated[
    str | None,
    typer.Option(help="The same for the same request, and it is stored once; new unless given."),
]
Law = Annotated[str | None, typer.Option(help="Under which it is kept; for kept alone.")]
_PANEL = "Whose node"
_OPTIONS: dict[str, Any] = {
    "profile": Annotated[
        Path | None,
        typer.Option(
            envvar=f"{PREFIX}PROFILE",
            help="A TOML file that says node, client and key.",
            rich_help_panel=_PANEL,
        ),
    ],
    "node": Annotated[
        str | None,
        typer.Option(envvar=f"{PREFIX}NODE", help="The node's base URL.", rich_help_panel=_PANEL),
    ],
    "client": Annotated[
        str | None,
        typer.Option(envvar=f"{PREFIX}CLIENT", help="The client's name.", rich_help_panel=_PANEL),
    ],
    "key": Annotated[
        Path | None,
        typer.Option(
            envvar=f"{PREFIX}KEY", help="The client's private key.", rich_help_panel=_PANEL
        ),
    ],
    "patience": Annotated[
        float | None,
        typer.Option(
            envvar=f"{PREFIX}PATIENCE_SECONDS",
            help="Seconds for which a node that cannot be reached is tried.",
            rich_help_panel=_PANEL,
        ),
    ],
}


def calling(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command the options that say whose node; its first parameter is then a `Relevo`."""
    own = inspect.signature(command)
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)
        for name, kind in _OPTIONS.items()
    ]
    asked = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for parameter in list(own.parameters.values())[1:]
    ]

    def with_node(**given: Any) -> None:
        reach = {name: given.pop(name) for name in _OPTIONS}
        patience = reach.pop("patience")
        with Relevo(**reach, patience_seconds=patience, on_retry=_say_why) as relevo:
            command(relevo, **given)

    with_node.__name__, with_node.__doc__ = command.__name__, command.__doc__
    # What is said of a command's options is read from here.
    with_node.__annotations__ = {one.name: one.annotation for one in [*asked, *added]}
    vars(with_node)["__signature__"] = own.replace(parameters=[*asked, *added])
    return with_node


def read_document(path: Path) -> Any:
    """JSON from a file or from standard input.

    Raises:
        CommandError: It is not JSON.
    """
    if str(path) != "-":
        return read_json(path)
    return parse_json("Standard input", sys.stdin.buffer.read())


def read_object(path: Path) -> dict[str, Any]:
    """A JSON object from a file or from standard input.

    Raises:
        CommandError: It is not.
    """
    document = read_document(path)
    if not isinstance(document, dict):
        raise CommandError(f"{path} is no JSON object.")
    return document


def _say_why(why: RelevoError, seconds: float) -> None:
    note(f"{why} Trying again in {seconds:.0f} seconds.")
