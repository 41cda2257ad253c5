"""`relevo break-glass …`: open another unit's referral in an emergency, and review that afterwards."""

from datetime import datetime
from typing import Annotated

import typer

from relevo.client.relevo import Relevo

from .calling import Document, IdempotencyKey, ReferralId, calling, read_object
from .files import as_json
from .output import MARKUP, note, say, table

app = typer.Typer(rich_markup_mode=MARKUP, no_args_is_help=True)

UseId = Annotated[str, typer.Argument(help="The use's id.")]


@app.command("open")
@calling
def open_referral(
    relevo: Relevo, referral_id: ReferralId, file: Document, idempotency_key: IdempotencyKey = None
) -> None:
    """Open it to one's own unit for some hours: the file says why, and who reviews it. Prints the use's id.

    Whoever holds it is told at once. Then: relevo referral show.
    """
    use = relevo.break_glass.open(referral_id, read_object(file), key=idempotency_key)
    note(
        f"Open until {_minute(use.expires_at)}. "
        f"A second person reviews it until {_minute(use.review_due_at)}."
    )
    say(use.id)


@app.command("list")
@calling
def list_uses(relevo: Relevo) -> None:
    """List what was opened by one's own unit or is one's own to review, newest first."""
    table(
        ["id", "referral", "opened for", "risk", "state", "reads", "at", "review until"],
        [
            [
                use.id,
                use.referral_id,
                use.party,
                use.risk,
                use.state,
                str(use.reads),
                _minute(use.opened_at),
                _minute(use.review_due_at),
            ]
            for use in relevo.break_glass.find()
        ],
    )


@app.command()
@calling
def review(relevo: Relevo, use_id: UseId, file: Document) -> None:
    """Say, as the second person, what was found: the file says whether it was justified, and why."""
    say(as_json(relevo.break_glass.review(use_id, read_object(file))))


def _minute(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%MZ")
