"""`relevo referral …`: submit, read and answer referrals at one's own node."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal, get_args

import typer

from relevo.client.relevo import Relevo
from relevo.contracts.attachment import ATTACHMENTS
from relevo.contracts.lifecycles.referral import State
from relevo.contracts.referral import Referral

from .attaching import attach, attach_to_outcome, save_all
from .calling import (
    Document,
    IdempotencyKey,
    Law,
    ReferralId,
    calling,
    read_document,
    read_object,
)
from .failures import CommandError
from .files import as_json
from .output import MARKUP, complain, note, say, table
from .progress import progress

app = typer.Typer(rich_markup_mode=MARKUP, no_args_is_help=True)

Reason = Annotated[str, typer.Option(help="A code, such as no_capacity.")]
Attachments = Annotated[
    list[str] | None,
    typer.Option(
        "--attach",
        metavar="FILE:DOCUMENT",
        help="A file that goes along, such as foto.pdf:birth_certificate; of several persons, "
        "foto.pdf:birth_certificate:T-1; of a kind that may be about anything, also its data category, "
        "carta.pdf:referral_sheet:T-1:service_history. May be said several times.",
    ),
]
Remark = Annotated[str | None, typer.Option("--note", help="For one's own history; never travels.")]


@app.command()
@calling
def submit(
    relevo: Relevo,
    file: Document,
    idempotency_key: IdempotencyKey = None,
    attachments: Attachments = None,
) -> None:
    """Refer somebody. Prints id and reference code; a list of referrals prints one line each."""
    document = read_document(file)
    if isinstance(document, list) and attachments:
        raise CommandError("Files go along with one referral, not with a list.")
    if isinstance(document, list):
        _submit_many(relevo, document, idempotency_key)
        return
    if not isinstance(document, dict):
        raise CommandError("A referral is a JSON object, several are a list.")
    document = attach(relevo, document, attachments)
    stored = relevo.referrals.submit(document, key=idempotency_key)
    if stored.withheld:
        note(f"Stays here, because consent or pathway leave it out: {', '.join(stored.withheld)}.")
    say(as_json(stored))


def _submit_many(relevo: Relevo, documents: list[object], key: str | None) -> None:
    if not documents:
        raise CommandError("The list is empty: there is nothing to submit.")
    if not all(isinstance(document, dict) for document in documents):
        raise CommandError("Each referral of a list is a JSON object.")
    numbers = iter(range(len(documents)))
    rows, refused = [], 0
    with progress("Submitting", len(documents)) as bar:
        for outcome in relevo.referrals.submit_many(
            (document for document in documents if isinstance(document, dict)),
            key=None if key is None else lambda _: f"{key}-{next(numbers)}",
        ):
            bar.show(outcome.number + 1, len(documents))
            if outcome.referral is not None:
                rows.append(
                    [str(outcome.number), outcome.referral.id, outcome.referral.reference_code]
                )
            else:
                refused += 1
                complain(f"Number {outcome.number}: {outcome.problem}")
    table(["number", "id", "reference code"], rows)
    if refused:
        kept = "the others are stored" if rows else "nothing is stored"
        raise CommandError(f"{refused} of {len(documents)} were refused; {kept}.")


@app.command()
@calling
def show(relevo: Relevo, referral_id: ReferralId) -> None:
    """Print a referral with what this side holds of its persons, as JSON."""
    say(as_json(relevo.referrals.get(referral_id)))


@app.command()
@calling
def download(
    relevo: Relevo,
    referral_id: ReferralId,
    to: Annotated[Path, typer.Option(help="Where to put them.")] = Path(),
) -> None:
    """Save the files that go with a referral; prints where each is."""
    save_all(relevo, relevo.referrals.get(referral_id), to)


@app.command("list")
@calling
def list_referrals(
    relevo: Relevo,
    role: Annotated[str | None, typer.Option(help="sender or receiver: which side one is.")] = None,
    state: Annotated[str | None, typer.Option(help="Only those in this state.")] = None,
    overdue: Annotated[
        bool, typer.Option("--overdue", help="Only those past a deadline, the longest first.")
    ] = False,
) -> None:
    """List referrals, newest first, without persons."""
    table(
        ["id", "reference code", "state", "triage", "from", "to", "since"],
        [
            [
                referral.id,
                referral.reference_code,
                referral.state,
                referral.triage,
                referral.sender,
                referral.receiver,
                _minute(referral.updated_at),
            ]
            for referral in relevo.referrals.find(
                role=_role(role), state=_state(state), overdue=True if overdue else None
            )
        ],
    )


@app.command()
@calling
def history(relevo: Relevo, referral_id: ReferralId) -> None:
    """List what happened to a referral, from the first."""
    table(
        ["number", "state", "by", "at", "reason", "seen by"],
        [
            [
                str(entry.seq),
                entry.state,
                entry.actor,
                _minute(entry.at),
                entry.reason or "",
                entry.seen_by or "",
            ]
            for entry in relevo.referrals.history(referral_id)
        ],
    )


@app.command()
@calling
def acknowledge(
    relevo: Relevo,
    referral_id: ReferralId,
    seen_by: Annotated[
        str | None, typer.Option(help="Desk or shift, never a person's name.")
    ] = None,
) -> None:
    """Say that somebody saw it."""
    _stands(relevo.referrals.acknowledge(referral_id, seen_by=seen_by))


@app.command()
@calling
def accept(relevo: Relevo, referral_id: ReferralId, remark: Remark = None) -> None:
    """Take it on."""
    _stands(relevo.referrals.accept(referral_id, note=remark))


@app.command()
@calling
def reject(relevo: Relevo, referral_id: ReferralId, reason: Reason, remark: Remark = None) -> None:
    """Say that it cannot be taken on, and why."""
    _stands(relevo.referrals.reject(referral_id, reason, note=remark))


@app.command()
@calling
def waitlist(
    relevo: Relevo,
    referral_id: ReferralId,
    reason: Annotated[str | None, typer.Option(help="A code, such as no_capacity.")] = None,
) -> None:
    """Say that there is no place yet."""
    _stands(relevo.referrals.waitlist(referral_id, reason=reason))


@app.command()
@calling
def ask(relevo: Relevo, referral_id: ReferralId, file: Document) -> None:
    """Ask for what is missing: the file is a list of questions."""
    questions = read_document(file)
    if not isinstance(questions, list):
        raise CommandError("Questions are a JSON list.")
    _stands(relevo.referrals.ask(referral_id, questions))


@app.command()
@calling
def supply(
    relevo: Relevo,
    referral_id: ReferralId,
    file: Document,
    idempotency_key: IdempotencyKey = None,
    attachments: Attachments = None,
) -> None:
    """Answer, as its sender, what was asked: the file holds the information."""
    document = attach(relevo, read_object(file), attachments)
    _stands(relevo.referrals.supply(referral_id, document, key=idempotency_key))


@app.command()
@calling
def redirect(
    relevo: Relevo,
    referral_id: ReferralId,
    reason: Reason,
    to: Annotated[str | None, typer.Option(help="Whom to ask instead, such as gt.renap.")] = None,
) -> None:
    """Say that somebody else should be asked. Nothing is sent there from here."""
    _stands(relevo.referrals.redirect(referral_id, reason, redirect_to=to))


@app.command()
@calling
def schedule(
    relevo: Relevo,
    referral_id: ReferralId,
    at: Annotated[datetime, typer.Option(formats=["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M%z"])],
    place: Annotated[str | None, typer.Option(help="Where she is expected.")] = None,
) -> None:
    """Say when she is expected, such as 2026-03-04T09:00-06:00."""
    _stands(relevo.referrals.schedule(referral_id, at, place=place))


@app.command()
@calling
def begin(relevo: Relevo, referral_id: ReferralId) -> None:
    """Say that she is here and the service begins."""
    _stands(relevo.referrals.begin(referral_id))


@app.command()
@calling
def hold(relevo: Relevo, referral_id: ReferralId, reason: Reason) -> None:
    """Say that the service rests, and why."""
    _stands(relevo.referrals.hold(referral_id, reason))


@app.command()
@calling
def complete(
    relevo: Relevo, referral_id: ReferralId, file: Document, attachments: Attachments = None
) -> None:
    """Say what was done: the file is the counter-referral. Persons of files are 1, 2 and so on."""
    outcome = read_object(file)
    files = attach_to_outcome(relevo, referral_id, attachments)
    _stands(relevo.referrals.complete(referral_id, outcome, attachments=files))


@app.command()
@calling
def fail(
    relevo: Relevo,
    referral_id: ReferralId,
    reason: Reason,
    outcome: Annotated[
        Path | None, typer.Option(help="A counter-referral, when some of it was done.")
    ] = None,
    attachments: Attachments = None,
) -> None:
    """Say that it could not be done, and why. Files go back with a counter-referral alone."""
    document = None if outcome is None else read_object(outcome)
    if document is None and attachments:
        raise CommandError("Files go back with a counter-referral: give it as --outcome.")
    files = attach_to_outcome(relevo, referral_id, attachments)
    ended = relevo.referrals.fail(referral_id, reason, counter_referral=document, attachments=files)
    _stands(ended)


@app.command()
@calling
def review(
    relevo: Relevo,
    referral_id: ReferralId,
    done: Annotated[
        str, typer.Argument(help="What was done since, in one sentence; it stays here.")
    ],
    idempotency_key: IdempotencyKey = None,
) -> None:
    """Say that somebody looked at a search or a claim that runs for years."""
    made = relevo.referrals.review(referral_id, done, key=idempotency_key)
    say(f"Reviewed at {_minute(made.at)}.")


@app.command()
@calling
def reviews(relevo: Relevo, referral_id: ReferralId) -> None:
    """List its reviews, the newest first."""
    table(
        ["at", "what was done"],
        [[_minute(one.at), one.done or ""] for one in relevo.referrals.reviews(referral_id)],
    )


@app.command()
@calling
def cancel(relevo: Relevo, referral_id: ReferralId, reason: Reason) -> None:
    """Ask, as its sender, that it should stop."""
    asked = relevo.referrals.cancel(referral_id, reason)
    say(f"{asked.id} is {asked.state}; cancelling is asked for.")


@app.command()
@calling
def close(relevo: Relevo, referral_id: ReferralId) -> None:
    """Say, as its sender, that the outcome was read."""
    _stands(relevo.referrals.close(referral_id))


@app.command()
@calling
def answer_withdrawal(
    relevo: Relevo,
    referral_id: ReferralId,
    answer: Annotated[
        Literal["stopped", "erased", "kept"],
        typer.Argument(help="erased destroys it here, once the service has ended."),
    ],
    law: Law = None,
) -> None:
    """Say, as its receiver, what was done with what came of somebody who withdrew."""
    said = relevo.referrals.answer_withdrawal(referral_id, answer, law=law)
    say(f"{said.referral_id}: {said.answer}.")


def _stands(referral: Referral) -> None:
    if ATTACHMENTS in referral.withheld:
        note(
            f"Some stays here, because consent or pathway leave it out: {', '.join(referral.withheld)}."
        )
    say(f"{referral.id} is {referral.state}.")


def _minute(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%MZ")


def _role(text: str | None) -> Literal["sender", "receiver"] | None:
    match text:
        case None | "sender" | "receiver":
            return text
        case _:
            raise CommandError("--role is sender or receiver.")


def _state(text: str | None) -> State | None:
    for state in get_args(State):
        if state == text:
            known: State = state
            return known
    if text is not None:
        raise CommandError(f"{text} is no state of a referral: {', '.join(get_args(State))}.")
    return None
