# Runs on: MicroPython and CPython
# Sensirion SCD41: CO2 by photoacoustics, with temperature and humidity.
# Source: datasheet SCD4x, version 1.3 of September 2022 (commands and their times: section 3.4).
#
# Asked every 5 s or more it measures all the time (every 5 s, from 30 s on every 30 s); asked every
# 300 s or more it measures one shot at a time, which is the interval its self-calibration is made
# for then.

from firmware.drivers import SensorError
from firmware.drivers.sensirion import Commands, temperature_c

NAME = "scd41"
I2C_ADDRESSES = (0x62,)
UART_BAUDRATE = 0

# (command, time until there is something to read)
_PERIODIC = (b"\x21\xb1", 5000000)
_LOW_POWER = (b"\x21\xac", 30000000)
_STOP = b"\x3f\x86"
_READ = b"\xec\x05"
_DATA_READY = b"\xe4\xb8"
_SET_PRESSURE = b"\xe0\x00"
_SET_ALTITUDE = b"\x24\x27"
_SET_SELF_CALIBRATION, _SELF_CALIBRATION = b"\x24\x16", b"\x23\x13"
_RECALIBRATE = b"\x36\x2f"
_SERIAL_NUMBER = b"\x36\x82"
_SELF_TEST = b"\x36\x39"
_SINGLE_SHOT = b"\x21\x9d"
_WAKE_UP = b"\x36\xf6"

_POWER_UP_US = 1000000
_COMMAND_US = 1000
_WAKE_US = 30000
_STOP_US = 500000
_SHOT_US = 5000000
_SELF_TEST_US = 10000000
_RECALIBRATE_US = 400000
_WARM_UP_US = 60000000  # its response time (63 %)

_LOW_POWER_FROM_S = 30
_SINGLE_SHOT_FROM_S = 300
_MOST_PPM = 40000  # where its output ends
_FAILED = 0xFFFF


def over_i2c(i2c, address: int, clock):
    return SCD41(i2c, address, clock)


class SCD41:
    name = NAME
    interval_s = 5
    paced = False
    SETTINGS = ("co2_self_calibration", "altitude_m")

    def __init__(self, i2c, address: int, clock) -> None:
        self._commands = Commands(i2c, address, clock, NAME)
        self._clock = clock
        self._single_shot = False
        self._pressure_hpa = 0  # what the chip was told
        self._wanted_hpa = 0
        self.ready_us = 0

    async def identify(self) -> None:
        # It got its power when the board did, and understands little while it measures, so this
        # ends a measurement.
        await self._clock.sleep_until(_POWER_UP_US)
        await self._commands.wake(_WAKE_UP, _WAKE_US)
        await self._commands.send(_STOP, _STOP_US)
        await self._commands.ask(_SERIAL_NUMBER, 3, _COMMAND_US)

    async def start(
        self, interval_s: float, co2_self_calibration: bool = True, altitude_m: int = 0
    ) -> None:
        await self._set_self_calibration(co2_self_calibration)
        # Holds until it is told a pressure.
        await self._commands.send(_SET_ALTITUDE, _COMMAND_US, (altitude_m,))
        self.ready_us = self._clock.now_us() + _WARM_UP_US
        self._pressure_hpa = 0
        self._single_shot = interval_s >= _SINGLE_SHOT_FROM_S
        if self._single_shot:
            # The first one after power-on is to be thrown away.
            await self._commands.send(_SINGLE_SHOT, _SHOT_US)
            await self._commands.ask(_READ, 3, _COMMAND_US)
        else:
            low_power = interval_s >= _LOW_POWER_FROM_S
            command, first_us = _LOW_POWER if low_power else _PERIODIC
            await self._commands.send(command, first_us)

    async def read(self):
        await self._tell_pressure()
        if self._single_shot:
            await self._commands.send(_SINGLE_SHOT, _SHOT_US)
        elif not (await self._commands.ask(_DATA_READY, 1, _COMMAND_US))[0] & 0x07FF:
            return None
        co2, temperature, humidity = await self._commands.ask(_READ, 3, _COMMAND_US)
        values = {
            "co2_ppm": float(co2),
            "air_temperature_c": temperature_c(temperature),
            "humidity_pct": 100 * humidity / 65535,
        }
        if co2 >= _MOST_PPM:
            values["saturated"] = 1
        return values

    async def stop(self) -> None:
        await self._commands.send(_STOP, _STOP_US)

    def compensate(self, air: dict) -> None:
        # CO2 is counted in molecules a volume, so ppm need the pressure.
        if "pressure_hpa" in air:
            self._wanted_hpa = min(max(int(air["pressure_hpa"] + 0.5), 700), 1200)

    async def _tell_pressure(self) -> None:
        if self._wanted_hpa != self._pressure_hpa:
            await self._commands.send(_SET_PRESSURE, _COMMAND_US, (self._wanted_hpa,))
            self._pressure_hpa = self._wanted_hpa

    # -- while it does not measure: after identify() or stop()

    async def self_test(self) -> dict:
        result = (await self._commands.ask(_SELF_TEST, 1, _SELF_TEST_US))[0]
        return {"passed": result == 0, "result": result}

    async def _set_self_calibration(self, on: bool) -> None:
        # The lowest CO2 of a week is taken for fresh air.
        await self._commands.send(_SET_SELF_CALIBRATION, _COMMAND_US, (int(on),))
        if bool((await self._commands.ask(_SELF_CALIBRATION, 1, _COMMAND_US))[0]) != on:
            raise SensorError("scd41 does not keep its self-calibration setting")

    async def recalibrate(self, co2_ppm: int) -> int:
        # After 3 minutes of measuring in air of known CO2. Returns by how many ppm it corrected.
        if not 400 <= co2_ppm <= 2000:
            raise SensorError(f"scd41 is recalibrated in 400..2000 ppm, not {co2_ppm}")
        answer = await self._commands.ask(_RECALIBRATE, 1, _RECALIBRATE_US, (co2_ppm,))
        if answer[0] == _FAILED:
            raise SensorError("scd41 did not recalibrate: let it measure for 3 minutes before")
        return answer[0] - 0x8000
