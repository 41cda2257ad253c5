"""What a step says of its answer, compared with the answer."""

from typing import Any

from .answers import at_path, fits, short
from .bodies import Frame
from .schema import Step


class NotSoError(Exception):
    """A step was answered otherwise than the scenario says, or a check does not hold.

    Attributes:
        where: Keys of the file that say so.
    """

    def __init__(self, message: str, *where: str | int) -> None:
        super().__init__(message)
        self.where = where


def expected(frame: Frame, step: Step, got: Any) -> None:
    """Compares an answer with what the step says of it.

    Raises:
        NotSoError: It says something else.
    """
    for path, wanted in frame.resolved(step.expect).items():
        found = at_path(got, path)
        if not fits(found, wanted):
            raise NotSoError(
                f"{path} should be {short(wanted)}, and is {short(found)}", "expect", path
            )
    for path, values in frame.resolved(step.among).items():
        found = at_path(got, path)
        if missing := [one for one in values if not _has(found, one)]:
            raise NotSoError(f"{path} should have {short(missing)}: {short(found)}", "among", path)
    for path, values in frame.resolved(step.not_among).items():
        found = at_path(got, path)
        if there := [one for one in values if _has(found, one)]:
            raise NotSoError(
                f"{path} should not have {short(there)}: {short(found)}", "not_among", path
            )
    for path in step.absent:
        if (found := at_path(got, path)) not in (None, [], {}, ""):
            raise NotSoError(f"{path} should not be there, and is {short(found)}", "absent")


def _has(found: Any, wanted: Any) -> bool:
    return any(fits(one, wanted) for one in found or [])
