"""Months, quarters and years as statistics name them: `2026-09`, `2026-Q3`, `2026`. Their days are UTC's."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

PeriodKind = Literal["month", "quarter", "year"]
_MONTHS: Final[dict[PeriodKind, int]] = {"month": 1, "quarter": 3, "year": 12}
PERIOD: Final = r"^20[0-9]{2}(-Q[1-4]|-(0[1-9]|1[0-2]))?$"


@dataclass(frozen=True)
class Period:
    """A stretch of months within one year."""

    year: int
    first_month: int
    kind: PeriodKind

    @property
    def name(self) -> str:
        if self.kind == "year":
            return f"{self.year}"
        if self.kind == "quarter":
            return f"{self.year}-Q{(self.first_month + 2) // 3}"
        return f"{self.year}-{self.first_month:02}"

    @property
    def start(self) -> datetime:
        return datetime(self.year, self.first_month, 1, tzinfo=UTC)

    @property
    def end(self) -> datetime:
        """The first moment that is not in it."""
        after = self.first_month + _MONTHS[self.kind]
        return datetime(self.year + after // 13, 1 if after > 12 else after, 1, tzinfo=UTC)

    def parts(self, kind: PeriodKind) -> list["Period"]:
        """The periods of a kind that make it up; none when that kind is longer."""
        step, months = _MONTHS[kind], _MONTHS[self.kind]
        if step > months:
            return []
        firsts = range(self.first_month, self.first_month + months, step)
        return [Period(self.year, first, kind) for first in firsts]


def parse_period(text: str) -> Period:
    """A period by its name.

    Raises:
        ValueError: It is none.
    """
    if not re.fullmatch(PERIOD, text):
        raise ValueError("not a period: 2026, 2026-Q3 or 2026-09")
    year, _, rest = text.partition("-")
    if not rest:
        return Period(int(year), 1, "year")
    if rest.startswith("Q"):
        return Period(int(year), int(rest[1]) * 3 - 2, "quarter")
    return Period(int(year), int(rest), "month")


def period_at(moment: datetime, kind: PeriodKind) -> Period:
    """The period of a kind in which a moment lies."""
    step = _MONTHS[kind]
    at = moment.astimezone(UTC)
    return Period(at.year, (at.month - 1) // step * step + 1, kind)


def is_shorter(kind: PeriodKind, than: PeriodKind) -> bool:
    return _MONTHS[kind] < _MONTHS[than]
