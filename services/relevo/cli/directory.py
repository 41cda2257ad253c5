"""`relevo directory …`: services that institutions give, and who can take somebody now."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from relevo.client.exceptions import RelevoProblemError
from relevo.client.relevo import Relevo
from relevo.contracts.service import without_names
from relevo.contracts.service_tables import Found

from .calling import calling
from .directory_files import read_services, write_services
from .output import MARKUP, note, table

app = typer.Typer(rich_markup_mode=MARKUP, no_args_is_help=True)

Institution = Annotated[str, typer.Argument(help="One's own, such as gt.igm.")]
ServiceId = Annotated[str, typer.Argument(help="The document's id.")]
By = Annotated[str, typer.Option(help="The post or office that checked it, no person's name.")]
_FORMATS = ["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M%z"]


@app.command()
@calling
def find(
    relevo: Relevo,
    need: Annotated[str, typer.Argument(help="A code of the list service_type.")],
    country: Annotated[str | None, typer.Option(help="Such as GT.")] = None,
    mandate: Annotated[str | None, typer.Option(help="That the receiver must hold.")] = None,
    place: Annotated[str | None, typer.Option(help="Where she is, such as GT-0101.")] = None,
    language: Annotated[str | None, typer.Option(help="ISO 639-3, such as kek.")] = None,
    age: Annotated[int | None, typer.Option(help="In years.")] = None,
) -> None:
    """Say which services meet a need, who takes somebody now, and why the others do not."""
    offers = relevo.services.find(
        need, country=country, mandate=mandate, place=place, language=language, age=age
    )
    table(
        ["service", "who", "takes", "why", "opens", "name"],
        [
            [
                one.service,
                one.party,
                one.takes,
                " ".join([*one.why_not, *one.why_ask]),
                one.opens_at.isoformat() if one.opens_at else "",
                one.name,
            ]
            for one in offers
        ],
    )
    ask = relevo.services.whom_to_ask(need, country).ask
    if ask:
        note(f"Houses that stand in no list: ask {', '.join(ask)}.")


@app.command("import")
@calling
def import_services(
    relevo: Relevo,
    institution: Institution,
    file: Annotated[Path, typer.Argument(help="HSDS 3: JSON, services.csv, or a zip of tables.")],
    by: By,
    party: Annotated[str | None, typer.Option(help="The unit that takes referrals.")] = None,
    without_persons: Annotated[
        bool, typer.Option("--without-names", help="Leave out the names of contacts.")
    ] = False,
) -> None:
    """Put services into the directory; each is answered with its line. 1 if one was refused."""
    rows = []
    refused = 0
    for found in read_services(file):
        result, advice = _put(
            relevo, institution, found, by=by, party=party, nameless=without_persons
        )
        refused += result == "refused"
        rows.append([str(found.line), str(found.document.get("id", "")), result, advice])
    table(["line", "service", "result", "advice"], rows)
    note(f"{len(rows) - refused} kept, {refused} refused")
    if refused:
        raise typer.Exit(1)


def _put(
    relevo: Relevo, institution: str, found: Found, *, by: str, party: str | None, nameless: bool
) -> tuple[str, str]:
    document = without_names(found.document) if nameless else found.document
    if not document.get("id"):
        return "refused", "Give it an id."
    try:
        entry = relevo.services.put(institution, document, party=party, confirmed_by=by)
    except RelevoProblemError as error:
        places = [f"{fault.pointer}: {fault.detail}" for fault in error.problem.errors[:5]]
        return "refused", " ".join([error.problem.detail, *places])
    advice = "" if document == found.document else "Names of contacts were left out."
    if not entry["needs"]:
        advice = "Nobody finds it: give it an attribute with a code of service_type."
    return "kept", advice


@app.command()
@calling
def export(
    relevo: Relevo,
    institution: Institution,
    file: Annotated[Path, typer.Argument(help="Ends in .json, or in .zip for CSV tables.")],
) -> None:
    """Write an institution's services as HSDS 3, as they were put."""
    documents = [entry["service"] for entry in relevo.services.of(institution)]
    write_services(file, documents)
    note(f"{len(documents)} services in {file}")


@app.command()
@calling
def capacity(
    relevo: Relevo,
    institution: Institution,
    service: ServiceId,
    code: Annotated[str, typer.Argument(help="has, none, waiting_list or assess_first.")],
    until: Annotated[
        datetime, typer.Option(formats=_FORMATS, help="Such as 2026-03-03T08:00-06:00.")
    ],
) -> None:
    """Say what places there are, and until when that holds."""
    entry = relevo.services.say_capacity(institution, service, code, until)
    table(["service", "capacity"], [[service, entry["capacity"]]])


@app.command()
@calling
def revalidation(relevo: Relevo) -> None:
    """List one's own services that must be looked at, the longest overdue first."""
    table(
        ["service", "due", "stale", "name"],
        [
            [one.service, one.due_at.date().isoformat(), "stale" if one.stale else "", one.name]
            for one in relevo.services.to_confirm()
        ],
    )


@app.command()
@calling
def confirm(relevo: Relevo, institution: Institution, service: ServiceId, by: By) -> None:
    """Say that a service was looked at and still holds."""
    entry = relevo.services.confirm(institution, service, confirmed_by=by)
    table(["service", "due"], [[service, str(entry["due_at"])]])
