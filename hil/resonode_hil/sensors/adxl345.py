"""Analog Devices ADXL345 at register level: three axes to 3.2 kHz, 10 to 13 bits, a FIFO of 32.

Written from the datasheet (Rev. E). Modelled: identity, standby and measurement, rates, ranges,
full and fixed resolution, justification, the dead lowest bit of the two upper rates, offsets, FIFO
in bypass and stream mode with watermark and overrun, INT1 of either polarity, self-test at 3.3 V,
SPI with its multiple-byte bit, I2C. Not modelled: activity, tap and free fall, INT2, sleep, link,
FIFO and trigger mode (they stay empty), the 5 us that a new entry takes to reach the output.
"""

from __future__ import annotations

import numpy as np

from resonode_hil.sensors.plain import FloatArray, Int32Array, PlainAccelerometer

DEVID = 0x00
OFSX = 0x1E
BW_RATE = 0x2C
POWER_CTL = 0x2D
INT_ENABLE = 0x2E
INT_MAP = 0x2F
INT_SOURCE = 0x30
DATA_FORMAT = 0x31
DATAX0 = 0x32
DATAZ1 = 0x37
FIFO_CTL = 0x38
FIFO_STATUS = 0x39

ID = 0xE5
WRITABLE = frozenset([*range(0x1D, 0x2B), *range(0x2C, 0x30), 0x31, 0x38])
DEFAULTS = {BW_RATE: 0x0A}
MEASURE = 0x08
FORMAT_SELF_TEST, FORMAT_INT_INVERT, FORMAT_FULL_RES, FORMAT_JUSTIFY = 0x80, 0x20, 0x08, 0x04
INT_WATERMARK, INT_OVERRUN, INT_DATA_READY = 0x02, 0x01, 0x80
FIFO_STREAM = 2
G_PER_OFFSET = 15.6e-3
LSB_PER_G = 256.0  # of every full-resolution range, and of +-2 g
UPPER_RATES_HZ = 1600.0


class Adxl345(PlainAccelerometer):
    """One chip. See PlainAccelerometer."""

    BOOT_US = 1_100
    NOISE_G_RTHZ = np.array([290e-6, 290e-6, 430e-6])
    # Table 1 by the factors for 3.3 V: x 0.35..3.7, y -3.7..-0.35, z 0.44..5.0 g.
    PUSH_G = np.array([1.1, -1.0, 1.7])
    REGISTERS = 64

    def _power_up(self) -> None:
        self._touched = False  # the data registers, in the transfer under way
        for address in WRITABLE:
            self._regs[address] = DEFAULTS.get(address, 0)
        self._apply()

    def _apply(self) -> None:
        code = self._regs[BW_RATE] & 0x0F
        measures = self._regs[POWER_CTL] & MEASURE
        self._convert_at(3200.0 / (1 << (15 - code)) if measures else 0.0)
        self._batch(self._regs[FIFO_CTL] >> 6 == FIFO_STREAM)

    def _lsb(self, accel_g: FloatArray) -> Int32Array:
        data_format = self._regs[DATA_FORMAT]
        code, full = data_format & 3, bool(data_format & FORMAT_FULL_RES)
        half = 512 << code if full else 512
        offsets = np.frombuffer(self._regs[OFSX : OFSX + 3], dtype=np.int8) * G_PER_OFFSET
        lsb = (accel_g + offsets) * (LSB_PER_G if full else LSB_PER_G / (1 << code))
        step = 2 if self._nominal_hz >= UPPER_RATES_HZ and (full or code == 0) else 1
        value = np.clip(step * np.rint(lsb / step), -half, half - step)
        shift = 6 - (code if full else 0) if data_format & FORMAT_JUSTIFY else 0
        shown: Int32Array = (value * (1 << shift)).astype(np.int32)
        return shown

    @property
    def _pushed(self) -> float:
        return 1.0 if self._regs[DATA_FORMAT] & FORMAT_SELF_TEST else 0.0

    @property
    def _watermark(self) -> int:
        routed = self._regs[INT_ENABLE] & ~self._regs[INT_MAP] & INT_WATERMARK
        return self._regs[FIFO_CTL] & 0x1F if routed else 0

    def _sources(self) -> int:
        threshold = self._regs[FIFO_CTL] & 0x1F
        reached = 0 < threshold <= self.waiting
        ready = self.waiting > 0 if self._batching else self._end > 0
        return ready * INT_DATA_READY | reached * INT_WATERMARK | self.overrun * INT_OVERRUN

    def irq(self) -> bool:
        """Return the level of INT1."""
        high = bool(self._sources() & self._regs[INT_ENABLE] & ~self._regs[INT_MAP])
        return high != bool(self._regs[DATA_FORMAT] & FORMAT_INT_INVERT)

    # ---- registers ----

    def _command(self, byte: int) -> tuple[int, bool, bool]:
        return byte & 0x3F, bool(byte & 0x80), bool(byte & 0x40)

    def _read_register(self, address: int) -> int:
        if DATAX0 <= address <= DATAZ1:
            self._touched = True
            offset = address - DATAX0
            return int(self._front()[offset // 2]) >> 8 * (offset % 2)
        if address == INT_SOURCE:
            return self._sources()
        if address == FIFO_STATUS:
            return self.waiting
        return ID if address == DEVID else self._regs[address]

    def _read_ended(self) -> None:
        if self._touched:
            self._touched = False
            self._pop()

    def _write_register(self, address: int, value: int) -> None:
        if address in WRITABLE:
            self._regs[address] = value
            self._remake()
            self._apply()
