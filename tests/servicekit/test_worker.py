import asyncio
import threading
from collections.abc import Iterator

import pytest

from relevo.servicekit import worker as module
from relevo.servicekit.worker import Worker

WORK = True


class Steps:
    """A step that does the next thing it was given, and then finds no work."""

    def __init__(self, *results: bool | Exception) -> None:
        self.results: Iterator[bool | Exception] = iter(results)
        self.count = 0
        self.idle = asyncio.Event()

    async def __call__(self) -> bool:
        self.count += 1
        result = next(self.results, False)
        if isinstance(result, Exception):
            raise result
        if not result:
            self.idle.set()
        return result


async def idle(steps: Steps) -> None:
    async with asyncio.timeout(5):
        await steps.idle.wait()
    steps.idle.clear()


async def finish(worker: Worker, task: asyncio.Task[None]) -> None:
    worker.stop()
    async with asyncio.timeout(5):
        await task


@pytest.mark.asyncio
async def test_a_worker_goes_on_at_once_while_there_is_work() -> None:
    steps = Steps(WORK, WORK, WORK)
    worker = Worker("test", steps, idle_seconds=60)
    task = asyncio.create_task(worker.run())
    await idle(steps)
    assert steps.count == 4
    assert worker.running
    await finish(worker, task)
    assert not worker.running


@pytest.mark.asyncio
async def test_an_idle_worker_looks_again_by_itself() -> None:
    steps = Steps()
    worker = Worker("test", steps, idle_seconds=0.01)
    task = asyncio.create_task(worker.run())
    await idle(steps)
    await idle(steps)
    await finish(worker, task)
    assert steps.count >= 2


@pytest.mark.asyncio
async def test_an_idle_worker_is_woken_from_any_thread() -> None:
    steps = Steps()
    worker = Worker("test", steps, idle_seconds=60)
    worker.wake()
    task = asyncio.create_task(worker.run())
    await idle(steps)
    worker.wake()
    await idle(steps)
    await asyncio.to_thread(worker.wake)
    await idle(steps)
    await finish(worker, task)
    assert steps.count == 3


@pytest.mark.asyncio
async def test_a_wake_during_a_step_is_not_missed() -> None:
    inside, go_on, again = (asyncio.Event() for _ in range(3))

    async def step() -> bool:
        if inside.is_set():
            again.set()
        inside.set()
        await go_on.wait()
        return False

    worker = Worker("test", step, idle_seconds=60)
    task = asyncio.create_task(worker.run())
    await inside.wait()
    worker.wake()
    go_on.set()
    async with asyncio.timeout(5):
        await again.wait()
    await finish(worker, task)


@pytest.mark.asyncio
async def test_a_failing_step_does_not_end_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[int] = []

    def no_delay(attempt: int, **_rest: float) -> float:
        waited.append(attempt)
        return 0.0

    monkeypatch.setattr(module, "delay_seconds", no_delay)
    steps = Steps(LookupError("first"), LookupError("second"), WORK)
    worker = Worker("test", steps, idle_seconds=60)
    task = asyncio.create_task(worker.run())
    await idle(steps)
    assert waited == [1, 2]
    assert worker.failures == 0
    await finish(worker, task)


@pytest.mark.asyncio
async def test_a_stopped_worker_ends_after_its_step() -> None:
    inside, go_on = asyncio.Event(), asyncio.Event()
    ended = threading.Event()

    async def step() -> bool:
        inside.set()
        await go_on.wait()
        ended.set()
        return True

    worker = Worker("test", step)
    task = asyncio.create_task(worker.run())
    await inside.wait()
    worker.stop()
    go_on.set()
    async with asyncio.timeout(5):
        await task
    assert ended.is_set()


@pytest.mark.asyncio
async def test_a_worker_stopped_before_it_runs_does_nothing() -> None:
    steps = Steps(WORK)
    worker = Worker("test", steps)
    worker.stop()
    await worker.run()
    assert steps.count == 0
