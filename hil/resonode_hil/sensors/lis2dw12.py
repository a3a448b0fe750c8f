"""ST LIS2DW12 at register level: three axes to 1.6 kHz, 14 bits, a FIFO of 32, SPI and I2C.

Written from the datasheet (DocID029682 Rev 3) and application note AN5038 Rev 5. Modelled:
identity, boot and reset, power modes as far as they set rate and bits, full scale, FIFO in bypass
and continuous mode with watermark and overrun, INT1, both temperature outputs, self-test. Not
modelled: events (wake-up, tap, free fall, 6D), INT2, high-pass filter, single conversion on demand,
the other FIFO modes (they stay empty), filter responses (flat).
"""

from __future__ import annotations

import numpy as np

from resonode_hil.sensors.plain import FloatArray, Int32Array, PlainAccelerometer, left_justified

OUT_T_L = 0x0D
WHO_AM_I = 0x0F
CTRL1 = 0x20
CTRL2 = 0x21
CTRL3 = 0x22
CTRL4_INT1 = 0x23
CTRL6 = 0x25
OUT_T = 0x26
STATUS = 0x27
OUT_X_L = 0x28
OUT_Z_H = 0x2D
FIFO_CTRL = 0x2E
FIFO_SAMPLES = 0x2F

ID = 0x44
WRITABLE = frozenset([*range(0x20, 0x26), 0x2E, *range(0x30, 0x37), *range(0x3C, 0x40)])
CTRL2_BOOT, CTRL2_SOFT_RESET, CTRL2_IF_ADD_INC = 0x80, 0x40, 0x04
CTRL3_H_LACTIVE = 0x08
CTRL6_LOW_NOISE = 0x04
INT1_FTH = 0x02
FIFO_CONTINUOUS = 6

# ODR code -> Hz; above code 5 a low-power mode stays at 200 Hz.
RATES_HZ = (0.0, 12.5, 12.5, 25.0, 50.0, 100.0, 200.0, 400.0, 800.0, 1600.0)
HIGH_PERFORMANCE = 0b01
BOOT_US = 20_000
SOFT_RESET_US = 5
G_PER_LSB_14_BITS = 0.244e-3  # at 2 g (table 3)


class Lis2dw12(PlainAccelerometer):
    """One chip. See PlainAccelerometer."""

    BOOT_US = BOOT_US
    NOISE_G_RTHZ = np.full(3, 90e-6)  # high-performance, low-noise (table 3)
    PUSH_G = np.array([0.42, 0.38, 0.6])  # 70..1500 mg (table 3)

    def _power_up(self) -> None:
        for address in WRITABLE:
            self._regs[address] = 0
        self._regs[CTRL2] = CTRL2_IF_ADD_INC
        self._apply()

    def _apply(self) -> None:
        code, self._mode = self._regs[CTRL1] >> 4, self._regs[CTRL1] >> 2 & 3
        rate_hz = RATES_HZ[min(code, 9)]
        self._convert_at(rate_hz if self._mode == HIGH_PERFORMANCE else min(rate_hz, 200.0))
        self._batch(self._regs[FIFO_CTRL] >> 5 == FIFO_CONTINUOUS)

    def _lsb(self, accel_g: FloatArray) -> Int32Array:
        bits = 12 if self._regs[CTRL1] & 0x0F == 0 else 14
        g_per_lsb = G_PER_LSB_14_BITS * (1 << (self._regs[CTRL6] >> 4 & 3)) * (1 << (14 - bits))
        return left_justified(accel_g, g_per_lsb, bits)

    @property
    def _bandwidth_hz(self) -> float:
        # ODR/2, /4, /10, /20; of the first at 1600 Hz the analogue filter leaves 400 Hz.
        divisor = (2, 4, 10, 20)[self._regs[CTRL6] >> 6]
        wide = divisor == 2 and self._nominal_hz == 1600.0
        return 400.0 if wide else self.rate_hz / divisor

    @property
    def _pushed(self) -> float:
        return {1: 1.0, 2: -1.0}.get(self._regs[CTRL3] >> 6, 0.0)

    @property
    def _watermark(self) -> int:
        return self._regs[FIFO_CTRL] & 0x1F if self._regs[CTRL4_INT1] & INT1_FTH else 0

    def irq(self) -> bool:
        """Return the level of INT1."""
        high = 0 < self._watermark <= self.waiting
        return high != bool(self._regs[CTRL3] & CTRL3_H_LACTIVE)

    # ---- registers ----

    def _next(self, address: int) -> int:
        if not self._regs[CTRL2] & CTRL2_IF_ADD_INC:
            return address
        if address == OUT_Z_H and self._batching:
            return OUT_X_L  # so that one burst reads many samples
        return (address + 1) & 0x7F

    def _read_register(self, address: int) -> int:
        if OUT_X_L <= address <= OUT_Z_H:
            return self._output(address - OUT_X_L)
        if address in (OUT_T_L, OUT_T_L + 1):
            raw = round((self.temperature_c - 25.0) * 16) << 4
            return raw >> 8 * (address - OUT_T_L)
        if address == FIFO_SAMPLES:
            threshold = self._regs[FIFO_CTRL] & 0x1F
            reached = 0 < threshold <= self.waiting
            return reached << 7 | self.overrun << 6 | self.waiting
        if address == CTRL2:
            return self._regs[CTRL2] | self._busy()
        if address == STATUS:
            return int(self._end > 0)
        fixed = {WHO_AM_I: ID, OUT_T: round(self.temperature_c - 25.0)}
        return fixed.get(address, self._regs[address])

    def _output(self, offset: int) -> int:
        value = int(self._front()[offset // 2]) >> 8 * (offset % 2)
        if offset == OUT_Z_H - OUT_X_L:
            self._pop()
        return value

    def _busy(self) -> int:
        return CTRL2_SOFT_RESET if self._now_us < self._busy_until_us else 0

    def _write_register(self, address: int, value: int) -> None:
        if address not in WRITABLE:
            return
        self._regs[address] = value
        self._remake()
        if address == CTRL2:
            self._regs[CTRL2] &= ~(CTRL2_SOFT_RESET | CTRL2_BOOT)
            if value & CTRL2_SOFT_RESET:
                self._power_up()
                self._busy_until_us = self._now_us + SOFT_RESET_US
            elif value & CTRL2_BOOT:
                self._busy_until_us = self._now_us + BOOT_US
        self._apply()
