import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from relevo.sandbox.places import sqlite_in
from relevo.sandbox.ports import free_port
from relevo.sandbox.processes import NotReadyError, Processes, Service

PARENT = """
import pathlib, sys, time
from relevo.sandbox.processes import Processes, Service
name, command, address, log, forked = sys.argv[1:]
processes = Processes([Service(name, tuple(command.split("|")), address, pathlib.Path(log))], forked=forked == "True")
processes.start()
processes.wait_ready()
print(processes.process_id(name), flush=True)
time.sleep(60)
"""


EACH_WAY = pytest.mark.parametrize("forked", [False, True], ids=["spawned", "forked"])


def an_issuer(folder: Path) -> Service:
    port = free_port()
    config = folder / "auth.toml"
    config.write_text(
        f'database_url = "{sqlite_in(folder)("auth")}"\n'
        f'base_url = "http://127.0.0.1:{port}"\n'
        f"port = {port}\n"
        f'key_directory = "{folder / "keys"}"\n'
    )
    subprocess.run(
        [sys.executable, "-m", "relevo.cli.main", "auth", "migrate", "--config", str(config)],
        check=True,
        capture_output=True,
    )
    return Service(
        name="auth",
        command=("auth", "serve", "--config", str(config), "--stop-with-parent"),
        address=f"http://127.0.0.1:{port}",
        log=folder / "auth.log",
    )


@EACH_WAY
def test_a_process_is_started_stopped_killed_and_started_again(
    tmp_path: Path, *, forked: bool
) -> None:
    processes = Processes([an_issuer(tmp_path)], forked=forked)
    try:
        processes.start()
        processes.wait_ready()
        assert processes.is_running("auth")
        processes.stop("auth")
        assert not processes.is_running("auth")
        assert '"event":"stopped"' in (tmp_path / "auth.log").read_text()
        processes.start("auth")
        processes.wait_ready("auth")
        processes.kill("auth")
        assert not processes.is_running("auth")
    finally:
        processes.kill()


@EACH_WAY
def test_no_process_outlives_whoever_started_it(tmp_path: Path, *, forked: bool) -> None:
    service = an_issuer(tmp_path)
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            PARENT,
            service.name,
            "|".join(service.command),
            service.address,
            str(service.log),
            str(forked),
        ],
        stdout=subprocess.PIPE,
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 10
    while psutil.pid_exists(child) and psutil.Process(child).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline, "the process is still there"
        time.sleep(0.05)


@EACH_WAY
def test_a_process_that_ends_says_why(tmp_path: Path, *, forked: bool) -> None:
    broken = Service("auth", ("auth", "serve"), "http://127.0.0.1:9", tmp_path / "auth.log")
    processes = Processes([broken], forked=forked)
    try:
        processes.start()
        with pytest.raises(NotReadyError, match="RELEVO_AUTH_DATABASE_URL: Field required"):
            processes.wait_ready()
    finally:
        processes.kill()
