"""`relevo demo`: a federation on this machine, and one referral from end to end."""

import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer

from relevo.sandbox.follow_up import FollowUpStory
from relevo.sandbox.guide import Entry, guide, write_examples
from relevo.sandbox.narrator import Narrator, StoryFailedError
from relevo.sandbox.network import Network
from relevo.sandbox.outages import Outages
from relevo.sandbox.processes import NotReadyError
from relevo.sandbox.refusals import Refusals
from relevo.sandbox.story import Story
from relevo.sandbox.systems import UnexpectedAnswerError
from relevo.sandbox.withdrawal import WithdrawalStory

from .failures import CommandError
from .output import MARKUP, say

MARK: Final = ".relevo-demo"
"""Stands in a folder that a demo made and a demo may replace."""

app = typer.Typer(rich_markup_mode=MARKUP)


@app.command()
def demo(
    once: Annotated[
        bool, typer.Option("--once", help="End after the story, with status 0 if every step held.")
    ] = False,
    directory: Annotated[
        Path | None,
        typer.Option(
            help="Folder for databases, keys and logs, replaced if it is a former demo's; "
            "demo-data unless --once."
        ),
    ] = None,
    quiet: Annotated[bool, typer.Option(help="Start the federation without the story.")] = False,
) -> None:
    """Start two gateways and five nodes, each a process of its own, and play a referral.

    Needs no privileges, no container and no database server. Every person in it is invented.
    """
    began = time.monotonic()
    with _folder(directory, once=once) as root:
        try:
            with Network(root) as network:
                say("Starting a federation on this machine: a process per node and per gateway ...")
                network.set_up()
                network.start()
                _introduce(network, time.monotonic() - began)
                if not quiet:
                    _play(network)
                    say(f"\nEvery step held ({time.monotonic() - began:.0f} seconds).")
                if not once:
                    write_examples(network)
                    _show(guide(network))
                    _stay()
        except (StoryFailedError, NotReadyError, UnexpectedAnswerError) as error:
            raise CommandError(f"{error}\nLogs are in {_kept(root)}.") from None


def _play(network: Network) -> None:
    narrator = Narrator(say)
    for chapter in (Story, Refusals, WithdrawalStory, Outages, FollowUpStory):
        chapter(network, narrator).play()


def _show(entries: list[Entry]) -> None:
    say("\nIt stays up; Ctrl-C ends every process. Copy, paste, change:")
    for entry in entries:
        say(f"\n# {entry.user}")
        for command in entry.commands:
            say(command)


def _introduce(network: Network, seconds: float) -> None:
    say(f"It runs ({seconds:.0f} seconds):")
    for place in network.places:
        process = network.processes.process_id(place.name)
        say(f"   {place.name:<22} {place.base_url}  process {process}, log {place.log}")


@contextmanager
def _folder(chosen: Path | None, *, once: bool) -> Iterator[Path]:
    if chosen is None and once:
        with tempfile.TemporaryDirectory(prefix="relevo-demo-", ignore_cleanup_errors=True) as made:
            yield Path(made)
        return
    root = chosen or Path("demo-data")
    if (root / MARK).exists():
        shutil.rmtree(root)
    if root.exists() and any(root.iterdir()):
        raise CommandError(f"{root} is neither empty nor a former demo's.")
    root.mkdir(parents=True, exist_ok=True)
    (root / MARK).touch()
    yield root


def _kept(root: Path) -> Path:
    # Out of the folder that is about to be removed.
    logs = Path(tempfile.mkdtemp(prefix="relevo-demo-logs-"))
    for log in root.glob("*/service.log"):
        shutil.copyfile(log, logs / f"{log.parent.name}.log")
    return logs


def _stay() -> None:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    while not stop.wait(1):
        pass
    say("\nEnding every process ...")
