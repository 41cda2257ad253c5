"""`relevo follow-up …`: ask how somebody is after her return, and carry that out."""

from datetime import datetime
from typing import Annotated, Final, Literal, TypeVar, get_args

import typer

from relevo.client.relevo import Relevo
from relevo.contracts.channels import CHANNELS, Channel
from relevo.contracts.follow_up import FollowUp, FollowUpKind, Question
from relevo.contracts.follow_up_calendar import WhyNone
from relevo.contracts.identifiers import normal_reference_code
from relevo.contracts.lifecycles.follow_up import State

from .calling import Document, IdempotencyKey, ReferralId, calling, read_object
from .failures import CommandError
from .files import as_json
from .output import MARKUP, note, say, table

app = typer.Typer(rich_markup_mode=MARKUP, no_args_is_help=True)

T = TypeVar("T", bound=str)
FollowUpId = Annotated[str, typer.Argument(help="The follow-up's id.")]
_WHY_NONE: Final[dict[WhyNone, str]] = {
    "no_days": "its pathway has no days for it",
    "not_completed": "it is not completed",
    "not_opted_in": "nobody agreed to be followed up",
    "contact_rules": "her contact rules leave no way or no time",
}
_FORMATS = ["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M%z"]


@app.command()
@calling
def request(
    relevo: Relevo,
    code: Annotated[str, typer.Argument(help="As she carries it, such as MX-3G9230VQVSQ.")],
    window_from: Annotated[
        datetime,
        typer.Option("--from", formats=_FORMATS, help="Such as 2026-03-30T00:00-06:00."),
    ],
    window_until: Annotated[
        datetime, typer.Option("--until", formats=_FORMATS, help="A year later at most.")
    ],
    kind: Annotated[str, typer.Option(help=", ".join(get_args(FollowUpKind)))] = "light_contact",
    question: Annotated[
        list[str] | None,
        typer.Option(help=f"Asked beside how she is: {', '.join(get_args(Question))}."),
    ] = None,
    idempotency_key: IdempotencyKey = None,
) -> None:
    """Ask how she is, in a window of time. Prints the follow-up's id and who carries it out."""
    try:
        code = normal_reference_code(code)
    except ValueError as error:
        raise CommandError(f"{code}: {error}.") from None
    asked = relevo.follow_ups.request(
        code,
        window_from,
        window_until,
        kind=_one_of("--kind", kind, get_args(FollowUpKind)),
        questions=[_one_of("--question", one, get_args(Question)) for one in question or ()],
        key=idempotency_key,
    )
    table(["id", "state", "carried out by"], [[asked.id, asked.state, asked.holder]])


@app.command("list")
@calling
def list_follow_ups(
    relevo: Relevo,
    role: Annotated[str | None, typer.Option(help="asker or holder: which side one is.")] = None,
    state: Annotated[str | None, typer.Option(help="Only those in this state.")] = None,
) -> None:
    """List follow-ups, newest first."""
    sides: tuple[Literal["asker", "holder"], ...] = ("asker", "holder")
    found = relevo.follow_ups.find(
        role=None if role is None else _one_of("--role", role, sides),
        state=None if state is None else _one_of("--state", state, get_args(State)),
    )
    table(
        ["id", "reference code", "state", "asked by", "carried out by", "from", "until"],
        [
            [
                one.id,
                one.reference_code,
                one.state,
                one.asker,
                one.carried_out_by or one.holder,
                _minute(one.window_from),
                _minute(one.window_until),
            ]
            for one in found
        ],
    )


@app.command()
@calling
def show(relevo: Relevo, follow_up_id: FollowUpId) -> None:
    """Print a follow-up with its attempts and what one may know of its end, as JSON."""
    say(as_json(relevo.follow_ups.get(follow_up_id)))


@app.command()
@calling
def calendar(relevo: Relevo, referral_id: ReferralId) -> None:
    """List when a referral's pathway proposes to ask how somebody is. Nothing happens by itself."""
    proposed = relevo.follow_ups.calendar(referral_id)
    if proposed.none_because is not None:
        note(f"Nothing is proposed: {_WHY_NONE[proposed.none_because]}.")
    table(
        ["person", "day", "from", "until", "by"],
        [
            [
                str(window.person),
                str(window.day),
                _minute(window.window_from),
                _minute(window.window_until),
                ", ".join(window.channels),
            ]
            for window in proposed.windows
        ],
    )


@app.command()
@calling
def cancel(relevo: Relevo, follow_up_id: FollowUpId) -> None:
    """Say, as its asker, that it is no longer wished."""
    asked = relevo.follow_ups.cancel(follow_up_id)
    say(f"{asked.id} is {asked.state}; cancelling is asked for.")


@app.command()
@calling
def step(relevo: Relevo, follow_up_id: FollowUpId, file: Document) -> None:
    """Take any step that is possible next: the file says which, with all that goes with it."""
    _stands(relevo.follow_ups.take_step(follow_up_id, read_object(file)))


@app.command()
@calling
def accept(relevo: Relevo, follow_up_id: FollowUpId) -> None:
    """Take it on."""
    _stands(relevo.follow_ups.accept(follow_up_id))


@app.command()
@calling
def decline(
    relevo: Relevo,
    follow_up_id: FollowUpId,
    reason: Annotated[str, typer.Option(help="A code, such as no_capacity.")],
) -> None:
    """Say that it cannot be carried out, and why."""
    _stands(relevo.follow_ups.decline(follow_up_id, reason))


@app.command()
@calling
def schedule(
    relevo: Relevo,
    follow_up_id: FollowUpId,
    at: Annotated[datetime, typer.Option(formats=_FORMATS)],
) -> None:
    """Say when she will be tried, such as 2026-03-31T17:30-06:00."""
    _stands(relevo.follow_ups.schedule(follow_up_id, at))


@app.command()
@calling
def redirect(
    relevo: Relevo,
    follow_up_id: FollowUpId,
    to: Annotated[str, typer.Option(help="A unit of this institution, such as gt.igm.car.")],
) -> None:
    """Give it to another unit of this institution."""
    _stands(relevo.follow_ups.redirect(follow_up_id, to))


@app.command()
@calling
def attempt(
    relevo: Relevo,
    follow_up_id: FollowUpId,
    by: Annotated[str, typer.Option(help=", ".join(CHANNELS))],
    person: Annotated[int | None, typer.Option(help="Which person, from 1.")] = None,
    number: Annotated[str | None, typer.Option(help="Which number is meant.")] = None,
    desk: Annotated[str | None, typer.Option(help="Desk or shift, never a person's name.")] = None,
    idempotency_key: IdempotencyKey = None,
) -> None:
    """Open an attempt. Prints its number, where she may be reached now, and what to say."""
    channel: Channel = _one_of("--by", by, CHANNELS)
    opened = relevo.follow_ups.attempt(
        follow_up_id, channel, person=person, number=number, desk=desk, key=idempotency_key
    )
    if opened.outcome is not None:
        again = f" Not before {_minute(opened.next_at)}." if opened.next_at else ""
        raise CommandError(
            f"Her contact rules ({opened.forbidden_by}) do not allow this now; "
            f"attempt {opened.seq} is recorded as {opened.outcome}.{again}"
        )
    if opened.introduce_as:
        note(f"Say that you call: {opened.introduce_as}")
    if opened.ask_pass_phrase:
        note("She says a pass phrase: give it with the outcome. Say nothing of the matter before.")
    table(
        ["attempt", "by", "numbers"],
        [[str(opened.seq), opened.modality, ", ".join(opened.numbers)]],
    )


@app.command()
@calling
def outcome(
    relevo: Relevo,
    follow_up_id: FollowUpId,
    seq: Annotated[int, typer.Argument(metavar="ATTEMPT", help="The attempt's number.")],
    result: Annotated[str, typer.Argument(metavar="OUTCOME", help="A code, such as no_answer.")],
    ask_pass_phrase: Annotated[
        bool, typer.Option("--pass-phrase", help="Ask for the phrase that she said.")
    ] = False,
) -> None:
    """Say what came of an attempt."""
    # Asked for, not an option's value: those can be read in the list of processes.
    phrase = typer.prompt("Her pass phrase", err=True, hide_input=True) if ask_pass_phrase else None
    ended = relevo.follow_ups.outcome(follow_up_id, seq, result, pass_phrase=phrase)
    say(f"Attempt {ended.seq} is {ended.outcome}.")


@app.command()
@calling
def report(relevo: Relevo, follow_up_id: FollowUpId, file: Document) -> None:
    """End it with what was learned: the file is the report. Only what she consented to is told."""
    _stands(relevo.follow_ups.report(follow_up_id, read_object(file)))


@app.command()
@calling
def alert(
    relevo: Relevo, follow_up_id: FollowUpId, file: Document, idempotency_key: IdempotencyKey = None
) -> None:
    """Say that she is not safe and refer her anew: the file says to whom and on which basis."""
    ended = relevo.follow_ups.alert(follow_up_id, read_object(file), key=idempotency_key)
    say(f"{ended.id} is {ended.state}; referred as {ended.alert_referral_id}.")


def _stands(follow_up: FollowUp) -> None:
    say(f"{follow_up.id} is {follow_up.state}.")


def _minute(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%MZ")


def _one_of(option: str, text: str, known: tuple[T, ...]) -> T:
    for value in known:
        if value == text:
            return value
    raise CommandError(f"{option} is one of: {', '.join(known)}.")
