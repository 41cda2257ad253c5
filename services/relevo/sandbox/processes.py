"""Operating-system processes of a sandbox: started, watched, stopped and killed by name.

Each gets one end of a pipe as its standard input and ends when the other end closes, so none
outlives whoever started it, whatever ended that.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from .forking import ForkedProcess

_STOP_SECONDS: Final = 20
_POLL_SECONDS: Final = 0.05


class NotReadyError(RuntimeError):
    """A process did not begin to do its job. Says where its log is, and the end of it."""


@dataclass
class Service:
    """One process as it is to be started."""

    name: str
    command: tuple[str, ...]
    address: str
    log: Path


class _SpawnedProcess:
    """A command in an interpreter of its own, as an institution starts it."""

    def __init__(self, command: tuple[str, ...], log: Path, environment: dict[str, str]) -> None:
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "relevo.cli.main", *command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )
        self.pid = self._process.pid

    def poll(self) -> int | None:
        return self._process.poll()

    def wait(self, seconds: float | None = None) -> int | None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        return self.poll()

    def close(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()


class Processes:
    """The processes of one sandbox.

    Args:
        services: What can be started.
        forked: Start each as a copy of a process that has loaded the code: in a fifth of the time,
            and they share the memory that it takes. Otherwise as an institution starts it.
    """

    def __init__(self, services: Iterable[Service], *, forked: bool = False) -> None:
        self.services = {service.name: service for service in services}
        self._kind = ForkedProcess if forked and hasattr(os, "fork") else _SpawnedProcess
        self._running: dict[str, ForkedProcess | _SpawnedProcess] = {}

    def start(self, *names: str) -> None:
        """Starts these, or all, at once; does not wait."""
        for name in names or self.services:
            if name not in self._running:
                self._running[name] = self._launch(self.services[name])

    def wait_ready(self, *names: str, seconds: float = 60) -> None:
        """Waits until these, or all, say that they can do their job.

        Raises:
            NotReadyError: One ended, or took too long.
        """
        deadline = time.monotonic() + seconds
        with httpx.Client(trust_env=False, timeout=5) as http:
            for name in names or self.services:
                while not _is_ready(http, self.services[name]):
                    self._check_alive(name, deadline)
                    time.sleep(_POLL_SECONDS)

    def is_running(self, name: str) -> bool:
        process = self._running.get(name)
        return process is not None and process.poll() is None

    def stop(self, *names: str) -> None:
        """Lets these, or all, finish what they do and end."""
        self._end(names, signal.SIGTERM)

    def kill(self, *names: str) -> None:
        """Ends these, or all, in the middle of whatever they do."""
        self._end(names, signal.SIGKILL)

    def process_id(self, name: str) -> int:
        return self._running[name].pid

    def _end(self, names: tuple[str, ...], number: signal.Signals) -> None:
        ending = [
            process for name in names or list(self._running) if (process := self._forget(name))
        ]
        for process in ending:
            if process.poll() is None:
                _signal(process.pid, number)
        deadline = time.monotonic() + _STOP_SECONDS
        for process in ending:
            if process.wait(max(0.1, deadline - time.monotonic())) is None:
                _signal(process.pid, signal.SIGKILL)
                process.wait()
            process.close()

    def _forget(self, name: str) -> ForkedProcess | _SpawnedProcess | None:
        return self._running.pop(name, None)

    def _launch(self, service: Service) -> ForkedProcess | _SpawnedProcess:
        service.log.parent.mkdir(parents=True, exist_ok=True)
        # Settings of whoever runs the sandbox are not for these processes.
        environment = {k: v for k, v in os.environ.items() if not k.startswith("RELEVO_")}
        return self._kind(service.command, service.log, environment)

    def _check_alive(self, name: str, deadline: float) -> None:
        process = self._running.get(name)
        ended = process is None or process.poll() is not None
        if not ended and time.monotonic() < deadline:
            return
        log = self.services[name].log
        said = log.read_text("utf-8", "replace")[-2000:] if log.exists() else ""
        what = "ended" if ended else "is not ready"
        raise NotReadyError(f"{name} {what}. The end of {log}:\n{said}")


def _is_ready(http: httpx.Client, service: Service) -> bool:
    try:
        return http.get(f"{service.address}/readyz").status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def _signal(process_id: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        try:
            # The whole group: it leads a session of its own, though not in its first moment.
            os.killpg(process_id, number)
        except ProcessLookupError:
            os.kill(process_id, number)
