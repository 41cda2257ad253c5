"""Times as scenarios write them: `D12 09:00` is nine o'clock on the twelfth day after the story begins."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

HOME: Final = "America/Guatemala"
_STEP: Final = re.compile(r"D(?P<day>-?\d{1,4}) (?P<hour>[01]\d|2[0-3]):(?P<minute>[0-5]\d)")
_IN_BODY: Final = re.compile(
    r"@D(?P<day>-?\d{1,5})"
    r"(?:-(?P<years>\d{1,3})y|(?: (?P<hour>[01]\d|2[0-3]):(?P<minute>[0-5]\d)(?: (?P<zone>\S+))?))?"
)


@dataclass(frozen=True)
class Calendar:
    """What D0 is.

    Attributes:
        day_zero: The date on which the story begins, in the zone of whoever looks.
        zone: The zone of times that name none.
    """

    day_zero: date
    zone: str = HOME

    def at(self, text: str, zone: str | None = None) -> datetime:
        """The moment of a step.

        Raises:
            ValueError: It is not written `D12 09:00`.
        """
        found = _STEP.fullmatch(text)
        if found is None:
            raise ValueError(f"`{text}` is not a time such as `D0 16:05`")
        return self._moment(found, zone)

    def in_body(self, text: str, zone: str | None = None) -> str:
        """`@D12 09:00` as RFC 3339, `@D12` as a date, `@D21-18y` as a date so many years before.

        Raises:
            ValueError: It begins with `@D` and is none of them.
        """
        found = _IN_BODY.fullmatch(text)
        if found is None:
            raise ValueError(f"`{text}` is not `@D12 09:00`, `@D12` or `@D21-18y`")
        if found["hour"] is not None:
            return rfc_3339(self._moment(found, found["zone"] or zone))
        day = self.day_zero + timedelta(days=int(found["day"]))
        if found["years"] is not None:
            day = _years_before(day, int(found["years"]))
        return day.isoformat()

    def _moment(self, found: re.Match[str], zone: str | None) -> datetime:
        day = self.day_zero + timedelta(days=int(found["day"]))
        here = ZoneInfo(zone or self.zone)
        return datetime(
            day.year, day.month, day.day, int(found["hour"]), int(found["minute"]), tzinfo=here
        )


def rfc_3339(moment: datetime) -> str:
    """In UTC, to the second."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def is_moment(value: Any) -> bool:
    """Whether a value of a body is a time of the story."""
    return isinstance(value, str) and value.startswith("@D")


def _years_before(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year - years)
    except ValueError:  # 29 February
        return day.replace(year=day.year - years, day=28)
