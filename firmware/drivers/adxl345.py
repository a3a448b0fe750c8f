# Runs on: MicroPython and CPython
# Analog Devices ADXL345: 3-axis accelerometer, 3.2 kHz over SPI, 800 Hz over I2C, 13 bits.
# Source: ADXL345 datasheet Rev. E.
#
# At 3.2 kHz the lowest bit of full resolution is always 0: steps of 7.8 mg.

import dsp

from firmware.drivers.accelerometer import PlainFifo
from firmware.drivers.registers import I2cRegisters, SpiRegisters

NAME = "adxl345"
I2C_ADDRESSES = (0x53, 0x1D)
SPI_OPTIONS = {"baudrate": 5000000, "polarity": 1, "phase": 1}
_SPI_READ = 0xC0  # with the bit for several bytes

_DEVID, _ID = 0x00, 0xE5
_BW_RATE, _POWER_CTL, _INT_ENABLE, _INT_MAP, _INT_SOURCE = 0x2C, 0x2D, 0x2E, 0x2F, 0x30
_DATA_FORMAT, _DATAX0, _FIFO_CTL, _FIFO_STATUS = 0x31, 0x32, 0x38, 0x39

_RATE_CODES = {3200.0: 0x0F, 800.0: 0x0D}
_MEASURE, _STANDBY = 0x08, 0x00
_INT_WATERMARK, _INT_OVERRUN = 0x02, 0x01
_FORMAT_FULL_RES_LEFT, _FORMAT_PUSH = 0x0C, 0x80
_FIFO_STREAM, _FIFO_BYPASS = 0x80, 0x00
_LEVEL = 0x3F

_RANGE_CODES = {2: 0, 4: 1, 8: 2, 16: 3}
# Turn-on: 1.1 ms and a period (datasheet, page 5), and filters.
_TURN_ON_US = 10000


def over_spi(spi, cs, clock):
    return ADXL345(SpiRegisters(spi, cs, read=_SPI_READ), clock, 3200.0)


def over_i2c(i2c, address, clock):
    # 400 kHz are enough for 800 samples a second (datasheet, table 12).
    return ADXL345(I2cRegisters(i2c, address), clock, 800.0)


class ADXL345(PlainFifo):
    name = NAME
    fifo_entries = 32
    watermarks = (4, 24)
    # At 2.5 V x and y change by 0.2..2.1 g, z by 0.3..3.4 g; at 3.3 V, which our boards have, by
    # 1.77 times and 1.47 times that (tables 1 and 14). y goes the other way.
    test_full_scale_g = 16
    test_settle_us = 20000
    test_least_g = (0.354, -3.717, 0.441)
    test_most_g = (3.717, -0.354, 4.998)

    def __init__(self, bus, clock, rate_hz: float) -> None:
        super().__init__(bus, clock)
        self.rate_hz = rate_hz
        self.max_hz = rate_hz / 2
        top_hz = int(rate_hz * 3 / 8)
        self.defaults = {
            "watermark": 16,
            "window": 512,
            "envelope_bands": [[top_hz // 3, top_hz]],
            "envelope_max_hz": top_hz // 4,
            "velocity_hi_hz": min(rate_hz * 3 / 8, 1000.0),
        }
        self._one_entry = bytearray(self.entry_bytes)

    def identify(self) -> None:
        self._check_identity(_DEVID, _ID)

    async def _setup(self, full_scale_g: int, watermark: int) -> None:
        # There is no reset; every register that matters is written.
        bus = self._bus
        bus.write(_POWER_CTL, _STANDBY)
        bus.write(_FIFO_CTL, _FIFO_BYPASS)
        bus.write(_BW_RATE, _RATE_CODES[self.rate_hz])
        self._format = _FORMAT_FULL_RES_LEFT | _RANGE_CODES[full_scale_g]
        # Largest of 10 + range bits, the lowest of which is 0 at the upper rates.
        dead_bits = 1 if self.rate_hz > 800 else 0
        self._top = 32768 - (64 << dead_bits >> _RANGE_CODES[full_scale_g])
        bus.write(_DATA_FORMAT, self._format)
        bus.write(_INT_MAP, 0)
        bus.write(_INT_ENABLE, _INT_WATERMARK)
        bus.write(_POWER_CTL, _MEASURE)
        await self._pause(_TURN_ON_US)

    def start(self) -> None:
        self._bus.write(_FIFO_CTL, _FIFO_BYPASS)  # empties the FIFO
        self._bus.write(_FIFO_CTL, _FIFO_STREAM | self._watermark)

    def stop(self) -> None:
        self._bus.write(_POWER_CTL, _STANDBY)
        self._bus.write(_FIFO_CTL, _FIFO_BYPASS)

    def _push(self, on: bool) -> None:
        self._bus.write(_DATA_FORMAT, self._format | (_FORMAT_PUSH if on else 0))

    def level(self) -> int:
        self.overrun = self._bus.read(_INT_SOURCE) & _INT_OVERRUN != 0
        entries = self._bus.read(_FIFO_STATUS) & _LEVEL
        self.looked_us = self._clock.now_us()
        return entries

    def _fetch(self, image) -> None:
        # An entry is one transfer: the next one takes its place after the chip is deselected.
        for at in range(0, len(image), self.entry_bytes):
            self._bus.read_into(_DATAX0, image[at : at + self.entry_bytes])

    def _split(self, image, count: int, x, y, z, at: int) -> int:
        return dsp.xyz_split(image, count, self.entry_bytes, self._top, x, y, z, at)
