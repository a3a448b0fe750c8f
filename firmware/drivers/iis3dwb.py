# Runs on: MicroPython and CPython
# ST IIS3DWB: 3-axis vibration sensor, 26.667 kHz, 6.3 kHz flat band, SPI.
# Source: IIS3DWB datasheet DS12569 and application note AN5444.

from firmware.drivers import SensorError

NAME = "iis3dwb"
# Three ticks of the timestamp counter are one sample: 80 kHz / 3, on the same oscillator.
NOMINAL_RATE_HZ = 80000 / 3
TICKS_PER_SAMPLE = 3
RATE_TOLERANCE = 0.1  # of the rate, between chips
TRIM_ERROR = 1e-3  # of the rate, when frequency_error() is taken into account
TIMESTAMP_EVERY = 32  # samples between two timestamp words in the FIFO
FIFO_WORDS = 512
WORD_BYTES = 7

_WHO_AM_I, _ID = 0x0F, 0x7B
_FIFO_CTRL1, _FIFO_CTRL2, _FIFO_CTRL3, _FIFO_CTRL4 = 0x07, 0x08, 0x09, 0x0A
_INT1_CTRL = 0x0D
_CTRL1_XL, _CTRL3_C, _CTRL10_C = 0x10, 0x12, 0x19
_OUT_TEMP_L = 0x20
_FIFO_STATUS1 = 0x3A
_TIMESTAMP0, _TIMESTAMP2 = 0x40, 0x42
_INTERNAL_FREQ_FINE = 0x63
_FIFO_DATA_OUT_TAG = 0x78

_READ = 0x80
_CTRL1_XL_ENABLE = 0xA0
_CTRL3_BDU, _CTRL3_IF_INC, _CTRL3_SW_RESET = 0x40, 0x04, 0x01
_CTRL10_TIMESTAMP_EN = 0x20
_INT1_FIFO_TH = 0x08
_FIFO_CTRL3_XL_26K7 = 0x0A
_FIFO_CTRL4_CONTINUOUS, _FIFO_CTRL4_BYPASS = 0x06, 0x00
_FIFO_CTRL4_TS_EVERY_32 = 0xC0
_FIFO_CTRL4_TEMPERATURE_104HZ = 0x30
_STATUS2_OVERRUN, _STATUS2_OVERRUN_LATCHED = 0x40, 0x08

# full scale in g -> (FS_XL bits, LSB in 1e-6 g)
_FULL_SCALE = {2: (0x00, 61), 4: (0x08, 122), 8: (0x0C, 244), 16: (0x04, 488)}
_G_M_S2 = 9.80665

_RESET_TIMEOUT_US = 50000
_TURN_ON_US = 10000


def scale_m_s2(full_scale_g: int) -> float:
    # One LSB.
    return _FULL_SCALE[full_scale_g][1] * _G_M_S2 / 1e6


class IIS3DWB:
    def __init__(self, spi, cs, clock) -> None:
        self._spi = spi
        self._cs = cs
        self._clock = clock
        self._command = bytearray(2)
        self._one = bytearray(1)
        self._two = bytearray(2)
        self._read_command = memoryview(self._command)[:1]
        cs(1)

    # -- registers

    def _write(self, register: int, value: int) -> None:
        self._command[0] = register
        self._command[1] = value
        self._cs(0)
        self._spi.write(self._command)
        self._cs(1)

    def _read_into(self, register: int, buffer) -> None:
        self._command[0] = register | _READ
        self._cs(0)
        self._spi.write(self._read_command)
        self._spi.readinto(buffer)
        self._cs(1)

    def _read(self, register: int) -> int:
        self._read_into(register, self._one)
        return self._one[0]

    # -- life cycle

    def identify(self) -> None:
        found = self._read(_WHO_AM_I)
        if found in (0x00, 0xFF):
            raise SensorError("iis3dwb does not answer: check power and the SPI wiring")
        if found != _ID:
            raise SensorError(f"chip says 0x{found:02X} where an iis3dwb says 0x{_ID:02X}")

    async def reset(self) -> None:
        self._write(_CTRL3_C, _CTRL3_SW_RESET)
        deadline_us = self._clock.now_us() + _RESET_TIMEOUT_US
        while self._read(_CTRL3_C) & _CTRL3_SW_RESET:
            if self._clock.now_us() > deadline_us:
                raise SensorError("iis3dwb does not come out of reset")
            await self._clock.sleep_until(self._clock.now_us() + 100)

    async def configure(self, full_scale_g: int, watermark: int) -> None:
        # Reset and set up; the FIFO stays empty until start().
        if full_scale_g not in _FULL_SCALE:
            raise SensorError(f"iis3dwb has no full scale of {full_scale_g} g")
        if not 1 <= watermark < FIFO_WORDS:
            raise SensorError(f"iis3dwb watermark must be 1..{FIFO_WORDS - 1}")
        self.identify()
        await self.reset()
        bits, _micro_g = _FULL_SCALE[full_scale_g]
        self._write(_CTRL3_C, _CTRL3_BDU | _CTRL3_IF_INC)
        self._write(_CTRL10_C, _CTRL10_TIMESTAMP_EN)
        self._write(_FIFO_CTRL1, watermark & 0xFF)
        self._write(_FIFO_CTRL2, watermark >> 8)
        self._write(_FIFO_CTRL3, _FIFO_CTRL3_XL_26K7)
        self._write(_INT1_CTRL, _INT1_FIFO_TH)
        self._write(_CTRL1_XL, _CTRL1_XL_ENABLE | bits)
        # The first samples after turn-on are not settled (datasheet: 10 ms).
        await self._clock.sleep_until(self._clock.now_us() + _TURN_ON_US)

    def start(self) -> None:
        self._write(_FIFO_CTRL4, _FIFO_CTRL4_BYPASS)  # empties the FIFO
        self._write(_TIMESTAMP2, 0xAA)  # restarts the timestamp
        self.fifo_level()  # clears a latched overrun
        mode = _FIFO_CTRL4_CONTINUOUS | _FIFO_CTRL4_TS_EVERY_32 | _FIFO_CTRL4_TEMPERATURE_104HZ
        self._write(_FIFO_CTRL4, mode)

    def stop(self) -> None:
        self._write(_FIFO_CTRL4, _FIFO_CTRL4_BYPASS)
        self._write(_CTRL1_XL, 0)

    # -- data

    def fifo_level(self) -> tuple:
        # (words waiting, whether any were overwritten since the last call)
        self._read_into(_FIFO_STATUS1, self._two)
        status2 = self._two[1]
        overrun = status2 & (_STATUS2_OVERRUN | _STATUS2_OVERRUN_LATCHED) != 0
        return self._two[0] | (status2 & 0x03) << 8, overrun

    def read_fifo(self, image) -> None:
        # Fills `image` (a multiple of WORD_BYTES) with the oldest words. The address wraps from
        # the last data byte to the tag, so any number of words is one transfer.
        self._read_into(_FIFO_DATA_OUT_TAG, image)

    def timestamp(self) -> int:
        raw = bytearray(4)
        self._read_into(_TIMESTAMP0, raw)
        return int.from_bytes(raw, "little")

    def frequency_error(self) -> float:
        # What the factory measured: actual rate / nominal rate - 1, to 0.15 %.
        fine = self._read(_INTERNAL_FREQ_FINE)
        return 0.0015 * (fine - 256 if fine > 127 else fine)


def temperature_c(raw: int) -> float:
    # A FIFO temperature word: 256 LSB per degree, 0 at 25 C.
    return 25 + raw / 256
