"""What all models of air sensors share: the air around them, their clock, noise and tap."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from resonode_hil.machine.draws import NormalDraws
from resonode_hil.room import AirState


class Air(Protocol):
    """Where a sensor stands: a Room, or anything that has its air at a time."""

    def at(self, t_s: float) -> AirState:
        """Return the air at board time `t_s`."""


class Constant:
    """Air that stays as it is."""

    def __init__(self, state: AirState | None = None) -> None:
        self.state = state or AirState()

    def at(self, t_s: float) -> AirState:
        return self.state


class AirChip:
    """Base of the models.

    Args:
        air: around the sensor.
        clock_error: how much too fast its oscillator runs, as a share.
        noise: 1 as in the datasheet, 0 none.
        seed: of the noise.

    Attributes:
        saturated: the air is beyond its range, whatever it is.
        tap: (board time, what was measured as it left the converter) of every measurement.
    """

    def __init__(
        self,
        air: Air | None = None,
        *,
        clock_error: float = 0.0,
        noise: float = 1.0,
        seed: int = 1,
    ) -> None:
        self.air = air or Constant()
        self.saturated = False
        self.tap: list[tuple[int, tuple[float, ...]]] = []
        self.now_us = 0
        self.powered_us = 0
        self._powered = False
        self._pace = 1.0 / (1.0 + clock_error)
        self._noise = noise
        self._draws = NormalDraws((seed, 77), 8, 256)

    def advance(self, t_us: int) -> None:
        """Run until board time `t_us`. The first call is when it gets its power."""
        if not self._powered:
            self._powered, self.powered_us = True, t_us
            self.now_us = t_us
            self._power_up()
        self.now_us = max(self.now_us, t_us)
        self._run()

    def _power_up(self) -> None:
        """Start as after power-on."""

    def _run(self) -> None:
        """Do what is due up to now."""

    def takes(self, us: float) -> int:
        """Return the board time in which its oscillator counts `us`."""
        return int(us * self._pace)

    def air_at(self, t_us: int) -> AirState:
        """Return the air around it at board time `t_us`."""
        return self.air.at(t_us * 1e-6)

    def scatter(self, *deviations: float) -> list[float]:
        """Return one draw for each standard deviation; new ones for every measurement."""
        row = self._draws.rows(len(self.tap), 1)[0].astype(np.float64)
        return [self._noise * d * float(x) for d, x in zip(deviations, row, strict=False)]

    def note(self, t_us: int, *words: float) -> None:
        """Keep a measurement for the tests."""
        self.tap.append((t_us, words))


def clipped(value: float, low: int, high: int) -> int:
    """Return `value` rounded and kept within low..high."""
    return min(max(round(value), low), high)
