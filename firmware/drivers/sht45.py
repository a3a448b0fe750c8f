# Runs on: MicroPython and CPython
# Sensirion SHT45: temperature and humidity of the air, with a heater against condensation.
# Source: datasheet SHT4x, version 6 of February 2023.

from firmware.drivers import SensorError
from firmware.drivers.i2c_device import I2cDevice, pause
from firmware.drivers.sensirion import at_an_end, temperature_c, words_of

NAME = "sht45"
I2C_ADDRESSES = (0x44, 0x45, 0x46)
UART_BAUDRATE = 0

_MEASURE_PRECISELY, _SERIAL_NUMBER, _SOFT_RESET = 0xFD, 0x89, 0x94
_MEASURE_US = 8300  # at most
_COMMAND_US = 1000
# (milliwatts, whole seconds) -> command; 0 s is a tenth of a second. Ends with a measurement.
_HEATERS = {
    (200, 1): 0x39,
    (200, 0): 0x32,
    (110, 1): 0x2F,
    (110, 0): 0x24,
    (20, 1): 0x1E,
    (20, 0): 0x15,
}
# The heater may be on for a tenth of the time; what it warmed is cool again after this.
_REST = 9
_COOL_US = 60000000


def over_i2c(i2c, address: int, clock):
    return SHT45(i2c, address, clock)


class SHT45:
    name = NAME
    interval_s = 1
    paced = False

    def __init__(self, i2c, address: int, clock) -> None:
        self._device = I2cDevice(i2c, address, NAME)
        self._clock = clock
        self._answer = bytearray(6)
        self._rested_us = 0
        self.ready_us = 0

    async def identify(self) -> None:
        await self._ask(_SERIAL_NUMBER, _COMMAND_US)

    async def start(self, interval_s: float) -> None:
        self._device.write(bytes((_SOFT_RESET,)))
        await pause(self._clock, _COMMAND_US)

    async def read(self) -> dict:
        return _values(await self._ask(_MEASURE_PRECISELY, _MEASURE_US))

    async def stop(self) -> None:
        pass  # it sleeps between measurements

    async def heat(self, milliwatts: int = 200, seconds: int = 1) -> dict:
        # Dries the sensor; returns what it measured while hot. 0 s: a tenth of a second.
        command = _HEATERS.get((milliwatts, seconds))
        if command is None:
            raise SensorError("sht45 heats with 20, 110 or 200 mW for 1 or 0 (a tenth) seconds")
        now_us = self._clock.now_us()
        if now_us < self._rested_us:
            raise SensorError(
                f"sht45: the heater rests for another {(self._rested_us - now_us) / 1e6:.1f} s"
            )
        heated_us = 1100000 if seconds else 110000  # at most
        self._rested_us = now_us + (1 + _REST) * heated_us
        self.ready_us = now_us + heated_us + _COOL_US
        return _values(await self._ask(command, heated_us + _MEASURE_US))

    async def _ask(self, command: int, wait_us: int) -> list:
        self._device.write(bytes((command,)))
        await pause(self._clock, wait_us)
        self._device.read_into(self._answer)
        return words_of(self._answer, NAME)


def _values(words: list) -> dict:
    values = {
        "air_temperature_c": temperature_c(words[0]),
        "humidity_pct": min(max(125 * words[1] / 65535 - 6, 0.0), 100.0),
    }
    if at_an_end(*words):
        values["saturated"] = 1
    return values
