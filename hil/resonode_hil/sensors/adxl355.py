"""Analog Devices ADXL355 at register level: three axes to 4 kHz, 20 bits, a FIFO of 96 words.

Written from the datasheet (ADXL354/ADXL355, Rev. D). Modelled: identity, reset, standby and
measurement, rates, ranges, FIFO with markers, threshold and the latched overrun, INT1 of either
polarity, temperature, self-test, SPI and I2C. Not modelled: offsets, activity, INT2, high-pass
filter, external synchronisation, DRDY, filter responses (flat).
"""

from __future__ import annotations

import numpy as np

from resonode_hil.sensors.plain import FloatArray, Int32Array, PlainAccelerometer

DEVID_AD = 0x00
STATUS = 0x04
FIFO_ENTRIES = 0x05
TEMP2 = 0x06
XDATA3 = 0x08
FIFO_DATA = 0x11
OFFSET_X_H = 0x1E
FILTER = 0x28
FIFO_SAMPLES = 0x29
INT_MAP = 0x2A
RANGE = 0x2C
POWER_CTL = 0x2D
SELF_TEST = 0x2E
RESET = 0x2F

IDS = (0xAD, 0x1D, 0xED, 0x01)
WRITABLE = frozenset([*range(0x1E, 0x2F)])
DEFAULTS = {FIFO_SAMPLES: 0x60, RANGE: 0x81, POWER_CTL: 0x01}
STATUS_NVM_BUSY, STATUS_FIFO_OVR, STATUS_FIFO_FULL, STATUS_DATA_RDY = 0x10, 0x04, 0x02, 0x01
INT_FULL_EN1, INT_OVR_EN1 = 0x02, 0x04
RANGE_INT_POL = 0x40
STANDBY = 0x01
RESET_CODE = 0x52
EMPTY_MARK, X_MARK = 0x02, 0x01

LSB_PER_G = 256_000.0  # at +-2.048 g
WORDS_PER_SAMPLE = 3
RESET_US = 1_000
TEMPERATURE_AT_25_C, LSB_PER_DEGREE = 1885, -9.05


class Adxl355(PlainAccelerometer):
    """One chip. See PlainAccelerometer."""

    BOOT_US = 10_000
    NOISE_G_RTHZ = np.full(3, 22.5e-6)  # table 1
    PUSH_G = np.array([0.3, 0.3, 1.5])  # table 1, typical
    SETTLE_US = 10_000
    TAP_DTYPE = np.int32
    REGISTERS = 64

    def _power_up(self) -> None:
        self._words_read = 0  # of the oldest sample
        self._byte = 0  # of the word being read
        self._latched = False
        for address in WRITABLE:
            self._regs[address] = DEFAULTS.get(address, 0)
        self._apply()

    def _apply(self) -> None:
        standby = self._regs[POWER_CTL] & STANDBY
        self._convert_at(0.0 if standby else 4000.0 / (1 << (self._regs[FILTER] & 0x0F)))
        if standby:
            self._words_read = 0
        self._batch(not standby)

    def _enter(self, start: int) -> None:
        super()._enter(start)
        self._latched |= self.overrun
        self.overrun = False

    def _lsb(self, accel_g: FloatArray) -> Int32Array:
        step = 1 << (max(self._regs[RANGE] & 3, 1) - 1)
        value = np.rint(accel_g * (LSB_PER_G / step))
        return np.clip(value, -(1 << 19), (1 << 19) - 1).astype(np.int32)

    @property
    def _bandwidth_hz(self) -> float:
        return self.rate_hz / 4.0

    @property
    def _pushed(self) -> float:
        return 1.0 if self._regs[SELF_TEST] & 3 == 3 else 0.0

    @property
    def _words(self) -> int:
        return WORDS_PER_SAMPLE * self.waiting - self._words_read

    @property
    def _watermark(self) -> int:
        if not self._regs[INT_MAP] & INT_FULL_EN1:
            return 0
        return -(-(self._regs[FIFO_SAMPLES] + self._words_read) // WORDS_PER_SAMPLE)

    def _sources(self) -> int:
        full = 0 < self._regs[FIFO_SAMPLES] <= self._words
        busy = self._now_us < self._busy_until_us
        return (
            busy * STATUS_NVM_BUSY
            | self._latched * STATUS_FIFO_OVR
            | full * STATUS_FIFO_FULL
            | (self._end > 0) * STATUS_DATA_RDY
        )

    def irq(self) -> bool:
        """Return the level of INT1."""
        high = bool(self._sources() & self._regs[INT_MAP] & (INT_FULL_EN1 | INT_OVR_EN1))
        return high == bool(self._regs[RANGE] & RANGE_INT_POL)

    # ---- registers ----

    def _command(self, byte: int) -> tuple[int, bool, bool]:
        return byte >> 1 & 0x3F, bool(byte & 1), True

    def _next(self, address: int) -> int:
        return address if address == FIFO_DATA else (address + 1) % self.REGISTERS

    def _read_register(self, address: int) -> int:
        if address == FIFO_DATA:
            return self._fifo_byte()
        if address == STATUS:
            value, self._latched = self._sources(), False
            return value
        if address == FIFO_ENTRIES:
            return self._words
        if address in (TEMP2, TEMP2 + 1):
            raw = round(TEMPERATURE_AT_25_C + LSB_PER_DEGREE * (self.temperature_c - 25.0))
            return raw >> 8 & 0x0F if address == TEMP2 else raw & 0xFF
        if XDATA3 <= address < XDATA3 + 9:
            axis, byte = divmod(address - XDATA3, 3)
            newest = int(self._rows(self._end - 1, self._end)[0][axis])
            return newest << 4 >> 8 * (2 - byte)
        return IDS[address] if address < len(IDS) else self._regs[address]

    def _fifo_byte(self) -> int:
        """Return the next byte of the FIFO: three a word, 20 bits left-justified, two marks."""
        if not self.waiting:
            word = EMPTY_MARK
        else:
            word = int(self._front()[self._words_read]) << 4 | (self._words_read == 0) * X_MARK
        value = word >> 8 * (2 - self._byte)
        self._byte = (self._byte + 1) % 3
        if not self._byte and self.waiting:
            self._words_read = (self._words_read + 1) % WORDS_PER_SAMPLE
            if not self._words_read:
                self._pop()
        return value

    def _read_ended(self) -> None:
        self._byte = 0  # a transfer starts with a whole word

    def _write_register(self, address: int, value: int) -> None:
        if address == RESET and value == RESET_CODE:
            self._power_up()
            self._busy_until_us = self._now_us + RESET_US
            return
        if address in WRITABLE:
            self._regs[address] = value
            self._remake()
            self._apply()
