"""What an accelerometer's proof mass feels: the machine, gravity, noise, and faults of its own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from resonode_hil.machine.base import Machine, axis_index
from resonode_hil.machine.draws import NormalDraws

# Beyond the range of every chip.
_SATURATING_G = 1000.0
# Samples made at once: enough to make each one cheap, little enough to be thrown away freely.
BLOCK = 1024

FloatArray = npt.NDArray[np.float64]


class ProofMass:
    """Acceleration along a chip's axes, in g.

    Args:
        machine: what the chip is bolted to; it may be changed.
        gravity_g: in the machine's frame, x, y, z.
        mount: which machine axis each chip axis looks along, as in ("+y", "-x", "+z").
        seed: of the noise.
    """

    def __init__(
        self,
        machine: Machine,
        gravity_g: Sequence[float] = (0.0, 0.0, 1.0),
        mount: Sequence[str] = ("+x", "+y", "+z"),
        seed: int = 1,
    ) -> None:
        self.machine = machine
        self.saturated = False
        self._gravity = np.asarray(gravity_g, dtype=np.float64)
        self._mount = _mount_matrix(mount)
        self._noise = NormalDraws((seed,), 3, BLOCK)

    def still(self, first: int, count: int, rate_hz: float) -> FloatArray:
        """Return what samples first .. first+count-1 would be without noise, shape (count, 3)."""
        return self.along_axes(self.machine.block(first, count, rate_hz))

    def along_axes(self, machine_g: FloatArray) -> FloatArray:
        """Return the machine's acceleration with gravity, along the chip's axes."""
        accel = machine_g + self._gravity
        return accel if self._mount is None else accel @ self._mount.T

    def feel(
        self,
        first: int,
        count: int,
        rate_hz: float,
        push_g: FloatArray | float,
        noise_g: FloatArray | float,
    ) -> FloatArray:
        """Return samples with the self-test's push and noise (RMS, by axis or of all)."""
        accel = self.still(first, count, rate_hz)
        accel += push_g
        if np.any(noise_g):
            accel += noise_g * self._noise.rows(first, count)
        if self.saturated:
            accel += _SATURATING_G
        return accel


def _mount_matrix(mount: Sequence[str]) -> FloatArray | None:
    """Return the rotation into the chip's frame, None when there is nothing to rotate."""
    matrix = np.zeros((3, 3))
    for row, name in enumerate(mount):
        sign = {"+": 1.0, "-": -1.0}.get(name[:1])
        if sign is None:
            raise ValueError(f"a mounting axis is +x, -x ... -z, not '{name}'")
        matrix[row, axis_index(name[1:])] = sign
    if abs(np.linalg.det(matrix)) != 1.0:
        raise ValueError(f"mount must name each axis once, not {tuple(mount)}")
    return None if np.array_equal(matrix, np.eye(3)) else matrix
