# Runs on: MicroPython and CPython
# ST IIS3DWB: 3-axis vibration sensor, 26.667 kHz, 6.3 kHz flat band, SPI.
# Source: IIS3DWB datasheet DS12569 Rev 8 and application note AN5444 Rev 1.

from array import array

import dsp

from firmware.drivers import SensorError
from firmware.drivers.accelerometer import G_M_S2, Accelerometer
from firmware.drivers.registers import SpiRegisters

NAME = "iis3dwb"
I2C_ADDRESSES: tuple = ()
SPI_OPTIONS = {"baudrate": 10000000, "polarity": 1, "phase": 1}

# Three ticks of the timestamp counter are one sample: 80 kHz / 3, on the same oscillator.
_TICKS_PER_SAMPLE = 3
_TRIM_ERROR = 1e-3  # of the rate, when frequency_error() is taken into account
_TIMESTAMP_EVERY = 32  # samples between two timestamp words in the FIFO
_FIFO_WORDS = 512
_WORD_BYTES = 7

# What dsp.fifo_split tells about an image.
_TIMESTAMPS, _LAST_TIMESTAMP, _BEFORE_TIMESTAMP = 1, 2, 3
_TEMPERATURES, _LAST_TEMPERATURE, _BAD_WORDS, _HOLE = 4, 5, 6, 7

_WHO_AM_I, _ID = 0x0F, 0x7B
_FIFO_CTRL1, _FIFO_CTRL2, _FIFO_CTRL3, _FIFO_CTRL4 = 0x07, 0x08, 0x09, 0x0A
_INT1_CTRL = 0x0D
_CTRL1_XL, _CTRL3_C, _CTRL5_C, _CTRL10_C = 0x10, 0x12, 0x14, 0x19
_FIFO_STATUS1 = 0x3A
_TIMESTAMP0, _TIMESTAMP2 = 0x40, 0x42
_INTERNAL_FREQ_FINE = 0x63
_FIFO_DATA_OUT_TAG = 0x78

_CTRL1_XL_ENABLE = 0xA0
_CTRL3_BDU, _CTRL3_IF_INC, _CTRL3_SW_RESET = 0x40, 0x04, 0x01
_CTRL5_PUSH = 0x01
_CTRL10_TIMESTAMP_EN = 0x20
_INT1_FIFO_TH = 0x08
_FIFO_CTRL3_XL_26K7 = 0x0A
_FIFO_CTRL4_CONTINUOUS, _FIFO_CTRL4_BYPASS = 0x06, 0x00
_FIFO_CTRL4_TS_EVERY_32 = 0xC0
_FIFO_CTRL4_TEMPERATURE_104HZ = 0x30
_STATUS2_OVERRUN, _STATUS2_OVERRUN_LATCHED = 0x40, 0x08

# full scale in g -> (FS_XL bits, LSB in 1e-6 g)
_FULL_SCALE = {2: (0x00, 61), 4: (0x08, 122), 8: (0x0C, 244), 16: (0x04, 488)}

# The reset itself takes 50 us (datasheet), the first valid sample 10 ms.
_RESET_TIMEOUT_US = 50000
_TURN_ON_US = 10000


def over_spi(spi, cs, clock):
    return IIS3DWB(SpiRegisters(spi, cs), clock)


class IIS3DWB(Accelerometer):
    name = NAME
    rate_hz = 80000 / 3
    max_hz = 6300.0
    fifo_entries = _FIFO_WORDS
    watermarks = (40, 511)  # 33 words and more hold a timestamp
    entry_bytes = _WORD_BYTES
    # Bursts are what costs a slow chip most; 320 words are 11 ms for the longest work in between.
    defaults = {"watermark": 192}
    test_watermark = 128
    test_least_g = (0.8, 0.8, 0.8)
    test_most_g = (3.2, 3.2, 3.2)

    def __init__(self, bus, clock) -> None:
        super().__init__(bus, clock)
        self._two = bytearray(2)
        self._info = array("i", bytes(4 * 8))
        self._temperature_c: float | None = None

    def scale_m_s2(self, full_scale_g: int) -> float:
        return _FULL_SCALE[full_scale_g][1] * G_M_S2 / 1e6

    # -- life cycle

    def identify(self) -> None:
        self._check_identity(_WHO_AM_I, _ID)

    async def _setup(self, full_scale_g: int, watermark: int) -> None:
        bus = self._bus
        bus.write(_CTRL3_C, _CTRL3_SW_RESET)
        await self._wait_until_clear(_CTRL3_C, _CTRL3_SW_RESET, _RESET_TIMEOUT_US)
        bits, _micro_g = _FULL_SCALE[full_scale_g]
        bus.write(_CTRL3_C, _CTRL3_BDU | _CTRL3_IF_INC)
        bus.write(_CTRL10_C, _CTRL10_TIMESTAMP_EN)
        bus.write(_FIFO_CTRL1, watermark & 0xFF)
        bus.write(_FIFO_CTRL2, watermark >> 8)
        bus.write(_FIFO_CTRL3, _FIFO_CTRL3_XL_26K7)
        bus.write(_INT1_CTRL, _INT1_FIFO_TH)
        bus.write(_CTRL1_XL, _CTRL1_XL_ENABLE | bits)
        await self._pause(_TURN_ON_US)

    def start(self) -> None:
        self._bus.write(_FIFO_CTRL4, _FIFO_CTRL4_BYPASS)  # empties the FIFO
        self._bus.write(_TIMESTAMP2, 0xAA)  # restarts the timestamp
        self.level()  # clears a latched overrun
        self._next = 0  # index of the sample that is expected next
        self._zero_ticks = 0  # timestamp of sample 0
        self._zero_known = False
        mode = _FIFO_CTRL4_CONTINUOUS | _FIFO_CTRL4_TS_EVERY_32 | _FIFO_CTRL4_TEMPERATURE_104HZ
        self._bus.write(_FIFO_CTRL4, mode)

    def stop(self) -> None:
        self._bus.write(_FIFO_CTRL4, _FIFO_CTRL4_BYPASS)
        self._bus.write(_CTRL1_XL, 0)

    def _push(self, on: bool) -> None:
        self._bus.write(_CTRL5_C, _CTRL5_PUSH if on else 0)

    # -- data

    def level(self) -> int:
        self._bus.read_into(_FIFO_STATUS1, self._two)
        self.looked_us = self._clock.now_us()
        status2 = self._two[1]
        self.overrun = status2 & (_STATUS2_OVERRUN | _STATUS2_OVERRUN_LATCHED) != 0
        return self._two[0] | (status2 & 0x03) << 8

    def burst(self, x, y, z, at: int) -> int:
        # The address wraps from the last data byte to the tag, so any number of words is one
        # transfer.
        self._bus.read_into(_FIFO_DATA_OUT_TAG, self._image)
        words = self.level()
        # Words were overwritten before or while these were read: none of them is used. The
        # timestamps of the next burst tell how large the hole is.
        if self.overrun:
            return 0
        info = self._info
        count = dsp.fifo_split(self._image, self._watermark, x, y, z, at, info)
        if info[_TEMPERATURES]:
            self._temperature_c = 25 + info[_LAST_TEMPERATURE] / 256
        if info[_BAD_WORDS] or info[_HOLE]:
            return 0  # damaged on the bus: not used, so a hole like an overrun's
        first = self._index_of_first()
        self.first, self._next = first, first + count
        self.waiting = words - words // (_TIMESTAMP_EVERY + 1)
        return count

    def _index_of_first(self) -> int:
        # Index of the first sample just read, from the last timestamp among them.
        if not self._info[_TIMESTAMPS]:
            raise SensorError("the FIFO holds no timestamps")
        ticks = self._info[_LAST_TIMESTAMP] - self._info[_BEFORE_TIMESTAMP] * _TICKS_PER_SAMPLE
        if not self._zero_known:
            self._zero_ticks = ticks
            self._zero_known = True
        # The counter has 32 bits: compare with what is expected, modulo its range.
        ahead = (ticks - self._zero_ticks - self._next * _TICKS_PER_SAMPLE) & 0xFFFFFFFF
        if ahead >= 0x80000000:
            ahead -= 0x100000000
        return self._next + (ahead + _TICKS_PER_SAMPLE // 2) // _TICKS_PER_SAMPLE

    def timestamp(self) -> int:
        raw = bytearray(4)
        self._bus.read_into(_TIMESTAMP0, raw)
        return int.from_bytes(raw, "little")

    def frequency_error(self) -> float:
        # What the factory measured: actual rate / nominal rate - 1, to 0.15 %.
        fine = self._bus.read(_INTERNAL_FREQ_FINE)
        return 0.0015 * (fine - 256 if fine > 127 else fine)

    def known_rate(self) -> tuple:
        return self.rate_hz * (1 + self.frequency_error()), _TRIM_ERROR

    def temperature_c(self):
        # Comes with the samples: 256 LSB per degree, 0 at 25 C.
        return self._temperature_c
