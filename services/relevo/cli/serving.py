"""Running a service in this process, the same way for nodes, gateways and issuers."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from relevo.assembly.beside import Beside
from relevo.assembly.running import stop_with_parent, work
from relevo.servicekit import server
from relevo.servicekit.logging import configure_logging
from relevo.servicekit.settings import ServiceSettings
from relevo.servicekit.worker import Worker

Config = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="Settings, a TOML file; the environment outranks it."),
]
NoWork = Annotated[
    bool, typer.Option("--no-work", help="Only answer requests; workers run elsewhere.")
]
WithParent = Annotated[
    bool, typer.Option("--stop-with-parent", hidden=True, help="End when standard input ends.")
]


def serve(
    name: str,
    settings: ServiceSettings,
    app: Beside,
    workers: Sequence[Worker],
    *,
    with_parent: bool,
) -> None:
    """Answers requests until SIGTERM or SIGINT."""
    _begin(name, settings, with_parent=with_parent)
    server.run(app, settings, list(workers))


def only_work(
    name: str,
    settings: ServiceSettings,
    app: Beside,
    workers: Sequence[Worker],
    *,
    with_parent: bool,
) -> None:
    """Runs the workers until SIGTERM or SIGINT."""
    _begin(name, settings, with_parent=with_parent)
    asyncio.run(work(app, workers))


def _begin(name: str, settings: ServiceSettings, *, with_parent: bool) -> None:
    configure_logging(name, settings.log_level)
    if with_parent:
        stop_with_parent()
