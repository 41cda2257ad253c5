"""`relevo split …`: a family goes on in two parts, for somebody's safety."""

from datetime import datetime
from typing import Annotated, Literal

import typer

from relevo.client.relevo import Relevo

from .calling import Document, IdempotencyKey, ReferralId, calling, read_object
from .failures import CommandError
from .files import as_json
from .output import MARKUP, note, say, table

app = typer.Typer(rich_markup_mode=MARKUP, no_args_is_help=True)

SplitId = Annotated[str, typer.Argument(help="The split's id.")]


@app.command()
@calling
def make(
    relevo: Relevo, referral_id: ReferralId, file: Document, idempotency_key: IdempotencyKey = None
) -> None:
    """Let some of a family go on apart: the file says who, why, and their new referral.

    The other adult is neither asked nor told. Prints what may be said to those who stay.
    """
    split = relevo.splits.make(referral_id, read_object(file), key=idempotency_key)
    if split.state == "waiting":
        note(f"A second person confirms it until {_minute(split.confirm_by)}.")
    say(as_json(split))


@app.command()
@calling
def show(relevo: Relevo, split_id: SplitId) -> None:
    """Print a split as JSON."""
    say(as_json(relevo.splits.get(split_id)))


@app.command("list")
@calling
def list_splits(
    relevo: Relevo,
    state: Annotated[
        str | None, typer.Option(help="waiting, confirmed or unconfirmed: only those.")
    ] = None,
) -> None:
    """List splits, the newest first, at most 100."""
    table(
        ["id", "state", "stays", "goes", "confirm by"],
        [
            [split.id, split.state, split.stays, split.goes, _minute(split.confirm_by)]
            for split in relevo.splits.newest(state=_state(state))
        ],
    )


@app.command()
@calling
def confirm(
    relevo: Relevo,
    split_id: SplitId,
    by: Annotated[str, typer.Option(help="Another desk, shift or role than who decided.")],
) -> None:
    """Stand behind it, as the second person."""
    split = relevo.splits.confirm(split_id, by)
    say(f"{split.id} is {split.state}.")


def _minute(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%MZ")


def _state(text: str | None) -> Literal["waiting", "confirmed", "unconfirmed"] | None:
    match text:
        case None | "waiting" | "confirmed" | "unconfirmed":
            return text
        case _:
            raise CommandError("--state is waiting, confirmed or unconfirmed.")
