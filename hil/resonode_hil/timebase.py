"""The board's time: paced by the wall clock, or moved only by what the board does.

    Wall(speed)    board time is the monotonic clock, `speed` times as fast, whoever is late
    Paced(speed)   board time follows the monotonic clock, `speed` times as fast
    Lockstep()     board time moves when the board waits, and by the cost of each transfer: two
                   runs of the same firmware see exactly the same sensor
    Lockstep(speed)    and a wait takes its time, of a wall clock that is `speed` times as fast

Paced and Lockstep do not hold the slowness of this computer against the board. Under Paced, time
stands still while the rig answers, a wait ends at its event even when the rig wakes up late, and a
board that works is charged the processor time it uses, not the time other processes took from it.
What is held back is made up for during the next wait. So an overrun is the board's doing, and
`Paced.lag_us` tells how far board time is behind. Wall forgives nothing: it is for measuring what
really keeps up.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

# What a transfer costs in lockstep: an SPI clock of 10 MHz and chip-select handling.
SPI_BITS_PER_US = 10
TRANSFER_OVERHEAD_US = 2

# A wait until a time as far away as this has no end of its own.
_NEVER_US = 1 << 62


class TimeBase(Protocol):
    """Board time in whole microseconds since power-on. It never runs back."""

    @property
    def follows_wall(self) -> bool:
        """Whether it goes on by itself."""

    def now_us(self) -> int:
        """Return the board's time."""

    def hold(self) -> None:
        """The rig has a request to answer: the board's time stands still."""

    def release(self) -> None:
        """The answer is given: time goes on."""

    def transfer(self, byte_count: int) -> None:
        """Account for a bus transfer (while held)."""

    def pass_until(self, t_us: int) -> float:
        """Let time pass towards `t_us` (while held), but not past a stall.

        Returns the seconds to sleep before asking again; 0 where there is no need to.
        """

    def charge_by(self, busy_s: Callable[[], float | None]) -> None:
        """Learn how much processor time the board has used so far, where that is known."""

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

    def before(self, t_us: int) -> int:
        """Return `t_us` or the start of the next one, whichever comes first, as a time without
        the stalls already passed."""
        goal_us = min(t_us, self._pending[0][0]) if self._pending else t_us
        return goal_us - self.passed_us

    def apply(self, t_us: int) -> int:
        """Return `t_us`, a time without the stalls already passed, with all that are due."""
        t_us += self.passed_us
        while self._pending and self._pending[0][0] <= t_us:
            _, duration_us = self._pending.pop(0)
            self.passed_us += duration_us
            t_us += duration_us
        return t_us


class Wall:
    """Board time is the wall clock, `speed` times as fast, from when it is first asked."""

    follows_wall = True

    def __init__(self, speed: float = 1.0) -> None:
        if not speed > 0.0:
            raise ValueError(f"speed must be above 0, not {speed}")
        self.speed = speed
        self._start_s: float | None = None
        self._stalls = Stalls()

    def now_us(self) -> int:
        return self._stalls.apply(self._wall_us())

    def hold(self) -> None:
        """Nothing holds it."""

    def release(self) -> None:
        """Nothing holds it."""

    def charge_by(self, busy_s: Callable[[], float | None]) -> None:
        """The board is charged whatever passes."""

    def transfer(self, byte_count: int) -> None:
        """A transfer costs the time it takes."""

    def pass_until(self, t_us: int) -> float:
        left_us = self._stalls.before(t_us) - self._wall_us()
        return max(left_us, 0) / (self.speed * 1e6)

    def stall(self, at_us: int, duration_us: int) -> None:
        self._stalls.add(at_us, duration_us)

    def _wall_us(self) -> int:
        wall_s = time.monotonic()
        if self._start_s is None:
            self._start_s = wall_s
        return int((wall_s - self._start_s) * self.speed * 1e6)


class Paced:
    """Board time follows the wall clock, `speed` times as fast, from when it is first asked.

    A wait is all it takes to be on time again: a board that sleeps otherwise is not charged for
    it until then.
    """

    follows_wall = True

    def __init__(self, speed: float = 1.0) -> None:
        if not speed > 0.0:
            raise ValueError(f"speed must be above 0, not {speed}")
        self.speed = speed
        self._start_s: float | None = None
        self._stalls = Stalls()
        self._busy_s: Callable[[], float | None] = _unknown
        # Board time, without stalls, was `_base_us` when the clocks below showed what they show.
        self._held = False
        self._base_us = 0
        self._base_wall_us = 0
        self._base_busy_us: int | None = None

    def charge_by(self, busy_s: Callable[[], float | None]) -> None:
        """Take the board's processor time from `busy_s` (None: unknown, charge the wall's)."""
        self._base_us = self._board_us()
        self._busy_s = busy_s
        self._restart_clocks()

    @property
    def lag_us(self) -> int:
        """How far board time is behind the wall clock's."""
        return self._wall_us() - self._board_us()

    def now_us(self) -> int:
        return self._stalls.apply(self._board_us())

    def hold(self) -> None:
        self._base_us = self._board_us()
        self._held = True

    def release(self) -> None:
        self._held = False
        self._restart_clocks()

    def transfer(self, byte_count: int) -> None:
        """A transfer costs the time it takes the board to ask for it."""

    def pass_until(self, t_us: int) -> float:
        goal_us = self._stalls.before(t_us)
        wall_us = self._wall_us()
        self._base_us = max(self._base_us, min(goal_us, wall_us))
        return max(goal_us - wall_us, 0) / (self.speed * 1e6)

    def stall(self, at_us: int, duration_us: int) -> None:
        self._stalls.add(at_us, duration_us)

    def _restart_clocks(self) -> None:
        self._base_wall_us = self._wall_us()
        self._base_busy_us = self._busy_us()

    def _board_us(self) -> int:
        if self._held:
            return self._base_us
        passed_us = self._wall_us() - self._base_wall_us
        busy_us = self._busy_us()
        if busy_us is not None and self._base_busy_us is not None:
            passed_us = min(passed_us, busy_us - self._base_busy_us)
        return self._base_us + passed_us

    def _wall_us(self) -> int:
        wall_s = time.monotonic()
        if self._start_s is None:
            self._start_s = wall_s
        return int((wall_s - self._start_s) * self.speed * 1e6)

    def _busy_us(self) -> int | None:
        busy_s = self._busy_s()
        return None if busy_s is None else int(busy_s * self.speed * 1e6)


def _unknown() -> None:
    return None


class Lockstep:
    """Board time moves only when the board waits or transfers.

    Args:
        speed: of a wait against the wall clock; None: it is over at once. A board that has no
            other time than the rig's would run through its time-outs meanwhile, while the host
            that it waits for has hardly begun.
    """

    follows_wall = False

    def __init__(self, speed: float | None = None) -> None:
        if speed is not None and not speed > 0.0:
            raise ValueError(f"speed must be above 0, not {speed}")
        self.speed = speed
        self._moved_us = 0
        self._stalls = Stalls()
        # The request that is being answered came at this board time and wall time.
        self._asked_us = 0
        self._asked_s = 0.0

    def now_us(self) -> int:
        return self._stalls.apply(self._moved_us)

    def hold(self) -> None:
        """It stands still anyway. A wait begins now."""
        self._asked_us = self._moved_us
        self._asked_s = time.monotonic()

    def release(self) -> None:
        """It moves only when asked."""

    def charge_by(self, busy_s: Callable[[], float | None]) -> None:
        """What the board computes takes no time."""

    def transfer(self, byte_count: int) -> None:
        self._moved_us += -(-8 * byte_count // SPI_BITS_PER_US) + TRANSFER_OVERHEAD_US

    def pass_until(self, t_us: int) -> float:
        goal_us = self._stalls.before(t_us)
        if self.speed is not None:
            waited_us = int((time.monotonic() - self._asked_s) * self.speed * 1e6)
            self._moved_us = max(self._moved_us, min(goal_us, self._asked_us + waited_us))
            return max(goal_us - self._moved_us, 0) / (self.speed * 1e6)
        if goal_us >= _NEVER_US:
            return 1.0  # nothing will happen until the board asks for something else
        self._moved_us = max(self._moved_us, goal_us)
        return 0.0

    def stall(self, at_us: int, duration_us: int) -> None:
        self._stalls.add(at_us, duration_us)
