# Runs on: MicroPython
# Sensirion SGP41: raw signals of volatile organic compounds and nitrogen oxides, and the gas
# indices that c_dsp makes of them, once a second.
# Source: datasheet SGP41, version 1.0 of December 2021.

import dsp

from firmware.drivers import SensorError
from firmware.drivers.sensirion import Commands, at_an_end, humidity_word, temperature_word

NAME = "sgp41"
I2C_ADDRESSES = (0x59,)
UART_BAUDRATE = 0

_CONDITION = b"\x26\x12"
_MEASURE = b"\x26\x19"
_SELF_TEST = b"\x28\x0e"
_HEATER_OFF = b"\x36\x15"
_SERIAL_NUMBER = b"\x36\x82"

_COMMAND_US = 1000
_MEASURE_US = 50000
_SELF_TEST_US = 320000
# Conditioning for longer would damage the NOx pixel.
_CONDITION_US = 10000000
_WARM_UP_US = 300000000  # until NOx events are told reliably; VOC: 60 s
# What an index has learned is worth keeping over a pause of this length.
_REMEMBERED_US = 600000000

_VOC, _NOX = 0, 1
_VOC_FAILED, _NOX_FAILED = 1, 2  # bits of the self-test's answer
_MISSING = 0  # for the index: go on with the last signal


def over_i2c(i2c, address: int, clock):
    return SGP41(i2c, address, clock)


class SGP41:
    name = NAME
    interval_s = 1
    paced = True

    def __init__(self, i2c, address: int, clock) -> None:
        self._commands = Commands(i2c, address, clock, NAME)
        self._clock = clock
        self._voc = bytearray(dsp.gas_bytes())
        self._nox = bytearray(dsp.gas_bytes())
        self._read_us = -_REMEMBERED_US  # when an index last had a signal
        self._condition_until_us = 0
        self._humidity_word = humidity_word(50)
        self._temperature_word = temperature_word(25)
        self.ready_us = 0

    async def identify(self) -> None:
        await self._commands.ask(_SERIAL_NUMBER, 3, _COMMAND_US)

    async def start(self, interval_s: float) -> None:
        now_us = self._clock.now_us()
        self._condition_until_us = now_us + _CONDITION_US
        self.ready_us = now_us + _WARM_UP_US
        if now_us - self._read_us >= _REMEMBERED_US:
            dsp.gas_init(self._voc, _VOC, float(self.interval_s))
            dsp.gas_init(self._nox, _NOX, float(self.interval_s))

    async def read(self) -> dict:
        conditions = self._clock.now_us() < self._condition_until_us
        try:
            signals = await self._signals(conditions)
        except SensorError:
            # The indices count on a signal a second.
            dsp.gas_process(self._voc, _MISSING)
            if not conditions:
                dsp.gas_process(self._nox, _MISSING)
            raise
        self._read_us = self._clock.now_us()
        values = {
            "voc_ticks": signals[0],
            "voc_index": dsp.gas_process(self._voc, signals[0]),
        }
        if not conditions:
            values["nox_ticks"] = signals[1]
            values["nox_index"] = dsp.gas_process(self._nox, signals[1])
        if at_an_end(*signals):
            values["saturated"] = 1
        return values

    async def _signals(self, conditions: bool) -> list:
        air = (self._humidity_word, self._temperature_word)
        if conditions:
            return await self._commands.ask(_CONDITION, 1, _MEASURE_US, air)
        return await self._commands.ask(_MEASURE, 2, _MEASURE_US, air)

    async def stop(self) -> None:
        await self._commands.send(_HEATER_OFF, _COMMAND_US)

    def compensate(self, air: dict) -> None:
        # Both signals depend on the water in the air.
        if "humidity_pct" in air and "air_temperature_c" in air:
            self._humidity_word = humidity_word(air["humidity_pct"])
            self._temperature_word = temperature_word(air["air_temperature_c"])

    async def self_test(self) -> dict:
        # While it does not measure.
        result = (await self._commands.ask(_SELF_TEST, 1, _SELF_TEST_US))[0]
        failed = result & (_VOC_FAILED | _NOX_FAILED)
        return {
            "passed": not failed,
            "voc_passed": not failed & _VOC_FAILED,
            "nox_passed": not failed & _NOX_FAILED,
        }
