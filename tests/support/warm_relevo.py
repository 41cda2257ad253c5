"""The command `relevo` without its start-up time, for tests that type many commands.

A process that has loaded every module forks for each command: own process, own exit status, same
code. What serves is started for real.
"""

import importlib
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LONGEST = 1_000_000
_GROUPS = ("node", "gateway", "referral", "consent", "returnees", "events", "token", "field")
_ASK = """#!{python} -IS
import array, json, os, socket, sys
if "serve" in sys.argv:
    os.execv({python!r}, [{python!r}, "-m", "relevo.cli.main", *sys.argv[1:]])
here = socket.socket(socket.AF_UNIX)
here.connect({address!r})
said = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
socket.send_fds(here, [len(said).to_bytes(4, "big")], [0, 1, 2])
here.sendall(said)
sys.exit((here.recv(1) or b"\\x63")[0])
"""


@contextmanager
def warm_relevo() -> Iterator[Path]:
    """A folder for PATH that holds `relevo`."""
    # Not pytest's folder: the name of a Unix socket is short.
    with tempfile.TemporaryDirectory(prefix="relevo-warm-") as name:
        folder = Path(name)
        address = folder / "socket"
        command = folder / "relevo"
        command.write_text(_ASK.format(python=sys.executable, address=str(address)), "utf-8")
        command.chmod(0o755)
        server = subprocess.Popen(
            [sys.executable, "-m", __name__, str(address)],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            while not address.exists():
                assert server.poll() is None, shlex.join(map(str, server.args))
                time.sleep(0.05)
            yield folder
        finally:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()


def _serve(address: Path) -> None:
    for group in _GROUPS:
        importlib.import_module(f"relevo.cli.{group}")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    beside = address.with_name("socket.new")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(beside))
        listening.listen()
        beside.rename(address)
        while True:
            asked, _ = listening.accept()
            if os.fork() == 0:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                os._exit(_answer(asked))
            asked.close()


def _answer(asked: socket.socket) -> int:
    head, descriptors, _, _ = socket.recv_fds(asked, 4, 3)
    text = b""
    while len(text) < min(int.from_bytes(head, "big"), _LONGEST):
        text += asked.recv(_LONGEST)
    words, folder, environment = json.loads(text)
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    status = _run(words)
    asked.sendall(bytes([status & 0xFF]))
    return status


def _run(words: list[str]) -> int:
    relevo = importlib.import_module("relevo.cli.main").app
    status: object = 1
    try:
        relevo(words, prog_name="relevo")
    except SystemExit as end:
        status = end.code
    except BaseException:  # noqa: BLE001 - as the interpreter does at its top
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return status if isinstance(status, int) else 0 if status is None else 1


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
