"""Unix time on a node without a battery. Runs on: MicroPython and CPython."""

from firmware import wall_clock
from firmware.wall_clock import ClockError, WallClock
from resonode_wire.security import CLOCK_KEPT, CLOCK_SET, CLOCK_UNSET
from tests.both.power_cut import cut_at_each_operation, fresh_file

PATH = "build/test-clock.bin"
NOW_S = 1796000000


class Seconds:
    def __init__(self) -> None:
        self.now = 0.25

    def __call__(self) -> float:
        return self.now


def fresh() -> tuple:
    fresh_file(PATH)
    seconds = Seconds()
    return WallClock(PATH, seconds), seconds


def refused(call, *arguments) -> str:
    try:
        call(*arguments)
    except ClockError as error:
        return str(error)
    raise AssertionError("accepted")


def test_dates_are_read_and_shown():
    for text, unix_s in (
        ("1970-01-01T00:00:00", 0),
        ("2000-02-29T23:59:59", 951868799),
        ("2026-11-30T00:53:20", 1796000000),
        ("2038-01-19T03:14:08", 1 << 31),
        ("2100-03-01T00:00:00", 4107542400),
    ):
        assert wall_clock.read(text) == unix_s
        assert wall_clock.show(unix_s) == text
    assert wall_clock.read("2026-11-30T00:53:20.123456+00:00") == 1796000000


def test_every_day_of_four_centuries_is_shown_and_read_back():
    for day in range(0, 146097, 5):
        assert wall_clock.read(wall_clock.show(day * 86400 + 86399)) == day * 86400 + 86399


def test_what_is_no_date_is_refused():
    for text in (
        "",
        "tomorrow",
        "2026-11-30 00:53:20",
        "2026-13-01T00:00:00",
        "2026-11-30T24:00:00",
    ):
        try:
            wall_clock.read(text)
            raise AssertionError(text)
        except ValueError:
            pass


def test_it_runs_and_knows_whether_it_was_set():
    clock, seconds = fresh()
    assert clock.state == CLOCK_UNSET
    clock.set(NOW_S, False)
    seconds.now += 90
    assert clock.state == CLOCK_SET and clock.now_s() == NOW_S + 90


def test_after_a_restart_it_goes_on_from_where_it_was_kept():
    clock, seconds = fresh()
    clock.set(NOW_S, False)
    seconds.now += 3000
    clock.keep()
    assert WallClock(PATH, Seconds()).now_s() == NOW_S  # kept once an hour
    seconds.now += 700
    clock.keep()
    again = WallClock(PATH, Seconds())
    assert again.now_s() == NOW_S + 3700 and again.state == CLOCK_KEPT


def test_it_goes_back_only_for_who_may():
    clock, _seconds = fresh()
    clock.set(NOW_S, False)
    assert "clock untrusted" in refused(clock.set, NOW_S - 100, False)
    clock.set(NOW_S - 100, True)
    assert clock.now_s() == NOW_S - 100
    assert "clock untrusted" in refused(clock.set, 1700000000, True)  # before the firmware was


def test_what_an_owner_signed_moves_it_forward_only():
    clock, _seconds = fresh()
    clock.advance(NOW_S)
    assert clock.state == CLOCK_KEPT and clock.now_s() == NOW_S
    clock.advance(NOW_S - 50)
    assert clock.now_s() == NOW_S


def test_a_clock_that_was_never_set_is_not_kept():
    clock, seconds = fresh()
    seconds.now += 100000
    clock.keep()
    assert WallClock(PATH, Seconds()).state == CLOCK_UNSET


def test_a_damaged_file_is_a_clock_that_was_never_set():
    clock, _seconds = fresh()
    clock.set(NOW_S, False)
    with open(PATH, "wb") as file:
        file.write(b"rubbish")
    assert WallClock(PATH, Seconds()).state == CLOCK_UNSET


def test_a_power_cut_leaves_the_old_time_or_the_new():
    clock, _seconds = fresh()
    clock.set(NOW_S, False)

    def check(completed):
        kept_s = WallClock(PATH, Seconds()).now_s()
        assert kept_s == (NOW_S + 500 if completed else NOW_S)

    assert cut_at_each_operation(lambda: clock.set(NOW_S + 500, False), check) >= 4
