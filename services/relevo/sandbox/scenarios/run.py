"""Plays many scenarios: a federation per shard, each in a process of its own, shared by its scenarios."""

import multiprocessing
import os
import queue
import sys
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from relevo.contracts.pathways import loader as pathway_files
from relevo.servicekit.logging import configure_logging

from .checks import Checks
from .expected import NotSoError
from .federation import Federation
from .load import Scenario, load
from .play import Stage

_LONGEST_SECONDS: Final = 900
_LOG_LEVEL: Final = "INFO"


@dataclass(frozen=True)
class Result:
    """What came of one scenario: a row of the table.

    Attributes:
        failure: Which line of the file does not hold, and what was answered instead.
    """

    id: str
    pathways: tuple[str, ...]
    story: str | None
    source: str
    steps: int
    outcome: str
    checks: int
    seconds: float
    failure: str | None = None


def play(scenario: Scenario, federation: Federation) -> Result:
    """Plays one scenario in a federation that others may have used before."""
    file = scenario.file
    began = time.monotonic()
    played = 0
    outcome = ""
    failure: str | None = None
    stage: Stage | None = None
    try:
        federation.bring_in(scenario.cast, scenario.institutions)
        stage = Stage(scenario, federation)
        checks = Checks(stage)
        for number, step in enumerate(file.steps):
            stage.play_step(number, step, checks.check)
            played += 1
        outcome = ", ".join(_outcomes(checks, scenario))
        for number, check in enumerate(file.checks):
            _at(checks.check, check, "checks", number)
    except NotSoError as error:
        failure = _said(scenario, error)
    except Exception as error:  # noqa: BLE001 - one scenario's trouble is not the others'
        where = scenario.line("steps", played)
        failure = f"{scenario.name}:{where}: {type(error).__name__}: {error}\n" + "".join(
            traceback.format_tb(error.__traceback__)[-3:]
        )
    finally:
        # Whatever it cut works again for the next one.
        for link in federation.links.values():
            link.bring_up()
    return Result(
        file.id,
        tuple(file.pathways),
        file.story,
        file.source,
        played,
        outcome,
        stage.checks_held if stage is not None else 0,
        time.monotonic() - began,
        failure,
    )


def play_all(
    texts: Mapping[str, str],
    root: Path,
    *,
    shards: int = 2,
    pathways: Mapping[str, str] | None = None,
) -> Iterator[Result]:
    """Plays scenario files, and gives each result as soon as it is there.

    Args:
        texts: Scenario files by name, checked before.
        root: An empty folder for what the services keep.
        shards: How many federations play at once.
        pathways: Further pathway files by name.
    """
    names = sorted(texts, key=lambda name: len(texts[name]), reverse=True)
    context = multiprocessing.get_context("spawn")
    waiting: Any = context.Queue()
    results: Any = context.Queue()
    processes = [
        context.Process(
            target=_shard,
            args=(
                str(root / f"shard-{number}"),
                dict(texts),
                dict(pathways or {}),
                waiting,
                results,
            ),
            daemon=True,
        )
        for number in range(min(shards, len(names)))
    ]
    for name in [*names, *[None] * len(processes)]:
        waiting.put(name)
    for process in processes:
        process.start()
    try:
        for _ in names:
            yield _next(results, processes)
        for process in processes:
            process.join(60)
    finally:
        for process in processes:
            process.terminate()
            process.join(10)


def _next(results: Any, processes: Sequence[Any]) -> Result:
    deadline = time.monotonic() + _LONGEST_SECONDS
    while time.monotonic() < deadline:
        try:
            found: Result = results.get(timeout=1)
        except queue.Empty:
            if not any(process.is_alive() for process in processes):
                raise RuntimeError("the players ended before all was played") from None
            continue
        return found
    raise RuntimeError(f"nothing came of a scenario within {_LONGEST_SECONDS} seconds")


def _shard(
    root: str, texts: dict[str, str], pathways: dict[str, str], waiting: Any, results: Any
) -> None:
    """One federation: plays what waits until there is no more."""
    folder = Path(root)
    folder.mkdir(parents=True)
    with (folder / "services.log").open("ab") as log:
        os.dup2(log.fileno(), sys.stderr.fileno())
    configure_logging("sandbox", _LOG_LEVEL)
    if pathways:
        pathway_files.add(pathways)
    with Federation(folder) as federation:
        while (name := waiting.get()) is not None:
            results.put(play(load({name: texts[name]})[0], federation))


def _outcomes(checks: Checks, scenario: Scenario) -> Iterator[str]:
    for number, outcome in enumerate(scenario.file.outcomes):
        yield _at(checks.outcome, outcome, "outcomes", number)


def _at(check: Any, what: Any, *where: str | int) -> Any:
    try:
        return check(what)
    except NotSoError as error:
        raise NotSoError(str(error), *where, *error.where) from error


def _said(scenario: Scenario, error: NotSoError) -> str:
    """File and line, the step in words, and what was answered."""
    table, number = error.where[0], error.where[1]
    line = scenario.line(*error.where)
    if table == "steps" and isinstance(number, int):
        step = scenario.file.steps[number]
        of = f" {step.of}" if step.of else ""
        at = f"{step.at} " if step.at else ""
        what = f"step {number + 1}, {at}{step.by or ''} {step.do}{of}"
    else:
        what = f"{table}[{number}]"
        if isinstance(number, int) and table == "checks":
            what = f"check {number + 1}, {scenario.file.checks[number].that}"
    return f"{scenario.name}:{line}: {what}: {error}"
