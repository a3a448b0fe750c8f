"""The board's time: paced by the wall clock, or moved only by what the board does.

Paced(speed)   board time = monotonic clock * speed
Lockstep()     board time moves when the board waits, and by the cost of each transfer: two
               runs of the same firmware see exactly the same sensor
"""

from __future__ import annotations

import time
from typing import Protocol

# What a transfer costs in lockstep: an SPI clock of 10 MHz and chip-select handling.
SPI_BITS_PER_US = 10
TRANSFER_OVERHEAD_US = 2


class TimeBase(Protocol):
    """Board time in whole microseconds since power-on. It never runs back."""

    def now_us(self) -> int:
        """Return the board's time."""

    def transfer(self, byte_count: int) -> None:
        """Account for a bus transfer."""

    def seconds_until(self, t_us: int) -> float:
        """Return how long to sleep for board time `t_us`, 0 where time need not be slept for.

        Time may then still be short of `t_us`, where a stall begins before it: look again.
        """

    def stall(self, at_us: int, duration_us: int) -> None:
        """At board time `at_us`, let `duration_us` pass in which the board can do nothing."""


class Stalls:
    """Dead times, and how much of them has passed. They start at board times, stalls included."""

    def __init__(self) -> None:
        self._pending: list[tuple[int, int]] = []
        self.passed_us = 0

    def add(self, at_us: int, duration_us: int) -> None:
        if at_us < 0 or duration_us < 0:
            raise ValueError("a stall starts at a time >= 0 and lasts a time >= 0")
        self._pending = sorted([*self._pending, (at_us, duration_us)])

    def next_us(self) -> int | None:
        """Return when the next one starts."""
        return self._pending[0][0] if self._pending else None

    def apply(self, t_us: int) -> int:
        """Return `t_us`, a time without the stalls already passed, with all that are due."""
        t_us += self.passed_us
        while self._pending and self._pending[0][0] <= t_us:
            _, duration_us = self._pending.pop(0)
            self.passed_us += duration_us
            t_us += duration_us
        return t_us


class Paced:
    """Board time follows the wall clock, `speed` times as fast."""

    def __init__(self, speed: float = 1.0) -> None:
        if not speed > 0.0:
            raise ValueError(f"speed must be above 0, not {speed}")
        self.speed = speed
        self._start_s = time.monotonic()
        self._stalls = Stalls()

    def now_us(self) -> int:
        return self._stalls.apply(int((time.monotonic() - self._start_s) * self.speed * 1e6))

    def transfer(self, byte_count: int) -> None:
        """Real transfers take real time already."""

    def seconds_until(self, t_us: int) -> float:
        return max((t_us - self.now_us()) / (self.speed * 1e6), 0.0)

    def stall(self, at_us: int, duration_us: int) -> None:
        self._stalls.add(at_us, duration_us)


class Lockstep:
    """Board time moves only when the board waits or transfers."""

    def __init__(self) -> None:
        self._moved_us = 0
        self._stalls = Stalls()

    def now_us(self) -> int:
        return self._stalls.apply(self._moved_us)

    def transfer(self, byte_count: int) -> None:
        self._moved_us += -(-8 * byte_count // SPI_BITS_PER_US) + TRANSFER_OVERHEAD_US

    def seconds_until(self, t_us: int) -> float:
        now_us = self.now_us()
        stall_us = self._stalls.next_us()
        goal_us = t_us if stall_us is None else min(t_us, stall_us)
        self._moved_us += max(goal_us - now_us, 0)
        return 0.0

    def stall(self, at_us: int, duration_us: int) -> None:
        self._stalls.add(at_us, duration_us)
