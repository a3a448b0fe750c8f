"""The node's clock over ticks that wrap, as on a board. Runs on: MicroPython and CPython."""

from firmware.access import Trust
from firmware.clock import LOOK_S, Clock
from firmware.lockout import FREE, LONGEST_S
from tests.both.power_cut import fresh_file

S = 1000000
PERIOD_US = 1 << 30  # of a MicroPython with small integers of 31 bits


class Ticks:
    def __init__(self, began_us: int) -> None:
        self.us = began_us

    def ticks_us(self) -> int:
        return self.us % PERIOD_US

    def ticks_diff(self, end: int, start: int) -> int:
        half = PERIOD_US // 2
        return (end - start + half) % PERIOD_US - half


def fresh_trust(ticks: Ticks) -> Trust:
    clock = Clock(ticks)
    for name in ("vault", "owner", "clock", "lockout"):
        fresh_file(f"build/ticks-{name}.bin")
    return Trust("node", "1.0", "closed", lambda: clock.now_us() / S, "build/ticks-")


def test_hours_are_counted_over_every_wrap_from_any_beginning():
    for began_us in (0, PERIOD_US // 2 - 1, PERIOD_US - 1):
        ticks = Ticks(began_us)
        clock = Clock(ticks)
        for _ in range(4 * 3600 // LOOK_S):
            ticks.us += LOOK_S * S
            assert clock.now_us() == ticks.us - began_us


def test_a_clock_that_nobody_looked_at_for_too_long_is_slow_and_does_not_go_back():
    for unseen_us in (PERIOD_US // 2, PERIOD_US - 1):
        ticks = Ticks(5 * S)
        clock = Clock(ticks)
        ticks.us += 7 * S
        assert clock.now_us() == 7 * S
        ticks.us += unseen_us
        assert clock.now_us() == 7 * S
        ticks.us += PERIOD_US - unseen_us + S
        assert clock.now_us() == 8 * S


def test_nobody_waits_for_attempts_that_were_not_made_however_long_the_node_runs():
    ticks = Ticks(0)
    trust = fresh_trust(ticks)
    # Seen every minute, then not at all for longer than ticks tell.
    for step_us in [LOOK_S * S] * 40 + [PERIOD_US // 2 + S, PERIOD_US // 4, 3 * PERIOD_US]:
        ticks.us += step_us
        hello = trust.hello()
        assert (hello["tries"], hello["wait_s"]) == (FREE, 0)


def test_after_too_many_attempts_the_wait_is_no_longer_than_said_over_a_wrap():
    ticks = Ticks(PERIOD_US // 2 - 3 * S)
    trust = fresh_trust(ticks)
    for _ in range(FREE + 8):
        while trust.hello()["wait_s"]:
            ticks.us += S
        assert trust.lockout.attempt(trust.seconds())
    waited_s = 0
    while trust.hello()["wait_s"]:
        ticks.us += S
        waited_s += 1
    assert waited_s == LONGEST_S
