from datetime import UTC, datetime, timedelta
from pathlib import Path

from relevo.servicekit.clock import FixedClock, SandboxClock, SystemClock

NEAR = timedelta(seconds=5)


def test_the_clocks_of_a_real_service_agree() -> None:
    clock = SystemClock()
    assert clock.business().tzinfo is UTC
    assert abs(clock.business() - clock.security()) < NEAR


def test_moving_business_time_leaves_security_time_real(tmp_path: Path) -> None:
    clock = SandboxClock(tmp_path / "offset")
    clock.move(timedelta(days=30))
    assert abs(clock.business() - datetime.now(UTC) - timedelta(days=30)) < NEAR
    assert abs(clock.security() - datetime.now(UTC)) < NEAR


def test_processes_of_a_sandbox_move_together(tmp_path: Path) -> None:
    mover, follower = (SandboxClock(tmp_path / "offset") for _ in range(2))
    assert follower.offset() == timedelta()
    mover.move(timedelta(hours=1))
    assert follower.offset() == timedelta(hours=1)
    follower.move(timedelta(hours=-3))
    assert mover.offset() == timedelta(hours=-2)


def test_a_file_that_holds_no_number_moves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "offset"
    clock = SandboxClock(path)
    for content in ("", "tomorrow", "inf", "1e300"):
        path.write_text(content)
        assert clock.offset() == timedelta()
    path.write_text("90.5\n")
    assert clock.offset() == timedelta(seconds=90.5)
    path.unlink()
    assert clock.offset() == timedelta()


def test_a_fixed_clock_stands_still_until_it_is_moved() -> None:
    start = datetime(2026, 3, 1, tzinfo=UTC)
    clock = FixedClock(start)
    assert clock.business() == clock.security() == start
    clock.advance(timedelta(minutes=5))
    assert clock.business() == clock.security() == start + timedelta(minutes=5)
