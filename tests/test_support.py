"""What the tests stand on."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.support import database


@pytest.mark.parametrize("named", ["nobody", "another program"])
def test_a_database_server_left_by_a_machine_that_stopped_is_swept_away(
    tmp_path: Path, named: str
) -> None:
    pid = os.getpid() if named == "another program" else _ended_process()
    left = tmp_path / f"relevo-postgresql-{_ended_process()}"
    left.mkdir()
    (left / "postmaster.pid").write_text(f"{pid}\n{left}\n")

    database.sweep(tmp_path)

    assert not left.exists()
    assert psutil.pid_exists(os.getpid())


def _ended_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid
