"""When a service is open: the schedules of HSDS, which are rules of RFC 5545, on a real time zone.

A time without an offset and without a zone says nothing certain: it is then nobody's nine o'clock, and
the answer is that the hours are unknown.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from .hsds import Schedule

LOOKS_AHEAD: Final = timedelta(days=14)
_MOST_COUNTED: Final = 3660
_DAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_TIME: Final = re.compile(
    r"([01]\d|2[0-4]):([0-5]\d)(?::[0-5]\d(?:\.\d+)?)?(Z|[+-]\d\d:?\d\d)?", re.ASCII
)
_BY_DAY: Final = re.compile(r"([+-]?[1-5])?(MO|TU|WE|TH|FR|SA|SU)", re.ASCII)


class UnknownHoursError(ValueError):
    """A schedule that cannot be read for certain."""


def is_open(schedules: Sequence[Schedule], moment: datetime, zone: str | None) -> bool | None:
    """Whether any of the schedules is open; None when that cannot be told.

    Args:
        schedules: All that hold for one service.
        moment: Aware.
        zone: An IANA zone, for times that carry no offset of their own.
    """
    unknown = not schedules
    for schedule in schedules:
        try:
            days = _around(schedule, moment, zone, timedelta())
            if any(start <= moment < end for start, end in days):
                return True
        except UnknownHoursError:
            unknown = True
    return None if unknown else False


def next_opening(
    schedules: Sequence[Schedule], moment: datetime, zone: str | None
) -> datetime | None:
    """When it opens next, within two weeks."""
    found: list[datetime] = []
    for schedule in schedules:
        try:
            days = _around(schedule, moment, zone, LOOKS_AHEAD)
            start = next((start for start, _ in days if start > moment), None)
        except UnknownHoursError:
            continue
        if start is not None:
            found.append(start)
    return min(found, default=None)


def _around(
    schedule: Schedule, moment: datetime, zone: str | None, ahead: timedelta
) -> Iterator[tuple[datetime, datetime]]:
    opens, opens_zone = _read_time(schedule.opens_at)
    closes, closes_zone = _read_time(schedule.closes_at)
    where = opens_zone or closes_zone or _zone_of(schedule, zone)
    first = moment.astimezone(where).date() - timedelta(days=1)
    for number in range(ahead.days + 2):
        day = first + timedelta(days=number)
        if _happens(schedule, day):
            # Closing at or before it opens is the next day's; no times are the whole day.
            last = day + timedelta(days=1) if closes <= opens else day
            yield datetime.combine(day, opens, where), datetime.combine(last, closes, where)


def _read_time(text: str | None) -> tuple[time, tzinfo | None]:
    if not text:
        return time.min, None
    found = _TIME.fullmatch(text.strip())
    if found is None:
        raise UnknownHoursError(text)
    hour, minute = int(found[1]), int(found[2])
    at = time.min if hour == 24 else time(hour, minute)
    return at, _offset(found[3]) if found[3] else None


def _offset(text: str) -> tzinfo:
    if text == "Z":
        return UTC
    hours, minutes = int(text[1:3]), int(text[-2:])
    size = timedelta(hours=hours, minutes=minutes)
    if size >= timedelta(hours=24):
        raise UnknownHoursError(text)
    return timezone(-size if text[0] == "-" else size)


def _zone_of(schedule: Schedule, zone: str | None) -> tzinfo:
    if schedule.timezone is not None:
        if not -16 <= schedule.timezone <= 16:
            raise UnknownHoursError("timezone")
        return timezone(timedelta(hours=schedule.timezone))
    if zone is None:
        raise UnknownHoursError("no time zone")
    return ZoneInfo(zone)


def _happens(schedule: Schedule, day: date) -> bool:
    first = _read_date(schedule.valid_from)
    last = _read_date(schedule.valid_to)
    until = _read_date(schedule.until)
    start = _read_date(schedule.dtstart)
    if (first and day < first) or (start and day < start):
        return False
    if (last and day > last) or (until and day > until):
        return False
    if not _fits(schedule, day, start):
        return False
    if schedule.count is None:
        return True
    if start is None:
        raise UnknownHoursError("count without dtstart")
    return _occurrences(schedule, start, day) <= schedule.count


def _occurrences(schedule: Schedule, start: date, day: date) -> int:
    length = (day - start).days + 1
    if length > _MOST_COUNTED:
        raise UnknownHoursError("too many to count")
    return sum(_fits(schedule, start + timedelta(days=n), start) for n in range(length))


def _fits(schedule: Schedule, day: date, start: date | None) -> bool:
    if schedule.byyearday or schedule.byweekno:
        raise UnknownHoursError("a rule of the year")
    if schedule.freq is None and start is not None and schedule.byday is None:
        return day == start
    if schedule.freq == "MONTHLY":
        return _in_month(schedule, day, start) and _every(schedule, day, start, monthly=True)
    return _in_week(schedule, day, start) and _every(schedule, day, start, monthly=False)


def _in_week(schedule: Schedule, day: date, start: date | None) -> bool:
    if schedule.byday is None:
        return schedule.freq is None or start is None or day.weekday() == start.weekday()
    return any(_DAYS[day.weekday()] == name for _, name in _by_day(schedule.byday))


def _in_month(schedule: Schedule, day: date, start: date | None) -> bool:
    length = _month_length(day)
    if schedule.bymonthday is not None:
        numbers = _whole_numbers(schedule.bymonthday)
        if day.day not in numbers and day.day - length - 1 not in numbers:
            return False
        if schedule.byday is None:
            return True
    if schedule.byday is None:
        if start is None:
            raise UnknownHoursError("monthly on no day")
        return day.day == start.day
    return any(
        _DAYS[day.weekday()] == name
        and (nth is None or nth in {(day.day - 1) // 7 + 1, -((length - day.day) // 7 + 1)})
        for nth, name in _by_day(schedule.byday)
    )


def _every(schedule: Schedule, day: date, start: date | None, *, monthly: bool) -> bool:
    interval = schedule.interval
    if interval is None or interval == 1:
        return True
    if start is None or interval < 1 or int(interval) != interval:
        raise UnknownHoursError("interval without dtstart")
    if monthly:
        passed = (day.year - start.year) * 12 + day.month - start.month
    else:
        week = _DAYS.index(schedule.wkst or "MO")
        passed = (_week(day, week) - _week(start, week)).days // 7
    return passed % int(interval) == 0


def _week(day: date, first: int) -> date:
    return day - timedelta(days=(day.weekday() - first) % 7)


def _month_length(day: date) -> int:
    return ((day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)).day


def _by_day(text: str) -> list[tuple[int | None, str]]:
    found = []
    for part in text.replace(" ", "").upper().split(","):
        matched = _BY_DAY.fullmatch(part)
        if matched is None:
            raise UnknownHoursError(text)
        found.append((int(matched[1]) if matched[1] else None, matched[2]))
    return found


def _whole_numbers(text: str) -> set[int]:
    parts = text.replace(" ", "").split(",")
    if not all(re.fullmatch(r"[+-]?\d{1,3}", part, re.ASCII) for part in parts):
        raise UnknownHoursError(text)
    return {int(part) for part in parts}


def _read_date(text: str | None) -> date | None:
    if not text:
        return None
    try:
        found = date.fromisoformat(text[:10])
    except ValueError:
        raise UnknownHoursError(text) from None
    if not 1900 <= found.year <= 2200:
        raise UnknownHoursError(text)
    return found
