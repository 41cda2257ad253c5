"""Work that gathers while a batch runs."""

import asyncio

import pytest

from relevo.servicekit.gather import Gather

pytestmark = pytest.mark.asyncio


async def test_what_arrives_while_a_batch_runs_is_the_next_batch() -> None:
    batches: list[list[int]] = []

    async def double(items: list[int]) -> list[int]:
        batches.append(items)
        await asyncio.sleep(0.01)
        return [2 * item for item in items]

    gather = Gather(double, most=4)
    first = asyncio.create_task(gather.add(0))
    await asyncio.sleep(0.005)
    rest = [asyncio.create_task(gather.add(item)) for item in range(1, 7)]

    assert await asyncio.gather(first, *rest) == [0, 2, 4, 6, 8, 10, 12]
    assert batches == [[0], [1, 2, 3, 4], [5, 6]]


async def test_an_item_that_fails_fails_alone() -> None:
    async def invert(items: list[int]) -> list[float]:
        await asyncio.sleep(0)
        return [1 / item for item in items]

    gather = Gather(invert)
    answers = await asyncio.gather(*map(gather.add, (1, 0, 2)), return_exceptions=True)

    assert answers[0] == 1
    assert isinstance(answers[1], ZeroDivisionError)
    assert answers[2] == 0.5
    assert await gather.add(4) == 0.25


async def test_an_item_is_done_even_when_nobody_waits_any_more() -> None:
    done: list[str] = []

    async def note(items: list[str]) -> list[None]:
        await asyncio.sleep(0.01)
        done.extend(items)
        return [None for _ in items]

    gather = Gather(note)
    gone = asyncio.create_task(gather.add("gone"))
    stays = asyncio.create_task(gather.add("stays"))
    await asyncio.sleep(0.005)
    gone.cancel()

    await stays
    assert done == ["gone", "stays"]
    with pytest.raises(asyncio.CancelledError):
        await gone
