# Runs on: MicroPython and CPython
# ST LIS2DW12: 3-axis accelerometer, 1.6 kHz, 14 bits, low power, SPI and I2C.
# Source: LIS2DW12 datasheet DocID029682 Rev 3 and application note AN5038 Rev 5.

import dsp

from firmware.drivers.accelerometer import G_M_S2, PlainFifo
from firmware.drivers.registers import I2cRegisters, SpiRegisters

NAME = "lis2dw12"
I2C_ADDRESSES = (0x18, 0x19)
SPI_OPTIONS = {"baudrate": 10000000, "polarity": 1, "phase": 1}

_WHO_AM_I, _ID = 0x0F, 0x44
_OUT_T_L = 0x0D
_CTRL1, _CTRL2, _CTRL3, _CTRL4_INT1, _CTRL6 = 0x20, 0x21, 0x22, 0x23, 0x25
_OUT_X_L = 0x28
_FIFO_CTRL, _FIFO_SAMPLES = 0x2E, 0x2F

_CTRL1_1600_HZ_HIGH_PERFORMANCE = 0x94
_CTRL2_SOFT_RESET, _CTRL2_BDU, _CTRL2_IF_ADD_INC = 0x40, 0x08, 0x04
_CTRL3_PUSH = 0x40
_CTRL4_INT1_FTH = 0x02
_CTRL6_LOW_NOISE = 0x04
_FIFO_CONTINUOUS, _FIFO_BYPASS = 0xC0, 0x00
_SAMPLES_OVERRUN, _SAMPLES_LEVEL = 0x40, 0x3F

_FULL_SCALE_BITS = {2: 0x00, 4: 0x10, 8: 0x20, 16: 0x30}
# 0.244 mg at 2 g (table 3), and two bits more: the values are at the upper end of 16.
_LSB_2_G = 0.244e-3 / 4
_TOP = 32764  # largest of 14 bits

# The reset takes 5 us (datasheet), the first samples in high-performance mode a few periods.
_RESET_TIMEOUT_US = 50000
_TURN_ON_US = 20000


def over_spi(spi, cs, clock):
    return LIS2DW12(SpiRegisters(spi, cs), clock)


def over_i2c(i2c, address, clock):
    return LIS2DW12(I2cRegisters(i2c, address), clock)


class LIS2DW12(PlainFifo):
    name = NAME
    rate_hz = 1600.0
    max_hz = 400.0  # the anti-aliasing filter's, at this rate
    fifo_entries = 32
    watermarks = (4, 24)
    defaults = {
        "full_scale_g": 4,
        "watermark": 16,
        "window": 512,
        "envelope_bands": [[100, 400]],
        "envelope_max_hz": 100,
        "velocity_hi_hz": 400.0,
    }
    test_least_g = (0.07, 0.07, 0.07)
    test_most_g = (1.5, 1.5, 1.5)

    def __init__(self, bus, clock) -> None:
        super().__init__(bus, clock)
        self._two = bytearray(2)

    def scale_m_s2(self, full_scale_g: int) -> float:
        return _LSB_2_G * full_scale_g / 2 * G_M_S2

    def identify(self) -> None:
        self._check_identity(_WHO_AM_I, _ID)

    async def _setup(self, full_scale_g: int, watermark: int) -> None:
        bus = self._bus
        bus.write(_CTRL2, _CTRL2_SOFT_RESET | _CTRL2_IF_ADD_INC)
        await self._wait_until_clear(_CTRL2, _CTRL2_SOFT_RESET, _RESET_TIMEOUT_US)
        bus.write(_CTRL2, _CTRL2_BDU | _CTRL2_IF_ADD_INC)
        bus.write(_CTRL6, _FULL_SCALE_BITS[full_scale_g] | _CTRL6_LOW_NOISE)
        bus.write(_CTRL4_INT1, _CTRL4_INT1_FTH)
        bus.write(_CTRL1, _CTRL1_1600_HZ_HIGH_PERFORMANCE)
        await self._pause(_TURN_ON_US)

    def start(self) -> None:
        self._bus.write(_FIFO_CTRL, _FIFO_BYPASS)  # empties the FIFO
        self._bus.write(_FIFO_CTRL, _FIFO_CONTINUOUS | self._watermark)

    def stop(self) -> None:
        self._bus.write(_FIFO_CTRL, _FIFO_BYPASS)
        self._bus.write(_CTRL1, 0)

    def _push(self, on: bool) -> None:
        self._bus.write(_CTRL3, _CTRL3_PUSH if on else 0)

    def level(self) -> int:
        status = self._bus.read(_FIFO_SAMPLES)
        self.looked_us = self._clock.now_us()
        self.overrun = status & _SAMPLES_OVERRUN != 0
        return status & _SAMPLES_LEVEL

    def _fetch(self, image) -> None:
        # The address goes back from the last axis to the first: one transfer.
        self._bus.read_into(_OUT_X_L, image)

    def _split(self, image, count: int, x, y, z, at: int) -> int:
        return dsp.xyz_split(image, count, self.entry_bytes, _TOP, x, y, z, at)

    def temperature_c(self):
        # 12 bits at the upper end of 16: 16 LSB per degree, 0 at 25 C.
        self._bus.read_into(_OUT_T_L, self._two)
        raw = self._two[0] | self._two[1] << 8
        return 25 + (raw - 65536 if raw & 0x8000 else raw) / 256
