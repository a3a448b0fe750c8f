"""The protocol every machine follows."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

AXES = "xyz"


class Machine(Protocol):
    """Something that shakes the sensor."""

    @property
    def rpm(self) -> float | None:
        """Shaft speed in 1/min (at the end of a run-up), None where it is not known."""

    @property
    def signal_axis(self) -> int:
        """Axis (0, 1, 2 = x, y, z) that shows the machine best."""

    @property
    def ended(self) -> bool:
        """True once samples after the end were asked for. A machine that never ends says False."""

    def block(self, first: int, count: int, rate_hz: float) -> FloatArray:
        """Return samples first .. first+count-1 taken at `rate_hz`.

        Shape (count, 3), acceleration in g without gravity. The same index at the same rate
        gives the same value, whatever was asked before.
        """


class Still:
    """A machine at rest."""

    rpm: float | None = None
    signal_axis = 2
    ended = False

    def block(self, first: int, count: int, rate_hz: float) -> FloatArray:
        return np.zeros((count, 3))


def axis_index(axis: str) -> int:
    """Return 0, 1, 2 of "x", "y", "z".

    Raises:
        ValueError: another name.
    """
    if len(axis) != 1 or axis not in AXES:
        raise ValueError(f"axis must be x, y or z, not '{axis}'")
    return AXES.index(axis)
