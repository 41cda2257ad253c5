"""A lease that lasts as long as what is done under it, and hardly longer than whoever does it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from relevo.contracts.problem import ProblemError

from .database import Database

LEASE_SECONDS: Final = 15.0


@asynccontextmanager
async def kept(
    database: Database,
    extend: Callable[[Connection, str, datetime], object],
    lease_id: str,
    now: Callable[[], datetime],
    *,
    seconds: float = LEASE_SECONDS,
) -> AsyncIterator[None]:
    """Puts the end of a lease off again and again until the block ends.

    Args:
        database: Where the queue is.
        extend: Puts the end of a lease off, by its id and the new end.
        lease_id: As the rows were claimed by.
        now: The clock that they were claimed by.
        seconds: How long the lease outlives a process that is killed.
    """

    async def keep() -> None:
        while True:
            await asyncio.sleep(seconds / 3)
            # The next time may do better, and before the end there are two.
            with suppress(ProblemError):
                await database.write(extend, lease_id, now() + timedelta(seconds=seconds))

    keeping = asyncio.create_task(keep())
    try:
        yield
    finally:
        keeping.cancel()
        await asyncio.wait([keeping])
