"""Two clocks. Business time (deadlines, validity of consent, expiry of messages) can be moved in
the sandbox; security time (OAuth, DPoP, TLS, directory validity) is always real.
"""

import os
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from typing_extensions import override


class Clock(Protocol):
    """Both give aware datetimes in UTC."""

    def business(self) -> datetime: ...

    def security(self) -> datetime: ...


class SystemClock(Clock):
    @override
    def business(self) -> datetime:
        return datetime.now(UTC)

    @override
    def security(self) -> datetime:
        return datetime.now(UTC)


class SandboxClock(Clock):
    """Business time is real time plus the seconds that a file shared by a sandbox's processes says.

    No file, or one that holds no number yet, moves nothing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int] | None = None
        self._offset = timedelta()

    @override
    def business(self) -> datetime:
        return self.security() + self.offset()

    @override
    def security(self) -> datetime:
        return datetime.now(UTC)

    def offset(self) -> timedelta:
        try:
            status = self._path.stat()
        except FileNotFoundError:
            self._seen, self._offset = None, timedelta()
            return self._offset
        # The inode changes with each replacement, the mtime with each write in place.
        seen = (status.st_ino, status.st_mtime_ns)
        if seen != self._seen:
            try:
                self._offset = timedelta(seconds=float(self._path.read_text("ascii")))
            except (ValueError, OverflowError):
                return self._offset
            self._seen = seen
        return self._offset

    def move(self, by: timedelta) -> None:
        """Moves business time for every process that reads the same file."""
        handle, temporary = tempfile.mkstemp(dir=self._path.parent, prefix=self._path.name)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(str((self.offset() + by).total_seconds()))
        Path(temporary).replace(self._path)


class FixedClock(Clock):
    """For tests: stands still until it is moved, and both clocks agree."""

    def __init__(self, now: datetime | None = None) -> None:
        self.now = now or datetime.now(UTC)

    def advance(self, by: timedelta) -> None:
        self.now += by

    @override
    def business(self) -> datetime:
        return self.now

    @override
    def security(self) -> datetime:
        return self.now
