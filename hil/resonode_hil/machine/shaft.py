"""How fast the shaft turns, and how far it has turned."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from resonode_hil.machine.base import FloatArray


class ShaftSpeed:
    """Speed over time: straight lines between points, constant before the first, after the last.

    Args:
        points: (time in s, speed in Hz), times rising, speeds >= 0 and the last > 0.
    """

    def __init__(self, points: Iterable[tuple[float, float]]) -> None:
        table = np.array(sorted(points), dtype=np.float64).reshape(-1, 2)
        if not len(table) or not np.all(np.isfinite(table)):
            raise ValueError("a speed profile needs at least one point of finite numbers")
        if np.any(np.diff(table[:, 0]) <= 0.0) or table[0, 0] < 0.0:
            raise ValueError("the times of a speed profile must rise from 0")
        if np.any(table[:, 1] < 0.0) or table[-1, 1] <= 0.0:
            raise ValueError("speeds must be >= 0 Hz, and the last above 0")
        if table[0, 0] > 0.0:
            table = np.vstack([[0.0, table[0, 1]], table])
        self._t = table[:, 0]
        self._hz = table[:, 1]
        step_s = np.diff(self._t)
        self._accel = np.append(np.diff(self._hz) / step_s, 0.0)
        mean_hz = 0.5 * (self._hz[:-1] + self._hz[1:])
        self._turns = np.append(0.0, np.cumsum(mean_hz * step_s))

    @classmethod
    def constant(cls, hz: float) -> ShaftSpeed:
        """Return a shaft that turns at `hz` from the start."""
        return cls([(0.0, hz)])

    @classmethod
    def run_up(cls, from_hz: float, to_hz: float, seconds: float) -> ShaftSpeed:
        """Return a shaft that speeds up evenly over `seconds`, then keeps its speed."""
        return cls([(0.0, from_hz), (seconds, to_hz)])

    @property
    def final_hz(self) -> float:
        """Speed after the last point."""
        return float(self._hz[-1])

    def speed_hz(self, t_s: FloatArray) -> FloatArray:
        """Return the speed at times `t_s`."""
        return np.asarray(np.interp(t_s, self._t, self._hz))

    def turns(self, t_s: FloatArray) -> FloatArray:
        """Return revolutions made from 0 to each of `t_s` (negative times: the speed at 0)."""
        i = np.maximum(np.searchsorted(self._t, t_s, side="right") - 1, 0)
        dt = t_s - self._t[i]
        accel = np.where(t_s < 0.0, 0.0, self._accel[i])
        return np.asarray(self._turns[i] + dt * (self._hz[i] + 0.5 * accel * dt))

    def time_at(self, turns: FloatArray) -> FloatArray:
        """Return the time at which the shaft has made each of `turns` (>= 0) revolutions."""
        i = np.maximum(np.searchsorted(self._turns, turns, side="right") - 1, 0)
        rest = turns - self._turns[i]
        # The stable root of rest = hz*dt + accel/2*dt^2. Where the shaft starts from rest and
        # has not moved, root is 0 and so is dt.
        root = self._hz[i] + np.sqrt(np.maximum(self._hz[i] ** 2 + 2.0 * self._accel[i] * rest, 0))
        dt = np.divide(2.0 * rest, root, out=np.zeros_like(rest), where=root > 0.0)
        return np.asarray(self._t[i] + dt)
