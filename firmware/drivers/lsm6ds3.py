# Runs on: MicroPython and CPython
# ST LSM6DS3TR-C, its accelerometer: 6.66 kHz over SPI, 3.33 kHz over I2C, 16 bits, 4 KB of FIFO.
# Source: LSM6DS3TR-C datasheet DocID030071 Rev 3 and application note AN5130.

import dsp

from firmware.drivers.accelerometer import G_M_S2, PlainFifo
from firmware.drivers.registers import I2cRegisters, SpiRegisters

NAME = "lsm6ds3"
I2C_ADDRESSES = (0x6A, 0x6B)
SPI_OPTIONS = {"baudrate": 10000000, "polarity": 1, "phase": 1}

_WHO_AM_I, _ID = 0x0F, 0x6A
_FIFO_CTRL1, _FIFO_CTRL2, _FIFO_CTRL3, _FIFO_CTRL5 = 0x06, 0x07, 0x08, 0x0A
_INT1_CTRL = 0x0D
_CTRL1_XL, _CTRL3_C, _CTRL5_C = 0x10, 0x12, 0x14
_OUT_TEMP_L = 0x20
_FIFO_STATUS1, _FIFO_DATA_OUT_L = 0x3A, 0x3E

_RATE_CODES = {6660.0: 0xA, 3330.0: 0x9}
_CTRL3_BDU, _CTRL3_IF_INC, _CTRL3_SW_RESET = 0x40, 0x04, 0x01
_CTRL5_PUSH = 0x01
_INT1_FTH = 0x08
_FIFO_CTRL3_NO_DECIMATION = 0x01
_FIFO_CONTINUOUS, _FIFO_BYPASS = 0x06, 0x00
_STATUS2_OVERRUN, _STATUS2_EMPTY, _STATUS2_LEVEL = 0x40, 0x10, 0x07
_WORDS_PER_SAMPLE = 3

# full scale in g -> (FS_XL bits, LSB in 1e-6 g)
_FULL_SCALE = {2: (0x00, 61), 4: (0x08, 122), 8: (0x0C, 244), 16: (0x04, 488)}

# The reset takes 50 us, the first samples a few periods (AN5130).
_RESET_TIMEOUT_US = 50000
_TURN_ON_US = 20000


def over_spi(spi, cs, clock):
    return LSM6DS3(SpiRegisters(spi, cs), clock, 6660.0)


def over_i2c(i2c, address, clock):
    # 6.66 kHz would fill nine tenths of a bus of 400 kHz.
    return LSM6DS3(I2cRegisters(i2c, address), clock, 3330.0)


class LSM6DS3(PlainFifo):
    name = NAME
    max_hz = 1500.0  # of the analogue filter
    fifo_entries = 682  # 2048 words
    watermarks = (4, 256)
    test_watermark = 64
    test_least_g = (0.09, 0.09, 0.09)
    test_most_g = (1.7, 1.7, 1.7)

    def __init__(self, bus, clock, rate_hz: float) -> None:
        super().__init__(bus, clock)
        self.rate_hz = rate_hz
        self.defaults = {
            "watermark": 64,
            "envelope_bands": [[500, 1200]],
            "envelope_max_hz": 300,
            # 2048 samples at 6.66 kHz are 0.3 s: too short for 10 Hz.
            "velocity_lo_hz": 20.0 if rate_hz > 5000 else 10.0,
        }
        self._two = bytearray(2)
        self._four = bytearray(4)

    def scale_m_s2(self, full_scale_g: int) -> float:
        return _FULL_SCALE[full_scale_g][1] * G_M_S2 / 1e6

    def identify(self) -> None:
        self._check_identity(_WHO_AM_I, _ID)

    async def _setup(self, full_scale_g: int, watermark: int) -> None:
        bus = self._bus
        bus.write(_CTRL3_C, _CTRL3_SW_RESET | _CTRL3_IF_INC)
        await self._wait_until_clear(_CTRL3_C, _CTRL3_SW_RESET, _RESET_TIMEOUT_US)
        code = _RATE_CODES[self.rate_hz]
        words = watermark * _WORDS_PER_SAMPLE
        bus.write(_CTRL3_C, _CTRL3_BDU | _CTRL3_IF_INC)
        bus.write(_FIFO_CTRL1, words & 0xFF)
        bus.write(_FIFO_CTRL2, words >> 8)
        bus.write(_FIFO_CTRL3, _FIFO_CTRL3_NO_DECIMATION)
        bus.write(_INT1_CTRL, _INT1_FTH)
        bus.write(_CTRL1_XL, code << 4 | _FULL_SCALE[full_scale_g][0])
        await self._pause(_TURN_ON_US)

    def start(self) -> None:
        code = _RATE_CODES[self.rate_hz]
        self._bus.write(_FIFO_CTRL5, _FIFO_BYPASS)  # empties the FIFO
        self._bus.write(_FIFO_CTRL5, code << 3 | _FIFO_CONTINUOUS)

    def stop(self) -> None:
        self._bus.write(_FIFO_CTRL5, _FIFO_BYPASS)
        self._bus.write(_CTRL1_XL, 0)

    def _push(self, on: bool) -> None:
        self._bus.write(_CTRL5_C, _CTRL5_PUSH if on else 0)

    def level(self) -> int:
        status = self._four
        self._bus.read_into(_FIFO_STATUS1, status)
        self.looked_us = self._clock.now_us()
        words = status[0] | (status[1] & _STATUS2_LEVEL) << 8
        if words and status[1] & _STATUS2_EMPTY:
            return self.fifo_entries + 1  # cannot be: nobody there
        # The next word has to be an x.
        pattern = status[2] | (status[3] & 0x03) << 8
        self.overrun = status[1] & _STATUS2_OVERRUN != 0 or pattern != 0
        return words // _WORDS_PER_SAMPLE

    def _fetch(self, image) -> None:
        # The address goes back from the high byte to the low one: one transfer.
        self._bus.read_into(_FIFO_DATA_OUT_L, image)

    def _split(self, image, count: int, x, y, z, at: int) -> int:
        return dsp.xyz_split(image, count, self.entry_bytes, 32767, x, y, z, at)

    def temperature_c(self):
        # 256 LSB per degree, 0 at 25 C.
        self._bus.read_into(_OUT_TEMP_L, self._two)
        raw = self._two[0] | self._two[1] << 8
        return 25 + (raw - 65536 if raw & 0x8000 else raw) / 256
