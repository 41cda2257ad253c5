"""A shell in which tests type what documents tell people to type."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.warm_relevo import warm_relevo

Typed = Callable[[str, Path], str]
_SECONDS = 150
_DEMO = re.compile(r"^\. \S*demo\.env$", re.MULTILINE)


@pytest.fixture(scope="session")
def typed() -> Iterator[Typed]:
    """What a shell says to commands typed one after the other in a folder; every one must succeed."""
    with warm_relevo() as quick:

        def type_in(commands: str, folder: Path) -> str:
            # The demo's file puts its own commands first.
            return _typed(_DEMO.sub(r"\g<0>; PATH=$QUICK:$PATH", commands), folder, quick)

        yield type_in


def _typed(commands: str, folder: Path, quick: Path) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("RELEVO_")
    }
    environment["QUICK"] = str(quick)
    environment["PATH"] = os.pathsep.join(
        (str(quick), str(Path(sys.executable).parent), environment["PATH"])
    )
    transcript = quick / "transcript"
    with transcript.open("wb") as out:
        shell = subprocess.Popen(
            ["/bin/bash", "-euo", "pipefail", "-c", commands],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=environment,
            start_new_session=True,
        )
        try:
            shell.wait(_SECONDS)
        finally:
            _end_group(shell)
    said = transcript.read_text("utf-8", errors="replace")
    assert shell.returncode == 0, said
    return said


def _end_group(shell: subprocess.Popen[bytes]) -> None:
    """Ends the shell and every service that it started."""
    for number, seconds in ((signal.SIGTERM, 10), (signal.SIGKILL, 5)):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                os.killpg(shell.pid, number)
            except ProcessLookupError:
                break
            shell.poll()
            time.sleep(0.1)
    shell.wait(5)
