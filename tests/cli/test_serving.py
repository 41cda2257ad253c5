"""A service that only answers and a service that only works, as two processes."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx

from relevo.sandbox.ports import free_port
from relevo.sandbox.processes import Processes, Service


def run(*arguments: str) -> None:
    command = [sys.executable, "-m", "relevo.cli.main", *arguments]
    subprocess.run(command, check=True, capture_output=True)


def a_node(folder: Path) -> tuple[Path, str]:
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    config = folder / "node.toml"
    config.write_text(
        'institution = "gt.igm"\n'
        f'base_url = "{address}"\n'
        f"port = {port}\n"
        f'database_url = "sqlite:///{folder / "node.db"}"\n'
        f'data_key_database_url = "sqlite:///{folder / "keys.db"}"\n'
        f'key_directory = "{folder / "keys"}"\n'
    )
    run(
        "node", "init", "--config", str(config), "--out", str(folder / "registration.jws"),
        "--name", "IGM", "--type", "migration_institute",
    )  # fmt: skip
    return config, address


def wait_for_line(log: Path, words: str) -> str:
    deadline = time.monotonic() + 30
    while words not in (text := log.read_text() if log.exists() else ""):
        assert time.monotonic() < deadline, text
        time.sleep(0.05)
    return text


def test_answering_and_working_can_be_two_processes(tmp_path: Path) -> None:
    config, address = a_node(tmp_path)
    answering = Service(
        name="answering",
        command=("node", "serve", "--no-work", "--config", str(config), "--stop-with-parent"),
        address=address,
        log=tmp_path / "answering.log",
    )
    working = Service(
        name="working",
        command=("node", "work", "--config", str(config), "--stop-with-parent"),
        address="",
        log=tmp_path / "working.log",
    )
    processes = Processes([answering, working])
    try:
        processes.start()
        processes.wait_ready("answering")
        assert '"count":0,"event":"serving"' in wait_for_line(answering.log, "serving")
        wait_for_line(working.log, '"event":"working"')
        metadata = httpx.get(
            f"{address}/.well-known/oauth-authorization-server", trust_env=False
        ).json()
        assert metadata["issuer"] == address
        processes.stop()
        assert '"event":"stopped"' in working.log.read_text()
    finally:
        processes.kill()


def test_an_issuer_can_do_its_upkeep_alone(tmp_path: Path) -> None:
    config = tmp_path / "auth.toml"
    config.write_text(
        'base_url = "https://issuer.example"\n'
        f'database_url = "sqlite:///{tmp_path / "auth.db"}"\n'
        f'key_directory = "{tmp_path / "keys"}"\n'
    )
    run("auth", "migrate", "--config", str(config))
    log = tmp_path / "auth.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "relevo.cli.main", "auth", "work", "--config", str(config)],
            stdout=output,
            stderr=output,
        )
    wait_for_line(log, '"event":"working"')
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    assert '"event":"stopped"' in log.read_text()
