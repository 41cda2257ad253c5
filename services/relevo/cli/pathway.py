"""`relevo pathway`: write one's own routes, and look at those that are there."""

import importlib
from pathlib import Path
from typing import Annotated

import typer

from relevo.contracts.pathways.check import Finding, id_place
from relevo.contracts.pathways.check import check as findings_in
from relevo.contracts.pathways.loader import built_in, pathway, pathways
from relevo.contracts.pathways.loader import read as read_pathways
from relevo.contracts.vocabularies.loader import code_list
from relevo.servicekit.pathway_files import add_pathways

from .files import read_text
from .output import MARKUP, say, table

app = typer.Typer(rich_markup_mode=MARKUP, no_args_is_help=True)
Folder = Annotated[
    Path | None, typer.Option("--directory", help="A folder of pathways beside the built-in ones.")
]


@app.command()
def check(files: Annotated[list[Path], typer.Argument(help="Pathway files.")]) -> None:
    """Say everything that is wrong with pathway files, and where; 1 if a service would refuse one."""
    errors = 0
    first: dict[str, Path] = {}
    for path in files:
        text = read_text(path)
        found = findings_in(text)
        wrong = any(finding.level == "error" for finding in found)
        for finding in found if wrong else [*found, *_of_its_id(path, text, first)]:
            say(finding.in_file(str(path)))
            errors += finding.level == "error"
    if errors:
        raise typer.Exit(1)


def _of_its_id(path: Path, text: str, first: dict[str, Path]) -> list[Finding]:
    """What a file alone does not show: an id that is taken keeps a service from starting."""
    (route_id,) = read_pathways({str(path): text})
    at = id_place(text)
    before = first.setdefault(route_id, path)
    if route_id in built_in():
        fault = f"a pathway {route_id} comes with Relevo and cannot be replaced"
        advice = "give yours an id of its own, which begins with the country"
        return [Finding("error", at.line, at.column, "/id", fault, advice)]
    if before != path:
        fault = f"{before} has the same id"
        return [Finding("error", at.line, at.column, "/id", fault)]
    if path.stem != route_id:
        fault = f"the file is not named after its pathway: {route_id}.toml"
        return [Finding("warning", at.line, at.column, "/id", fault)]
    return []


@app.command("list")
def list_all(directory: Folder = None) -> None:
    """List every pathway: its id, what it is called, its countries, what gateways see of it."""
    add_pathways(directory)
    table(
        ("pathway", "title", "countries", "gateways see"),
        [
            (route.id, route.title_en, " ".join(route.countries), route.public_name)
            for route in pathways().values()
        ],
    )


@app.command()
def show(
    pathway_id: Annotated[str, typer.Argument(metavar="ID", help="The pathway.")],
    directory: Folder = None,
    language: Annotated[str, typer.Option(help="en, es or es-MX.")] = "en",
) -> None:
    """Print one pathway in words: who starts it, who receives, what it asks for and why."""
    add_pathways(directory)
    route = pathway(pathway_id)

    def named(list_id: str, codes: list[str]) -> str:
        return ", ".join(code_list(list_id).label(code, language) for code in codes)

    spanish = route.title_es_mx if language == "es-MX" else None
    say(spanish or (route.title_es if language.startswith("es") else route.title_en))
    starts = route.starts
    who = [named("mandate", starts.mandates), named("institution_type", starts.types)]
    facts = [
        ("starts", f"anyone: {starts.why}" if starts.anyone else "; ".join(filter(None, who))),
        ("receives", named("mandate", route.receiver_mandates)),
        ("countries", " ".join(route.countries)),
        ("services", named("service_type", route.services)),
        ("outcomes", named("outcome_type", route.outcomes)),
        ("purposes", named("purpose", route.purposes)),
        ("bases", named("lawful_basis", route.lawful_bases)),
        ("triage scheme", route.triage_scheme or "none"),
        ("reviewed every", f"{route.review_days} days" if route.review_days else "not"),
        ("gateways see", route.public_name),
        *(
            (
                "asks for" + (" (required)" if asked.required else ""),
                f"{named('data_category', [asked.category])}: {asked.why}",
            )
            for asked in route.asks
        ),
    ]
    table(("what", "how"), facts)


@app.command()
def play(
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="ID...", help="Pathways or stories, such as V05.")
    ] = None,
    whole: Annotated[bool, typer.Option("--all", help="Every scenario that there is.")] = False,
    every: Annotated[
        bool, typer.Option("--every-pathway", help="Fail also when a pathway has no scenario.")
    ] = False,
    pathway_file: Annotated[
        list[Path] | None, typer.Option("--pathway", help="A pathway file of one's own.")
    ] = None,
    scenario: Annotated[
        list[Path] | None, typer.Option("--scenario", help="A scenario file of one's own.")
    ] = None,
    shards: Annotated[int, typer.Option(min=1, max=8, help="Federations that play at once.")] = 2,
    directory: Annotated[
        Path | None, typer.Option(help="Where databases and logs stay; removed otherwise.")
    ] = None,
) -> None:
    """Play pathways from start to outcome, between real services on this machine; 1 if one does not hold."""
    # It starts gateways, whose libraries a node's machine has no need of.
    player = importlib.import_module("relevo.cli.pathway_play")
    held = player.play(
        ids or [],
        whole=whole,
        every=every,
        pathways=pathway_file or [],
        scenarios=scenario or [],
        shards=shards,
        directory=directory,
    )
    if not held:
        raise typer.Exit(1)
