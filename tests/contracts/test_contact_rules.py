import zoneinfo
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relevo.contracts.channels import CHANNELS, Channel
from relevo.contracts.consent import ContactRules
from relevo.contracts.contact_rules import may_contact, usable_channels
from relevo.contracts.person import Contact

HERS = "+502 0000-1204"
SISTER = "+502 0000-1205"
JUAREZ = "+52 000 000 1204"
CONTACT = Contact(phones=[HERS], emails=["t@example.org"])
EVENING = {"from_time": "17:00", "until_time": "20:00"}


def rules(**changes: Any) -> ContactRules:
    return ContactRules.model_validate(changes)


def local(text: str, offset_hours: int = -6) -> datetime:
    return (datetime.fromisoformat(text) - timedelta(hours=offset_hours)).replace(tzinfo=UTC)


NOON = local("2026-03-02T12:00")


def test_without_rules_her_numbers_are_shown() -> None:
    permission = may_contact(rules(), CONTACT, channel="call", now=NOON)
    assert permission.allowed
    assert permission.addresses == (HERS,)


@pytest.mark.parametrize("channel", CHANNELS)
def test_prohibited_is_prohibited_by_every_channel(channel: Channel) -> None:
    permission = may_contact(rules(prohibited=True), CONTACT, channel=channel, now=NOON)
    assert permission.forbidden_by == "prohibited"
    assert permission.addresses == ()


def test_a_refused_channel_is_named_before_the_hour() -> None:
    said = rules(channels_refused=["whatsapp"], time_zone="America/Guatemala", **EVENING)
    assert (
        may_contact(said, CONTACT, channel="whatsapp", now=NOON).forbidden_by == "channel_refused"
    )
    assert may_contact(said, CONTACT, channel="call", now=NOON).forbidden_by == "hours"


def test_only_the_numbers_that_she_named_are_shown_however_they_are_written() -> None:
    said = rules(only_numbers=[HERS, SISTER])
    assert may_contact(said, CONTACT, channel="call", now=NOON).addresses == (HERS, SISTER)
    one = may_contact(said, CONTACT, channel="call", now=NOON, number="+502 00001205")
    assert one.addresses == (SISTER,)
    other = may_contact(said, CONTACT, channel="call", now=NOON, number="+502 0000-9999")
    assert other.forbidden_by == "only_numbers"


@pytest.mark.parametrize("channel", ["visit", "email", "post"])
def test_only_numbers_leaves_no_way_around_them(channel: Channel) -> None:
    said = rules(only_numbers=[HERS])
    assert may_contact(said, CONTACT, channel=channel, now=NOON).forbidden_by == "only_numbers"


def test_without_a_number_there_is_nothing_to_call() -> None:
    assert may_contact(rules(), None, channel="call", now=NOON).forbidden_by == "no_address"
    assert may_contact(rules(), None, channel="visit", now=NOON).allowed
    other = may_contact(rules(), CONTACT, channel="call", now=NOON, number="+502 0000-9999")
    assert other.forbidden_by == "no_address"


@pytest.mark.parametrize(
    ("clock", "allowed"),
    [("16:59:59", False), ("17:00:00", True), ("19:59:59", True), ("20:00:00", False)],
)
def test_hours_begin_with_their_first_minute_and_end_before_their_last(
    clock: str, *, allowed: bool
) -> None:
    said = rules(time_zone="America/Guatemala", **EVENING)
    now = local(f"2026-03-02T{clock}")
    assert may_contact(said, CONTACT, channel="call", now=now).allowed is allowed


def test_the_zone_of_the_called_number_is_known_where_its_country_has_one() -> None:
    now = local("2026-07-02T18:00")
    permission = may_contact(rules(**EVENING), CONTACT, channel="call", now=now)
    assert (permission.allowed, permission.zone) == (True, "America/Guatemala")


@pytest.mark.parametrize("zone", [None, "America/Nowhere"])
def test_nobody_calls_when_the_hour_there_is_not_known(zone: str | None) -> None:
    said = rules(time_zone=zone, **EVENING)
    contact = Contact(phones=[JUAREZ])
    permission = may_contact(said, contact, channel="call", now=NOON)
    assert permission.forbidden_by == "time_zone_unknown"


@pytest.mark.parametrize(
    ("now", "allowed"),
    [
        # Winter time there is UTC-7, summer time UTC-6; in 2026 it changes on 8 March at 2 o'clock.
        ("2026-03-08T00:30:00+00:00", True),  # Saturday 17:30
        ("2026-03-08T23:30:00+00:00", True),  # Sunday 17:30, an hour earlier on every other clock
        ("2026-03-07T23:30:00+00:00", False),  # Saturday 16:30
        ("2026-03-09T02:30:00+00:00", False),  # Sunday 20:30
        # And back on 1 November.
        ("2026-10-31T23:30:00+00:00", True),  # Saturday 17:30
        ("2026-11-01T23:30:00+00:00", False),  # Sunday 16:30
        ("2026-11-02T00:30:00+00:00", True),  # Sunday 17:30
    ],
)
def test_hours_in_ciudad_juarez_follow_its_summer_time(now: str, *, allowed: bool) -> None:
    said = rules(time_zone="America/Ciudad_Juarez", **EVENING)
    permission = may_contact(
        said, Contact(phones=[JUAREZ]), channel="call", now=datetime.fromisoformat(now)
    )
    assert permission.allowed is allowed


def test_the_same_moment_is_another_hour_in_the_rest_of_mexico() -> None:
    # 17:30 in Ciudad Juárez in winter is 18:30 in Mexico City; in summer both say 17:30.
    contact = Contact(phones=[JUAREZ])
    early = rules(from_time="17:00", until_time="18:00", time_zone="America/Mexico_City")
    winter = datetime(2026, 1, 15, 0, 30, tzinfo=UTC)
    summer = datetime(2026, 7, 15, 23, 30, tzinfo=UTC)
    assert not may_contact(early, contact, channel="call", now=winter).allowed
    assert may_contact(early, contact, channel="call", now=summer).allowed


def test_hours_may_pass_midnight() -> None:
    said = rules(time_zone="America/Guatemala", from_time="22:00", until_time="02:00")
    hours = {
        clock: may_contact(said, CONTACT, channel="call", now=local(f"2026-03-02T{clock}")).allowed
        for clock in ("21:59", "22:00", "00:30", "02:00")
    }
    assert hours == {"21:59": False, "22:00": True, "00:30": True, "02:00": False}


def test_who_may_not_call_now_is_told_when() -> None:
    said = rules(time_zone="America/Guatemala", **EVENING)
    morning = may_contact(said, CONTACT, channel="call", now=local("2026-03-02T10:00"))
    assert morning.next_at == local("2026-03-02T17:00")
    night = may_contact(said, CONTACT, channel="call", now=local("2026-03-02T21:00"))
    assert night.next_at == local("2026-03-03T17:00")


moments = st.integers(0, 3 * 365 * 24 * 60).map(
    lambda minutes: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
clocks = st.times().map(lambda t: t.strftime("%H:%M"))


@given(
    now=moments,
    opens=st.none() | clocks,
    closes=st.none() | clocks,
    zone=st.sampled_from(["America/Guatemala", "America/Ciudad_Juarez", "America/New_York", None]),
    prohibited=st.booleans(),
    refused=st.lists(st.sampled_from(CHANNELS), unique=True),
    only=st.lists(st.sampled_from([HERS, SISTER, JUAREZ]), unique=True),
    channel=st.sampled_from(CHANNELS),
)
def test_no_number_is_ever_shown_against_a_rule(
    *,
    now: datetime,
    opens: str | None,
    closes: str | None,
    zone: str | None,
    prohibited: bool,
    refused: list[Channel],
    only: list[str],
    channel: Channel,
) -> None:
    said = rules(
        prohibited=prohibited,
        channels_refused=refused,
        only_numbers=only,
        from_time=opens,
        until_time=closes,
        time_zone=zone,
    )
    permission = may_contact(said, CONTACT, channel=channel, now=now)
    if not permission.allowed:
        assert permission.addresses == ()
        if permission.next_at is not None:
            assert now < permission.next_at <= now + timedelta(days=2)
        return
    assert not prohibited
    assert channel not in refused
    if only:
        assert set(permission.addresses) <= set(only)
    assert channel in usable_channels(said, CONTACT) | {"post"}


def test_time_zones_are_known_on_a_machine_without_zone_data() -> None:
    said = rules(time_zone="America/Guatemala", **EVENING)
    zoneinfo.reset_tzpath(to=[])
    ZoneInfo.clear_cache()
    try:
        assert may_contact(said, CONTACT, channel="call", now=NOON).forbidden_by == "hours"
        assert may_contact(said, CONTACT, channel="call", now=NOON + timedelta(hours=6)).allowed
    finally:
        zoneinfo.reset_tzpath()
        ZoneInfo.clear_cache()
