"""`relevo returnees …`: post lists of people who return, and keep their records at one's own node."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal, TypeVar, get_args

import typer

from relevo.client.manifests import read_list
from relevo.client.relevo import Relevo
from relevo.contracts.lifecycles.returnee import State
from relevo.contracts.returnee import Manifest, MergeGround, RowAnswer, RowResult

from .calling import calling
from .failures import CommandError
from .files import as_json
from .output import MARKUP, note, say, table
from .progress import progress

app = typer.Typer(rich_markup_mode=MARKUP, no_args_is_help=True)

T = TypeVar("T", bound=str)
ReturneeId = Annotated[str, typer.Argument(help="The record's id.")]
At = Annotated[
    datetime | None,
    typer.Option(
        formats=["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M%z"],
        help="When, such as 2026-03-04T09:00-06:00; now unless given.",
    ),
]


@app.command()
@calling
def post(
    relevo: Relevo,
    manifest: Annotated[Path, typer.Argument(help="The list: .csv, .ndjson, .jsonl or .xlsx.")],
    reference: Annotated[
        str | None,
        typer.Option(help="The list's own name, such as flight and date; else the file's."),
    ] = None,
    destination: Annotated[
        str | None, typer.Option(help="Country of arrival, such as GT; else the node's own.")
    ] = None,
    return_type: Annotated[str | None, typer.Option(help="Code, for rows without one.")] = None,
    return_mode: Annotated[str | None, typer.Option(help="Code, for every row.")] = None,
    expected_at: At = None,
    point_of_entry: Annotated[str | None, typer.Option(help="Where they are expected.")] = None,
    month_first: Annotated[
        bool, typer.Option("--month-first", help="03/04/1990 is the 4th of March.")
    ] = False,
) -> None:
    """Post a list and say what became of each row. The same list again changes nothing."""
    try:
        content, media_type = read_list(manifest)
    except ValueError as error:
        raise CommandError(f"{manifest}: {error}.") from None
    with progress("Reading the list", None) as bar:
        read = relevo.manifests.post(
            content,
            media_type,
            reference=reference or manifest.stem,
            destination=destination,
            return_type=return_type,
            return_mode=return_mode,
            expected_at=expected_at,
            point_of_entry=point_of_entry,
            date_order="month_first" if month_first else None,
            on_progress=lambda far: bar.show(far.rows_read, far.rows_total),
        )
    _tell(read)
    if read.refused < read.rows_total:
        note(f"What is doubtful in rows that were kept: relevo returnees rows {read.id}")
    refused = relevo.manifests.rows(read.id, result="refused") if read.refused else ()
    _rows(refused)
    if read.refused:
        raise CommandError(
            f"{read.refused} of {read.rows_total} rows were refused; the others are kept. "
            "Mend those and post the list again."
        )


@app.command()
@calling
def rows(
    relevo: Relevo,
    manifest_id: Annotated[str, typer.Argument(help="The list's id.")],
    result: Annotated[str | None, typer.Option(help="kept, changed, unchanged or refused.")] = None,
) -> None:
    """List what became of each row of a list."""
    chosen: RowResult | None = _one_of("--result", result, get_args(RowResult))
    _rows(relevo.manifests.rows(manifest_id, result=chosen))


@app.command()
@calling
def lists(relevo: Relevo) -> None:
    """List the lists that were posted, newest first."""
    table(
        ["id", "reference", "version", "state", "kept", "changed", "unchanged", "refused"],
        [
            [
                one.id,
                one.terms.reference,
                str(one.version),
                one.state,
                *map(str, (one.kept, one.changed, one.unchanged, one.refused)),
            ]
            for one in relevo.manifests.find()
        ],
    )


@app.command("list")
@calling
def list_returnees(
    relevo: Relevo,
    state: Annotated[str | None, typer.Option(help="Only those in this state.")] = None,
    manifest: Annotated[
        str | None, typer.Option(help="Only those of this list, by its id.")
    ] = None,
) -> None:
    """List records, newest first, without persons."""
    chosen: State | None = _one_of("--state", state, get_args(State))
    table(
        ["id", "state", "unit", "since"],
        [
            [record.id, record.state, record.owner, record.updated_at.strftime("%Y-%m-%dT%H:%MZ")]
            for record in relevo.returnees.find(state=chosen, manifest_id=manifest)
        ],
    )


@app.command()
@calling
def show(relevo: Relevo, returnee_id: ReturneeId) -> None:
    """Print a record with what is known of her, as JSON."""
    say(as_json(relevo.returnees.get(returnee_id)))


@app.command()
@calling
def arrive(relevo: Relevo, returnee_id: ReturneeId, at: At = None) -> None:
    """Say that she is here."""
    say(f"{returnee_id} is {relevo.returnees.arrive(returnee_id, at=at).state}.")


@app.command()
@calling
def receive(relevo: Relevo, returnee_id: ReturneeId, at: At = None) -> None:
    """Say that the institute has received her."""
    say(f"{returnee_id} is {relevo.returnees.receive(returnee_id, at=at).state}.")


@app.command()
@calling
def candidates(
    relevo: Relevo,
    returnee_id: ReturneeId,
    limit: Annotated[int, typer.Option(min=1, max=50, help="How many at most.")] = 10,
) -> None:
    """List records that may be hers too, the likeliest first. A person decides; nothing is merged."""
    found = relevo.returnees.candidates(returnee_id, limit=limit)
    table(
        ["record", "likeness", "state", "since", "what agrees"],
        [
            [
                one.returnee_id,
                one.likeness,
                one.state,
                one.created_at.strftime("%Y-%m-%d"),
                ", ".join(f"{said.field} {said.agreement}" for said in one.evidence),
            ]
            for one in found.candidates
        ],
    )
    if not found.compared:
        note("This record is not compared with any.")


@app.command()
@calling
def merge(
    relevo: Relevo,
    returnee_id: ReturneeId,
    into: Annotated[str, typer.Argument(help="The id of the record that goes on.")],
    ground: Annotated[
        MergeGround,
        typer.Option(help="How it is known: she was asked, one paper was seen, …"),
    ],
    confirmed_by: Annotated[str, typer.Option(help="Desk, shift or role of whoever found it.")],
    note_: Annotated[
        str | None, typer.Option("--note", help="For the record's own history.")
    ] = None,
) -> None:
    """Say that two records are of one person. Both are kept, and it can be undone."""
    record = relevo.returnees.merge(
        returnee_id, into, ground=ground, confirmed_by=confirmed_by, note=note_
    )
    say(f"{record.id} is merged into {record.merged_into}.")


@app.command()
@calling
def unmerge(
    relevo: Relevo,
    returnee_id: ReturneeId,
    confirmed_by: Annotated[str, typer.Option(help="Desk, shift or role of whoever found it.")],
    note_: Annotated[
        str | None, typer.Option("--note", help="For the record's own history.")
    ] = None,
) -> None:
    """Say that two people were taken for one: the record stands again where it stood."""
    record = relevo.returnees.unmerge(returnee_id, confirmed_by=confirmed_by, note=note_)
    say(f"{record.id} is {record.state} again.")


def _tell(read: Manifest) -> None:
    note(f"List {read.terms.reference}, version {read.version}, id {read.id}")
    for column in read.columns:
        note(f"Column {column.position}: {column.advice}")
    counts: dict[Literal["kept", "changed", "unchanged", "refused"], int] = {
        "kept": read.kept,
        "changed": read.changed,
        "unchanged": read.unchanged,
        "refused": read.refused,
    }
    note(", ".join(f"{count} {name}" for name, count in counts.items()))


def _rows(answers: Iterable[RowAnswer]) -> None:
    table(
        ["line", "result", "record", "column", "advice"],
        [
            [str(row.line), row.result, row.returnee_id or "", column, advice]
            for row in answers
            for column, advice in (
                [(one.column or "", one.advice) for one in row.notes] or [("", "")]
            )
        ],
    )


def _one_of(option: str, text: str | None, known: tuple[T, ...]) -> T | None:
    for value in known:
        if value == text:
            return value
    if text is not None:
        raise CommandError(f"{option} is one of: {', '.join(known)}.")
    return None
