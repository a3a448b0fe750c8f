"""Machines and a driver as plain as possible, for tests of the rig."""

from __future__ import annotations

import numpy as np

from resonode_hil.sensors import iis3dwb as chip

MG_PER_LSB_16G = 0.488e-3


class Level:
    """A machine that pulls steadily: g on x, y, z."""

    rpm = None
    signal_axis = 2
    ended = False

    def __init__(self, *accel_g: float) -> None:
        self._accel_g = np.array(accel_g)

    def block(self, first: int, count: int, rate_hz: float) -> np.ndarray:
        return np.tile(self._accel_g, (count, 1))


class Counting:
    """A machine whose sample k is k LSB on x, -k on y (at 16 g): every sample says which it is."""

    rpm = None
    signal_axis = 0
    ended = False

    def block(self, first: int, count: int, rate_hz: float) -> np.ndarray:
        index = np.arange(first, first + count) % 30000 * MG_PER_LSB_16G
        return np.column_stack([index, -index, np.zeros(count)])


class Bench:
    """One chip and somebody who knows its registers."""

    def __init__(self, machine, **options) -> None:
        options.setdefault("noise_g_rthz", 0.0)
        options.setdefault("gravity_g", (0.0, 0.0, 0.0))
        self.chip = chip.Iis3dwb(machine, **options)
        self.t_us = 0
        self.chip.advance(0)

    def write(self, register: int, *values: int) -> None:
        self.chip.spi(bytes([register, *values]), 0)

    def read(self, register: int, count: int = 1) -> bytes:
        return self.chip.spi(bytes([register | 0x80]), count)

    def run(self, us: int) -> None:
        self.t_us += us
        self.chip.advance(self.t_us)

    def level(self) -> int:
        low, high = self.read(chip.FIFO_STATUS1, 2)
        return low | (high & 3) << 8

    def status2(self) -> int:
        return self.read(chip.FIFO_STATUS2)[0]

    def words(self, count: int | None = None) -> list[bytes]:
        count = self.level() if count is None else count
        data = self.read(chip.FIFO_DATA_OUT_TAG, 7 * count)
        return [data[at : at + 7] for at in range(0, len(data), 7)]

    def setup(
        self,
        *,
        fs: int = 0b01,
        watermark: int = 0,
        mode: int = 6,
        ts: int = 0,
        temperature: bool = False,
        int1: int = 0,
        settle: bool = True,
    ) -> None:
        """Configure and enable; with `settle`, the FIFO starts when turn-on is over."""
        self.write(chip.CTRL10_C, chip.CTRL10_TIMESTAMP_EN)
        self.write(chip.FIFO_CTRL1, watermark & 0xFF, watermark >> 8, 0x0A)
        self.write(chip.INT1_CTRL, int1)
        self.write(chip.CTRL1_XL, 0xA0 | fs << 2)
        if settle:
            self.run(2 * chip.TURN_ON_US)
        self.write(chip.FIFO_CTRL4, ts << 6 | (0x30 if temperature else 0) | mode)


def samples(words: list[bytes]) -> np.ndarray:
    """Return the accelerometer words among `words`, shape (n, 3)."""
    data = b"".join(word[1:] for word in words if word[0] >> 3 == 2)
    return np.frombuffer(data, dtype="<i2").reshape(-1, 3)
