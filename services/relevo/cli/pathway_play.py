"""`relevo pathway play`: routes and stories played by real services on this machine."""

import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from relevo.contracts.pathways import loader
from relevo.sandbox.scenarios.load import (
    Scenario,
    ScenarioFilesError,
    built_in,
    load,
)
from relevo.sandbox.scenarios.run import Result, play_all

from .failures import CommandError
from .files import read_text
from .output import note, say

_COLUMNS = ("pathway or story", "source", "steps", "outcome", "checks", "seconds", "pass")
_WIDEST = 48


def play(
    ids: Sequence[str],
    *,
    whole: bool,
    every: bool,
    pathways: Sequence[Path],
    scenarios: Sequence[Path],
    shards: int,
    directory: Path | None,
) -> bool:
    """Plays what was chosen, prints the table, and says whether all of it held."""
    added = {str(path): read_text(path) for path in pathways}
    try:
        if added:
            loader.add(added)
        texts = _chosen(ids, whole=whole, own={str(path): read_text(path) for path in scenarios})
        loaded = load(texts)
    except (loader.PathwayFilesError, ScenarioFilesError) as error:
        raise CommandError(str(error)) from None
    began = time.monotonic()
    results: list[Result] = []
    with _folder(directory) as root:
        for result in play_all(texts, root, shards=shards, pathways=added):
            results.append(result)
            mark = "✓" if result.failure is None else "✗"
            note(f"{mark} {result.id} ({len(results)} of {len(texts)}, {result.seconds:.1f} s)")
        failed = [result for result in results if result.failure is not None]
        if failed and directory is None:
            note(f"The log of the services is in {_kept(root)}.")
    _show(sorted(results, key=lambda result: (result.pathways[0], result.story or "")))
    for result in failed:
        say(f"\n{result.id} does not hold:\n{result.failure}")
    unplayed = _unplayed(loaded) if whole else []
    if unplayed:
        say(f"\nNo scenario yet: {', '.join(unplayed)}")
    held = len(results) - len(failed)
    say(f"\n{held} of {len(results)} hold ({time.monotonic() - began:.0f} seconds).")
    return not failed and not (every and unplayed)


def _chosen(ids: Sequence[str], *, whole: bool, own: Mapping[str, str]) -> dict[str, str]:
    ours = built_in()
    if whole:
        return {**ours, **own}
    if not ids and not own:
        raise CommandError("Say which: ids of pathways or stories, --scenario FILE, or --all.")
    found: dict[str, str] = {}
    known = {name: load({name: text})[0].file for name, text in ours.items()} if ids else {}
    for wanted in ids:
        names = [
            name
            for name, file in known.items()
            if wanted in {file.id, file.story} or (wanted in file.pathways)
        ]
        if not names:
            raise CommandError(f"No scenario plays {wanted}.")
        found.update({name: ours[name] for name in names})
    return {**found, **own}


def _unplayed(scenarios: Sequence[Scenario]) -> list[str]:
    played = {route for scenario in scenarios for route in scenario.file.pathways}
    return sorted(set(loader.pathways()) - played)


def _show(results: Sequence[Result]) -> None:
    rows = [_COLUMNS, *map(_row, results)]
    widths = [min(_WIDEST, max(len(row[i]) for row in rows)) for i in range(len(_COLUMNS))]
    for row in rows:
        cells = (cell[:width].ljust(width) for cell, width in zip(row, widths, strict=True))
        say("  ".join(cells).rstrip())


def _row(result: Result) -> tuple[str, ...]:
    name = f"{result.story} {result.id}" if result.story else result.id
    return (
        name,
        result.source,
        str(result.steps),
        result.outcome,
        str(result.checks),
        f"{result.seconds:.1f}",
        "yes" if result.failure is None else "NO",
    )


@contextmanager
def _folder(chosen: Path | None) -> Iterator[Path]:
    if chosen is not None:
        if chosen.exists() and any(chosen.iterdir()):
            raise CommandError(f"{chosen} is not empty.")
        chosen.mkdir(parents=True, exist_ok=True)
        yield chosen
        return
    with tempfile.TemporaryDirectory(prefix="relevo-pathways-", ignore_cleanup_errors=True) as made:
        yield Path(made)


def _kept(root: Path) -> Path:
    # Out of the folder that is about to be removed.
    kept = Path(tempfile.mkdtemp(prefix="relevo-pathways-logs-"))
    for log in root.glob("*/services.log"):
        shutil.copyfile(log, kept / f"{log.parent.name}.log")
    return kept
