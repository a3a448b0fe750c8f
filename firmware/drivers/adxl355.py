# Runs on: MicroPython and CPython
# Analog Devices ADXL355: low-noise 3-axis accelerometer, 4 kHz over SPI, 2 kHz over I2C, 20 bits.
# Source: ADXL354/ADXL355 datasheet Rev. D.
#
# Of the 20 bits the upper 16 are kept, rounded: the windows, the core and the wire are 16-bit. What
# that costs: a step of 62.5 ug at +-2 g adds 18 ug of noise to the chip's own 711 ug (22.5 ug/rtHz
# over the 1 kHz it passes), 0.003 dB; at +-8 g 72 ug, 0.04 dB. The chip's noise is 2.8 steps or
# more everywhere, so lines below a step are still there after averaging. A range of 16 bits with
# the resolution of 20 would need windows of twice the memory for those 0.04 dB.

import dsp

from firmware.drivers.accelerometer import G_M_S2, PlainFifo
from firmware.drivers.registers import I2cRegisters, SpiRegisters

NAME = "adxl355"
I2C_ADDRESSES = (0x1D, 0x53)
SPI_OPTIONS = {"baudrate": 10000000, "polarity": 0, "phase": 0}

_DEVID_AD, _ID = 0x00, 0xAD
_PARTID, _PART = 0x02, 0xED
_STATUS, _FIFO_ENTRIES, _TEMP2, _FIFO_DATA = 0x04, 0x05, 0x06, 0x11
_FILTER, _FIFO_SAMPLES, _INT_MAP, _RANGE = 0x28, 0x29, 0x2A, 0x2C
_POWER_CTL, _SELF_TEST, _RESET = 0x2D, 0x2E, 0x2F

_STATUS_NVM_BUSY, _STATUS_FIFO_OVR = 0x10, 0x04
_FILTER_CODES = {4000.0: 0, 2000.0: 1}
_INT_FULL_EN1 = 0x02
_RANGE_I2C_HS, _RANGE_ACTIVE_HIGH = 0x80, 0x40
_STANDBY, _MEASURE = 0x01, 0x00
_PUSH = 0x03
_RESET_CODE = 0x52

_RANGE_CODES = {2: 1, 4: 2, 8: 3}
# 3.9 ug at +-2.048 g (table 1: 256000 LSB/g), of 20 bits; 16 remain.
_LSB_2_G = 16 / 256000
_WORDS_PER_SAMPLE = 3

# Both from table 1: power-off to standby, and standby to measurement.
_RESET_TIMEOUT_US = 20000
_RESET_US = 1000
_TURN_ON_US = 20000


def over_spi(spi, cs, clock):
    return ADXL355(SpiRegisters(spi, cs, read=0x01, shift=1), clock, 4000.0)


def over_i2c(i2c, address, clock):
    # 4 kHz would fill nine tenths of a bus of 400 kHz.
    return ADXL355(I2cRegisters(i2c, address), clock, 2000.0)


class ADXL355(PlainFifo):
    name = NAME
    full_scales_g = (2, 4, 8)
    fifo_entries = 32  # 96 words
    watermarks = (4, 24)
    entry_bytes = 9
    # The datasheet gives typical changes only, 0.3, 0.3 and 1.5 g: half and twice these are ours.
    test_full_scale_g = 8
    test_least_g = (0.15, 0.15, 0.75)
    test_most_g = (0.6, 0.6, 3.0)

    def __init__(self, bus, clock, rate_hz: float) -> None:
        super().__init__(bus, clock)
        self.rate_hz = rate_hz
        self.max_hz = rate_hz / 4
        self.defaults = {
            "full_scale_g": 8,
            "watermark": 16,
            "window": 512,
            "envelope_bands": [[rate_hz / 10, rate_hz / 4]],
            "envelope_max_hz": 200,
            "velocity_hi_hz": rate_hz / 4,
        }
        self._two = bytearray(2)

    def scale_m_s2(self, full_scale_g: int) -> float:
        return _LSB_2_G * full_scale_g / 2 * G_M_S2

    def identify(self) -> None:
        self._check_identity(_DEVID_AD, _ID)
        self._check_identity(_PARTID, _PART)

    async def _setup(self, full_scale_g: int, watermark: int) -> None:
        bus = self._bus
        bus.write(_RESET, _RESET_CODE)
        await self._pause(_RESET_US)
        await self._wait_until_clear(_STATUS, _STATUS_NVM_BUSY, _RESET_TIMEOUT_US)
        bus.write(_FILTER, _FILTER_CODES[self.rate_hz])
        bus.write(_FIFO_SAMPLES, watermark * _WORDS_PER_SAMPLE)
        bus.write(_INT_MAP, _INT_FULL_EN1)
        bus.write(_RANGE, _RANGE_I2C_HS | _RANGE_ACTIVE_HIGH | _RANGE_CODES[full_scale_g])
        bus.write(_POWER_CTL, _MEASURE)
        await self._pause(_TURN_ON_US)

    def start(self) -> None:
        # Only reading empties this FIFO, or standby, after which samples need time to settle.
        entry = memoryview(self._image)[: self.entry_bytes]
        for _ in range(2 * self.fifo_entries):
            self._bus.read_into(_FIFO_DATA, entry)
            if not self._bus.read(_FIFO_ENTRIES):
                break
        self._bus.read(_STATUS)  # clears a latched overrun

    def stop(self) -> None:
        self._bus.write(_POWER_CTL, _STANDBY)

    def _push(self, on: bool) -> None:
        self._bus.write(_SELF_TEST, _PUSH if on else 0)

    def level(self) -> int:
        self.overrun = self._bus.read(_STATUS) & _STATUS_FIFO_OVR != 0
        words = self._bus.read(_FIFO_ENTRIES)
        self.looked_us = self._clock.now_us()
        return words // _WORDS_PER_SAMPLE

    def _fetch(self, image) -> None:
        # The address stays at the FIFO: one transfer.
        self._bus.read_into(_FIFO_DATA, image)

    def _split(self, image, count: int, x, y, z, at: int) -> int:
        return dsp.xyz_split(image, count, self.entry_bytes, 32767, x, y, z, at)

    def temperature_c(self):
        # 12 bits: 1885 at 25 C, -9.05 per degree (table 1).
        self._bus.read_into(_TEMP2, self._two)
        return 25 - ((self._two[0] & 0x0F) << 8 | self._two[1]) / 9.05 + 1885 / 9.05
