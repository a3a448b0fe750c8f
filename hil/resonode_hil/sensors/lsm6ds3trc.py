"""ST LSM6DS3TR-C at register level, its accelerometer: three axes to 6.66 kHz, 16 bits, 4 KB FIFO.

Written from the datasheet (DocID030071 Rev 3) and application note AN5130. Modelled: identity,
boot and reset, rates, full scale, the FIFO's accelerometer data set in bypass and continuous mode
with threshold, overrun, empty flag and pattern, INT1 of either polarity, temperature, self-test,
SPI and I2C. Not modelled: the gyroscope, other data sets and decimation in the FIFO (it stays
empty), embedded functions, INT2, time stamps, filter responses (flat).
"""

from __future__ import annotations

import numpy as np

from resonode_hil.sensors.plain import FloatArray, Int32Array, PlainAccelerometer, left_justified

FIFO_CTRL1 = 0x06
FIFO_CTRL2 = 0x07
FIFO_CTRL3 = 0x08
FIFO_CTRL5 = 0x0A
INT1_CTRL = 0x0D
WHO_AM_I = 0x0F
CTRL1_XL = 0x10
CTRL3_C = 0x12
CTRL5_C = 0x14
STATUS_REG = 0x1E
OUT_TEMP_L = 0x20
OUTX_L_XL = 0x28
FIFO_STATUS1 = 0x3A
FIFO_STATUS2 = 0x3B
FIFO_STATUS3 = 0x3C
FIFO_DATA_OUT_L = 0x3E
FIFO_DATA_OUT_H = 0x3F

ID = 0x6A
WRITABLE = frozenset([0x01, *range(0x04, 0x0C), 0x0D, 0x0E, *range(0x10, 0x1B), *range(0x58, 0x60)])
DEFAULTS = {CTRL3_C: 0x04}
CTRL3_SW_RESET, CTRL3_IF_INC, CTRL3_H_LACTIVE, CTRL3_BOOT = 0x01, 0x04, 0x20, 0x80
INT1_FTH = 0x08
FIFO_CONTINUOUS = 6
NO_DECIMATION = 1

# Output data rates by code; the FIFO's own have the same codes.
RATES_HZ = (0.0, 12.5, 26.0, 52.0, 104.0, 208.0, 416.0, 833.0, 1660.0, 3330.0, 6660.0)
FULL_SCALES_G = (2, 16, 4, 8)
G_PER_LSB = {2: 0.061e-3, 4: 0.122e-3, 8: 0.244e-3, 16: 0.488e-3}
WORDS_PER_SAMPLE = 3
BOOT_US = 15_000
SW_RESET_US = 50


class Lsm6ds3trc(PlainAccelerometer):
    """One chip. See PlainAccelerometer."""

    BOOT_US = BOOT_US
    DEPTH = 2048 // WORDS_PER_SAMPLE
    NOISE_G_RTHZ = np.full(3, 90e-6)  # high-performance mode, 2 g (table 3)
    PUSH_G = np.array([0.55, 0.5, 0.8])  # 90..1700 mg (table 3)

    def _power_up(self) -> None:
        self._words_read = 0  # of the oldest sample
        for address in WRITABLE:
            self._regs[address] = DEFAULTS.get(address, 0)
        self._apply()

    def _apply(self) -> None:
        code = self._regs[CTRL1_XL] >> 4
        self._convert_at(RATES_HZ[code] if code < len(RATES_HZ) else 0.0)
        ctrl5 = self._regs[FIFO_CTRL5]
        plain = self._regs[FIFO_CTRL3] == NO_DECIMATION and ctrl5 >> 3 & 15 == code
        on = ctrl5 & 7 == FIFO_CONTINUOUS and plain
        if not on:
            self._words_read = 0
        self._batch(on)

    def _lsb(self, accel_g: FloatArray) -> Int32Array:
        full_scale_g = FULL_SCALES_G[self._regs[CTRL1_XL] >> 2 & 3]
        return left_justified(accel_g, G_PER_LSB[full_scale_g], 16)

    @property
    def _bandwidth_hz(self) -> float:
        # The analogue filter's 1.5 kHz at the upper rates (BW0_XL = 0).
        return min(self.rate_hz / 2.0, 1500.0)

    @property
    def _pushed(self) -> float:
        return {1: 1.0, 2: -1.0}.get(self._regs[CTRL5_C] & 3, 0.0)

    @property
    def _threshold(self) -> int:
        return self._regs[FIFO_CTRL1] | (self._regs[FIFO_CTRL2] & 7) << 8

    @property
    def _words(self) -> int:
        return WORDS_PER_SAMPLE * self.waiting - self._words_read

    @property
    def _watermark(self) -> int:
        if not self._regs[INT1_CTRL] & INT1_FTH:
            return 0
        return -(-(self._threshold + self._words_read) // WORDS_PER_SAMPLE)

    def irq(self) -> bool:
        """Return the level of INT1."""
        routed = bool(self._regs[INT1_CTRL] & INT1_FTH)
        high = routed and 0 < self._threshold <= self._words
        return high != bool(self._regs[CTRL3_C] & CTRL3_H_LACTIVE)

    # ---- registers ----

    def _next(self, address: int) -> int:
        if not self._regs[CTRL3_C] & CTRL3_IF_INC:
            return address
        return FIFO_DATA_OUT_L if address == FIFO_DATA_OUT_H else (address + 1) & 0x7F

    def _read_register(self, address: int) -> int:
        if address in (FIFO_DATA_OUT_L, FIFO_DATA_OUT_H):
            return self._fifo_byte(address - FIFO_DATA_OUT_L)
        if FIFO_STATUS1 <= address <= FIFO_STATUS3:
            return self._fifo_status(address)
        if OUTX_L_XL <= address < OUTX_L_XL + 6:
            offset = address - OUTX_L_XL
            newest = self._rows(self._end - 1, self._end)[0]
            return int(newest[offset // 2]) >> 8 * (offset % 2)
        if address in (OUT_TEMP_L, OUT_TEMP_L + 1):
            raw = round((self.temperature_c - 25.0) * 256)
            return raw >> 8 * (address - OUT_TEMP_L)
        if address == CTRL3_C:
            busy = CTRL3_SW_RESET if self._now_us < self._busy_until_us else 0
            return self._regs[CTRL3_C] | busy
        fixed = {WHO_AM_I: ID, STATUS_REG: int(self._end > 0)}
        return fixed.get(address, self._regs[address])

    def _fifo_status(self, address: int) -> int:
        words = self._words
        if address == FIFO_STATUS1:
            return words & 0xFF
        if address == FIFO_STATUS2:
            reached = 0 < self._threshold <= words
            return reached << 7 | self.overrun << 6 | (words == 0) << 4 | words >> 8 & 7
        return self._words_read  # the pattern: which word comes next

    def _fifo_byte(self, offset: int) -> int:
        if not self.waiting:
            return 0
        value = int(self._front()[self._words_read]) >> 8 * offset
        if offset:
            self._words_read = (self._words_read + 1) % WORDS_PER_SAMPLE
            self.overrun = False
            if not self._words_read:
                self._pop()
        return value

    def _write_register(self, address: int, value: int) -> None:
        if address not in WRITABLE:
            return
        self._regs[address] = value
        self._remake()
        if address == CTRL3_C:
            self._regs[CTRL3_C] &= ~(CTRL3_SW_RESET | CTRL3_BOOT)
            if value & CTRL3_SW_RESET:
                self._power_up()
                self._busy_until_us = self._now_us + SW_RESET_US
            elif value & CTRL3_BOOT:
                self._busy_until_us = self._now_us + BOOT_US
        self._apply()
