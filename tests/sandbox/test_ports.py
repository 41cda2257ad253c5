"""Services that start beside each other never meet at one port."""

import subprocess
import sys

from relevo.sandbox.ports import free_port

DRAWS = """
from relevo.sandbox.ports import free_port
print(*(free_port() for _ in range(1000)), flush=True)
input()
"""


def test_processes_that_run_beside_each_other_draw_different_ports() -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", DRAWS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    drawn = [free_port() for _ in range(100)]
    for process in processes:
        assert process.stdout is not None
        drawn += map(int, process.stdout.readline().split())
    for process in processes:
        process.communicate("\n", timeout=10)
    assert len(drawn) == len(set(drawn)) == 3100
