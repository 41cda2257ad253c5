"""Commands of `relevo` as copies of one process that has loaded their code already.

To load it takes each process a second, and a sandbox starts fourteen.
"""

import importlib
import multiprocessing
import os
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

_COMMANDS: Final = "relevo.cli.main"
_LOADED: Final = [
    _COMMANDS,
    "relevo.cli.gateway",
    "relevo.cli.node",
    # What these load when they begin to serve.
    "psycopg",
    "uvicorn.lifespan.on",
]


class ForkedProcess:
    """One command, running. Its standard input is a pipe that this process holds."""

    def __init__(self, command: tuple[str, ...], log: Path, environment: dict[str, str]) -> None:
        context: Any = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(_LOADED)
        theirs, self._ours = context.Pipe(duplex=False)
        self._process = context.Process(
            target=_run, args=(command, log, environment, theirs), daemon=True
        )
        self._process.start()
        theirs.close()
        self.pid: int = self._process.pid

    def poll(self) -> int | None:
        """How it ended; nothing while it runs."""
        code: int | None = self._process.exitcode
        return code

    def wait(self, seconds: float | None = None) -> int | None:
        """How it ended within so many seconds, if it did."""
        self._process.join(seconds)
        return self.poll()

    def close(self) -> None:
        """Lets go of its input."""
        self._ours.close()


def _run(
    command: tuple[str, ...], log: Path, environment: dict[str, str], stdin: Connection
) -> None:
    os.setsid()
    os.dup2(stdin.fileno(), 0)
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os.environ.clear()
    os.environ.update(environment)
    importlib.import_module(_COMMANDS).app(command)
