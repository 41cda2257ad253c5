"""One thread that writes to SQLite, and one durable COMMIT for all the writes that wait.

Each write runs in its own SAVEPOINT, so a failing one undoes itself alone. Results are given out
after the COMMIT only.
"""

import asyncio
import queue
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from relevo.contracts.problem import ProblemError

T = TypeVar("T")
Call = Callable[[Connection], Any]

# A group ends when nothing waits any more, and here at the latest, so that the first of a busy
# group is not kept from its answer.
_MOST_WRITES = 200
_LONGEST_SECONDS = 0.02


class _Write:
    """A waiting write, and where its result goes: a future of some event loop, or a plain one."""

    __slots__ = ("call", "error", "future", "loop", "result")

    def __init__(
        self,
        call: Call,
        future: "asyncio.Future[Any] | Future[Any]",
        loop: asyncio.AbstractEventLoop | None,
    ) -> None:
        self.call = call
        self.future = future
        self.loop = loop
        self.result: Any = None
        self.error: BaseException | None = None

    def settle(self) -> None:
        if self.future.cancelled():
            return
        if self.error is None:
            self.future.set_result(self.result)
        elif isinstance(self.error, StopIteration):  # which no future can carry
            self.future.set_exception(RuntimeError(repr(self.error)))
        else:
            self.future.set_exception(self.error)


class GroupCommit:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._waiting: queue.SimpleQueue[_Write | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False
        # Set by the thread when it met the end of the queue, which `close` puts there.
        self._drained = False

    async def run(self, call: Callable[[Connection], T]) -> T:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._put(_Write(call, future, loop))
        return await future

    def run_now(self, call: Callable[[Connection], T]) -> T:
        if threading.current_thread() is self._thread:
            raise RuntimeError("a write inside a write would wait for itself")
        future: Future[T] = Future()
        self._put(_Write(call, future, None))
        return future.result()

    def close(self) -> None:
        with self._lock:
            if not self._closed:
                self._closed = True
                self._waiting.put(None)
        if self._thread is not None:
            self._thread.join()

    def _put(self, write: _Write) -> None:
        with self._lock:
            if self._closed:
                raise RuntimeError("the database is closed")
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._work, name="database-writer", daemon=True
                )
                self._thread.start()
            self._waiting.put(write)

    def _work(self) -> None:
        connection: Connection | None = None
        while not self._drained and (first := self._waiting.get()) is not None:
            group = [first]
            try:
                connection = connection or self._engine.connect()
                transaction = connection.begin()
            except SQLAlchemyError as error:
                # No file, or another process holds the lock for longer than the busy timeout:
                # whoever waits now would only wait as long again.
                while (write := self._next()) is not None:
                    group.append(write)
                for write in group:
                    write.error = ProblemError("unavailable")
                    write.error.__cause__ = error
            else:
                try:
                    self._run_group(connection, group)
                    transaction.commit()
                except BaseException:  # noqa: BLE001 - each caller gets its own error below
                    # Nobody can say what this connection is in the middle of.
                    connection.invalidate()
                    connection.close()
                    connection = None
                    _run_one_by_one(self._engine, group)
            _give_out(group)
        if connection is not None:
            connection.close()

    def _next(self) -> _Write | None:
        try:
            write = self._waiting.get_nowait()
        except queue.Empty:
            return None
        self._drained = write is None
        return write

    def _run_group(self, connection: Connection, group: list[_Write]) -> None:
        """Runs the group's first write and those that wait behind it, adding them to the group."""
        # Three statements a write that need nothing of SQLAlchemy.
        driver: Any = connection.connection.dbapi_connection
        until = time.monotonic() + _LONGEST_SECONDS
        write: _Write | None = group[0]
        while write is not None:
            # Whoever was cancelled before the start wants nothing stored.
            if not write.future.cancelled():
                driver.execute("SAVEPOINT one_write")
                try:
                    write.result = write.call(connection)
                except BaseException as error:  # noqa: BLE001 - goes to its caller
                    write.error = error
                    driver.execute("ROLLBACK TO one_write")
                driver.execute("RELEASE one_write")
            if len(group) >= _MOST_WRITES or time.monotonic() > until:
                break
            write = self._next()
            if write is not None:
                group.append(write)


def _run_one_by_one(engine: Engine, group: list[_Write]) -> None:
    """After a COMMIT that failed: finds out whose fault it was."""
    for write in group:
        write.result = write.error = None
        if write.future.cancelled():
            continue
        try:
            with engine.begin() as connection:
                write.result = write.call(connection)
        except BaseException as error:  # noqa: BLE001 - goes to its caller
            write.error = error


def _give_out(group: list[_Write]) -> None:
    by_loop = defaultdict[asyncio.AbstractEventLoop | None, list[_Write]](list)
    for write in group:
        by_loop[write.loop].append(write)
    for loop, writes in by_loop.items():
        if loop is None:
            _settle(writes)
            continue
        # One wake-up of the loop for all; a loop that was closed meanwhile waits for nothing.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(_settle, writes)


def _settle(writes: list[_Write]) -> None:
    for write in writes:
        write.settle()
