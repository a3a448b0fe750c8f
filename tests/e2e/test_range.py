"""A signal beyond the sensor's range is not passed off as a healthy one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

import resonode
from resonode_hil.machine.base import Still

from .conftest import RigFactory, run


class Shaker(Still):
    """A sine of 40 g, which a sensor of 16 g cannot follow."""

    def block(self, first: int, count: int, rate_hz: float) -> npt.NDArray[np.float64]:
        """Return samples first .. first+count-1, (count, 3), g."""
        t_s = np.arange(first, first + count) / rate_hz
        out = np.zeros((count, 3))
        out[:, 0] = 40 * np.sin(2 * np.pi * 100 * t_s)
        return out


def test_saturated_axis_says_so_and_the_others_do_not(rig: RigFactory) -> None:
    async def scenario() -> list[resonode.Features]:
        found = []
        async with resonode.connect(one.port) as node:
            async for record in node.records():
                if isinstance(record, resonode.Features):
                    found.append(record)
                if len(found) == 30:
                    return found
        raise AssertionError("the stream ended")

    one = rig(Shaker())
    for record in run(scenario()):
        assert record.saturated == (1 if record.axis_name == "x" else None)
