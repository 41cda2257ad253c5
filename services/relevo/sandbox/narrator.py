"""Tells a story as it happens, and stops it where something does not hold."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

import httpx

T = TypeVar("T")
_POLL_SECONDS = 0.1


class StoryFailedError(AssertionError):
    """Something that the story promises did not happen."""


class Narrator:
    """Says each step in plain words; `say` takes the lines."""

    def __init__(self, say: Callable[[str], None] = lambda _: None) -> None:
        self._say = say
        self.held = 0

    def chapter(self, title: str) -> None:
        self._say("")
        self._say(title)

    def tell(self, text: str) -> None:
        """What happens now."""
        self._say(f"   {text}")

    def check(self, text: str, holds: object) -> None:
        """What must be so.

        Raises:
            StoryFailedError: It is not.
        """
        if not holds:
            raise StoryFailedError(f"does not hold: {text}")
        self.held += 1
        self._say(f"   ✓ {text}")

    def wait(self, text: str, probe: Callable[[], T], *, seconds: float = 30) -> T:
        """What must become so in time; gives what the probe found.

        Raises:
            StoryFailedError: It did not.
        """
        deadline = time.monotonic() + seconds
        while not (found := probe()):
            if time.monotonic() > deadline:
                raise StoryFailedError(f"did not happen within {seconds:.0f} seconds: {text}")
            time.sleep(_POLL_SECONDS)
        self.check(text, holds=True)
        return found

    def refused(self, text: str, answer: httpx.Response, status: int, problem: str) -> Any:
        """What must be refused, with which documented problem; gives the problem.

        Raises:
            StoryFailedError: It was not, or otherwise.
        """
        kind = answer.headers.get("content-type", "").partition(";")[0]
        body = answer.json() if kind == "application/problem+json" else {}
        name = str(body.get("type", "")).rpartition("/")[2]
        if (answer.status_code, name) != (status, problem):
            raise StoryFailedError(
                f"{text}: expected {status} {problem}, got {answer.status_code} {name or kind}"
            )
        self.check(f"{text} → {status} {problem}", holds=True)
        return body
