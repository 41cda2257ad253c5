"""The command `relevo`: everything that a person does with a node, a gateway or an issuer.

Each group of commands is a module of its own and is loaded when it is used: a node's machine has no
need of what only gateways use.
"""

import gc
import importlib
import os
import sys
from typing import Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_command
from typing_extensions import override

from relevo.servicekit.logging import configure_logging

from .failures import explain
from .output import MARKUP, complain

_GROUPS: Final = {
    "node": "An institution's node: make it ready, join a gateway, run it.",
    "gateway": "A gateway: approve institutions, agree with peers, run it.",
    "auth": "An issuer that stands alone: run it.",
    "referral": "Submit, read and answer referrals at one's own node.",
    "split": "Let some of a family go on apart, for somebody's safety.",
    "break-glass": "Open another unit's referral in an emergency, and review that afterwards.",
    "follow-up": "Ask how somebody is after her return, and carry that out.",
    "consent": "Record what a person allowed, and end it when she says so.",
    "handover": "Say that somebody was brought, and see who was.",
    "returnees": "Post lists of people who return, and keep their records.",
    "attestation": "Attest to a person what a record shows, print it, and verify it without a network.",
    "directory": "Find services that can take somebody now, and say what one's own institution does.",
    "status": "Ask what became of a referral, by the code that its person carries.",
    "statistics": "Print figures that name nobody, of periods that are over.",
    "coordination": "Print the figures of a route that one's institution watches for its coordination table.",
    "events": "Print what happened at one's own node.",
    "token": "Print an access token, for use with curl.",
    "pathway": "Check, list and read pathways: the routes that referrals take.",
    "field": "Print one field of JSON that comes in, for shell scripts.",
    "demo": "Start a federation on this machine and play a referral from end to end.",
    "openapi": "Write the OpenAPI documents of the services, or compare them.",
}
_EPILOG: Final = (
    "Exit status: 0 done, 1 refused or failed, 2 wrong usage, 3 settings cannot be used."
)


class _Groups(TyperGroup):
    """Loads a group when it is used, and turns every refusal into one plain line."""

    @override
    def list_commands(self, ctx: Any) -> list[str]:
        return list(_GROUPS)

    @override
    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in _GROUPS:
            return None
        command = get_command(_load(cmd_name))
        command.name = cmd_name
        command.help = _GROUPS[cmd_name]
        return command

    @override
    def invoke(self, ctx: Any) -> Any:
        try:
            done = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            # Whoever reads has seen enough, as `head` has. Nothing else may be written at the end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from None
        except Exception as error:
            failure = explain(error)
            if failure is None:
                raise
            complain(failure.text)
            raise typer.Exit(failure.status) from None
        return done


def _load(name: str) -> typer.Typer:
    # All that is loaded stays: to look for garbage among it takes an eighth of a service's start,
    # and later holds up whatever runs for a tenth of a second.
    gc.disable()
    try:
        module = importlib.import_module(f"relevo.cli.{name.replace('-', '_')}")
    except ModuleNotFoundError as error:
        return _not_installed(name, error.name or "a library")
    finally:
        gc.freeze()
        gc.enable()
    found: typer.Typer = module.app
    return found


def _not_installed(name: str, missing: str) -> typer.Typer:
    stub = typer.Typer(add_completion=False)

    @stub.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
    def say_so() -> None:
        extra = name if name in {"node", "gateway"} else "gateway"
        complain(f"relevo {name} needs {missing}: pip install 'relevo[{extra}]'")
        raise typer.Exit(3)

    return stub


app = typer.Typer(
    cls=_Groups,
    name="relevo",
    help="Consented referrals of people on the move, from institution to institution.",
    epilog=_EPILOG,
    rich_markup_mode=MARKUP,
    pretty_exceptions_enable=False,
    add_completion=False,
    no_args_is_help=True,
)


@app.callback()
def _relevo() -> None:
    # Services say more once they run; a command speaks for itself.
    configure_logging("relevo", "ERROR")


if __name__ == "__main__":
    sys.exit(app())
