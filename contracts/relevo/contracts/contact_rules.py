"""May she be reached now, this way? Contact rules outrank every calendar and whoever asks.

Pure: the moment is an argument. Zones are those of the IANA database.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from .channels import BY_NUMBER, CHANNELS, Channel
from .consent import ContactRules
from .person import Contact
from .standards.time_zones import zone_of_number

ContactRule = Literal[
    "prohibited", "channel_refused", "only_numbers", "no_address", "time_zone_unknown", "hours",
    "quiet_days",
]  # fmt: skip
"""What forbids an attempt: nobody may reach her; not this way; not at this number; there is nothing to
reach her by; nobody knows what time it is where she is; not at this hour; not in the days of quiet that
her pathway keeps."""

_SEARCHED_DAYS: Final = 3


@dataclass(frozen=True)
class Permission:
    """Whether an attempt may be made now.

    Attributes:
        forbidden_by: The first rule that forbids it; None when it may be made.
        addresses: Numbers or addresses that may be shown; empty whenever it is forbidden.
        next_at: When the hours allow it again, if only the hours forbid it.
        zone: The zone of the called number, where it is known.
    """

    forbidden_by: ContactRule | None
    addresses: tuple[str, ...] = ()
    next_at: datetime | None = None
    zone: str | None = None

    @property
    def allowed(self) -> bool:
        return self.forbidden_by is None


def may_contact(
    rules: ContactRules,
    contact: Contact | None,
    *,
    channel: Channel,
    now: datetime,
    number: str | None = None,
) -> Permission:
    """Whether she may be reached by this channel now, and at which numbers.

    Args:
        rules: What she said about being reached.
        contact: What is known of her numbers; numbers that her rules name need no other source.
        channel: How.
        now: An aware moment.
        number: The one number that is meant; any of the permitted ones when absent.
    """
    if rules.prohibited:
        return Permission("prohibited")
    if channel in rules.channels_refused:
        return Permission("channel_refused")
    if rules.only_numbers and channel not in BY_NUMBER:
        return Permission("only_numbers")
    addresses = _addresses(rules, contact, channel)
    if number is not None and channel in BY_NUMBER:
        addresses = _same(number, addresses)
        if not addresses and rules.only_numbers:
            return Permission("only_numbers")
    if channel not in {"visit", "post"} and not addresses:
        return Permission("no_address")
    return _in_hours(rules, addresses, now)


def may_contact_under_all(
    all_rules: Sequence[ContactRules],
    contact: Contact | None,
    *,
    channel: Channel,
    now: datetime,
    number: str | None = None,
) -> Permission:
    """The same where she said it more than once: what any of her words forbids is forbidden."""
    addresses: tuple[str, ...] | None = None
    zone: str | None = None
    for rules in all_rules:
        permission = may_contact(rules, contact, channel=channel, now=now, number=number)
        if not permission.allowed:
            return permission
        zone = zone or permission.zone
        addresses = (
            permission.addresses
            if addresses is None
            else tuple(a for a in addresses if _same(a, permission.addresses))
        )
        if not addresses and permission.addresses:
            return Permission("only_numbers")
    return Permission(None, addresses or (), zone=zone) if all_rules else Permission("prohibited")


def usable_channels(rules: ContactRules, contact: Contact | None) -> frozenset[Channel]:
    """Channels that her rules leave and her contact data serve, whatever the hour.

    A visit counts only where numbers are not all that she allowed; post never reaches anybody in time.
    """
    if rules.prohibited:
        return frozenset()
    return frozenset(
        channel
        for channel in CHANNELS
        if channel != "post"
        and channel not in rules.channels_refused
        and not (rules.only_numbers and channel not in BY_NUMBER)
        and (channel == "visit" or _addresses(rules, contact, channel))
    )


def zone_of(rules: ContactRules, addresses: Sequence[str]) -> ZoneInfo | None:
    """The zone of the called number: the one that was recorded, else its country's if that has one."""
    name = rules.time_zone
    if name is None:
        named = {zone for address in addresses if (zone := zone_of_number(address))}
        name = next(iter(named)) if len(named) == 1 else None
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return None


def _in_hours(rules: ContactRules, addresses: tuple[str, ...], now: datetime) -> Permission:
    zone = zone_of(rules, addresses)
    name = None if zone is None else zone.key
    if rules.from_time is None and rules.until_time is None:
        return Permission(None, addresses, zone=name)
    if zone is None:
        return Permission("time_zone_unknown")
    opens = time.fromisoformat(rules.from_time or "00:00")
    closes = None if rules.until_time is None else time.fromisoformat(rules.until_time)
    if _open_at(now.astimezone(zone).time(), opens, closes):
        return Permission(None, addresses, zone=name)
    return Permission("hours", next_at=_next(opens, now, zone), zone=name)


def _open_at(local: time, opens: time, closes: time | None) -> bool:
    """From the first minute on, up to and without the last; hours may pass midnight."""
    if closes is None:
        return local >= opens
    if opens <= closes:
        return opens <= local < closes
    return local >= opens or local < closes


def _next(opens: time, now: datetime, zone: ZoneInfo) -> datetime | None:
    today = now.astimezone(zone).date()
    for days in range(_SEARCHED_DAYS):
        # An hour that the change to summer time leaves out is read as the one that follows it.
        at = datetime.combine(today + timedelta(days=days), opens, tzinfo=zone)
        if at > now:
            return at.astimezone(now.tzinfo)
    return None


def _addresses(rules: ContactRules, contact: Contact | None, channel: Channel) -> tuple[str, ...]:
    if channel in BY_NUMBER:
        known = contact.phones if contact is not None else []
        return tuple(rules.only_numbers or known)
    if channel == "email" and contact is not None:
        return tuple(contact.emails)
    return ()


def _same(number: str, addresses: Sequence[str]) -> tuple[str, ...]:
    """The permitted numbers that this one is, however it was written."""
    return tuple(address for address in addresses if _digits(address) == _digits(number))


def _digits(number: str) -> str:
    return "".join(symbol for symbol in number if symbol.isdigit() or symbol in "+@")
