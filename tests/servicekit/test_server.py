import asyncio
import os
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI

from relevo.sandbox.ports import free_port
from relevo.servicekit.application import new_application
from relevo.servicekit.server import serve
from relevo.servicekit.worker import Worker


@pytest.mark.asyncio
async def test_workers_run_between_the_applications_start_and_its_end() -> None:
    happened: list[str] = []

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        happened.append("opened")
        yield
        happened.append("closed")

    async def step() -> bool:
        if "worked" not in happened:
            happened.append("worked")
        return False

    app = new_application(title="N", version="1", summary="T.", checks={}, lifespan=lifespan)
    port, stop = free_port(), asyncio.Event()
    worker = Worker("trial", step)
    serving = asyncio.create_task(
        serve(app, host="127.0.0.1", port=port, workers=[worker], stop=stop)
    )
    async with httpx.AsyncClient() as client:
        for _ in range(200):
            try:
                response = await client.get(f"http://127.0.0.1:{port}/livez")
                break
            except httpx.ConnectError:
                await asyncio.sleep(0.02)
    assert response.status_code == 200
    assert "server" not in response.headers
    stop.set()
    await asyncio.wait_for(serving, 10)
    assert happened == ["opened", "worked", "closed"]
    assert not worker.running


@pytest.mark.asyncio
async def test_a_port_that_is_taken_ends_the_process_without_starting_workers() -> None:
    steps = 0

    async def step() -> bool:
        nonlocal steps
        steps += 1
        return False

    app = new_application(title="N", version="1", summary="T.", checks={})
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit):
            await serve(app, host="127.0.0.1", port=port, workers=[Worker("w", step)])
    assert steps == 0


def test_sigterm_lets_the_work_in_hand_finish() -> None:
    program = textwrap.dedent(
        """
        import asyncio, sys
        from types import SimpleNamespace
        from relevo.servicekit.application import new_application
        from relevo.servicekit.server import run
        from relevo.servicekit.worker import Worker

        async def step():
            print("begun", flush=True)
            await asyncio.sleep(0.5)
            print("finished", flush=True)
            return False

        app = new_application(title="N", version="1", summary="T.", checks={})
        worker = lambda: Worker("w", step, idle_seconds=60)
        run(app, SimpleNamespace(host="127.0.0.1", port=int(sys.argv[1])), [worker()])
        print("ended", flush=True)
        """
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(free_port())],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ,
    )
    with process:
        assert process.stdout is not None
        for line in process.stdout:
            if line == "begun\n":
                break
        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=20)
    assert "finished" in rest
    assert rest.endswith("ended\n")
    assert process.returncode == 0
