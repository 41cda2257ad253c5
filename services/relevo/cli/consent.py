"""`relevo consent …`: record at one's own node what a person allowed, and end it when she says so."""

from datetime import datetime
from typing import Annotated, Literal

import typer

from relevo.client.relevo import Relevo
from relevo.contracts.identifiers import normal_reference_code

from .calling import Document, IdempotencyKey, Law, calling, read_object
from .failures import CommandError
from .files import as_json
from .output import MARKUP, note, say, table

app = typer.Typer(rich_markup_mode=MARKUP, no_args_is_help=True)

ConsentId = Annotated[str, typer.Argument(help="The consent's id.")]
_FORMATS = ["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M%z"]


@app.command()
@calling
def record(relevo: Relevo, file: Document, idempotency_key: IdempotencyKey = None) -> None:
    """Record what a person allowed. Prints the record, as JSON."""
    say(as_json(relevo.consents.record(read_object(file), key=idempotency_key)))


@app.command()
@calling
def show(relevo: Relevo, consent_id: ConsentId) -> None:
    """Print a consent and where it stands, as JSON."""
    say(as_json(relevo.consents.get(consent_id)))


@app.command()
@calling
def withdraw(
    relevo: Relevo,
    consent_id: ConsentId,
    said_at: Annotated[
        datetime | None,
        typer.Option(
            formats=_FORMATS,
            help="When she said so, such as 2026-03-04T09:00-06:00; now unless given.",
        ),
    ] = None,
    recorded_by: Annotated[
        str | None, typer.Option(help="Desk or shift, never a person's name.")
    ] = None,
) -> None:
    """End it. Nothing more leaves, and everyone who received something is told."""
    ended = relevo.consents.withdraw(consent_id, said_at=said_at, recorded_by=recorded_by)
    say(f"{ended.id} is {ended.state}.")


@app.command()
@calling
def withdrawal(relevo: Relevo, consent_id: ConsentId) -> None:
    """List who holds something under it, and what each did since she withdrew."""
    found = relevo.consents.withdrawal(consent_id)
    if found.withdrawn_at is None:
        note(f"{found.consent_id} is {found.state}: it was not withdrawn.")
    if found.own is not None:
        under = f", under {found.own.law}" if found.own.law else ""
        note(f"This institution itself: {found.own.answer}{under}.")
    table(
        ["referral", "reference code", "holder", "answer", "law", "at"],
        [
            [
                one.referral_id,
                one.reference_code,
                one.holder,
                one.answer or "",
                one.law or "",
                _minute(one.answered_at),
            ]
            for one in found.holders
        ],
    )


@app.command()
@calling
def answer_withdrawal(
    relevo: Relevo,
    consent_id: ConsentId,
    answer: Annotated[Literal["stopped", "kept"], typer.Argument()],
    law: Law = None,
) -> None:
    """Say what one's own institution did with what it knows of her itself."""
    relevo.consents.answer_withdrawal(consent_id, answer, law=law)
    say(f"{consent_id}: {answer}.")


@app.command()
@calling
def ask_to_withdraw(
    relevo: Relevo,
    code: Annotated[str, typer.Argument(help="From the paper, such as MX-3G9230VQVSQ.")],
) -> None:
    """Pass on that somebody with a code on paper wants to withdraw. Asks for the pass phrase.

    The answer is the same whether code and phrase fit or not. What failed may have arrived all the same,
    and after three wrong phrases nobody is listened to for a day.
    """
    try:
        code = normal_reference_code(code)
    except ValueError as error:
        raise CommandError(f"{code}: {error}.") from None
    # Asked for, not an option's value: those can be read in the list of processes.
    phrase = typer.prompt("The pass phrase", err=True, hide_input=True)
    relevo.withdrawal_requests.ask(code, phrase)
    say("Taken. Whoever holds the consent decides; whether code and phrase fit is told to nobody.")


@app.command()
@calling
def requests(relevo: Relevo) -> None:
    """List requests made with the paper on which she must be asked herself, the oldest first."""
    table(
        ["id", "referral", "consents", "since"],
        [
            [one.id, one.referral_id, ", ".join(one.consent_ids), _minute(one.received_at)]
            for one in relevo.withdrawal_requests.waiting()
        ],
    )


@app.command()
@calling
def answer_request(
    relevo: Relevo,
    request_id: Annotated[str, typer.Argument(help="The request's id.")],
    withdraws: Annotated[
        bool, typer.Option("--yes/--no", help="She withdraws, or all stays as it is.")
    ],
    asked_at: Annotated[
        datetime | None,
        typer.Option(
            formats=_FORMATS,
            help="When she was asked, such as 2026-03-04T09:00-06:00; now unless given.",
        ),
    ] = None,
) -> None:
    """Record what she said when she was asked, in person or by her own number."""
    ended = relevo.withdrawal_requests.answer(request_id, withdraws=withdraws, asked_at=asked_at)
    say(f"{ended.id} is {ended.state}.")


def _minute(moment: datetime | None) -> str:
    return moment.strftime("%Y-%m-%dT%H:%MZ") if moment else ""
