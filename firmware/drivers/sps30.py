# Runs on: MicroPython and CPython
# Sensirion SPS30: particles by laser scattering, with a fan that cleans itself. I2C or UART.
# Source: datasheet SPS30, version 1.0 (March 2020): UART in section 5, I2C in section 6.

import struct

from firmware.drivers import SensorError, shdlc
from firmware.drivers.i2c_device import pause
from firmware.drivers.sensirion import Commands

NAME = "sps30"
I2C_ADDRESSES = (0x69,)
UART_BAUDRATE = 115200

_PRODUCT_TYPE = b"00080000"
_VALUES = (
    ("pm1_ug_m3", "pm2_5_ug_m3", "pm4_ug_m3", "pm10_ug_m3")
    + ("below_0_5_cm3", "below_1_cm3", "below_2_5_cm3", "below_4_cm3", "below_10_cm3")
    + ("typical_um",)
)
_MOST_UG_M3 = 1000.0  # where its range ends
_FIRST_US = 1000000  # until there is something to read
_WARM_UP_US = 30000000  # until a count of few particles is stable
_CLEAN_US = 10000000
WEEK_S = 604800  # from cleaning to cleaning, by the factory
# Bits of the device status register.
_SPEED_BIT, _LASER_BIT, _FAN_BIT = 21, 5, 4


def over_i2c(i2c, address: int, clock):
    return SPS30(_OverI2c(i2c, address, clock), clock)


def over_uart(uart, clock):
    return SPS30(_OverUart(uart, clock), clock)


class SPS30:
    name = NAME
    interval_s = 1
    paced = False
    clean_us = _CLEAN_US
    quiet_us = clean_us + 3 * _FIRST_US  # it does not say that it cleans itself
    SETTINGS = ("fan_clean_s",)

    def __init__(self, bus, clock) -> None:
        self._bus = bus
        self._clock = clock
        self.ready_us = 0

    async def identify(self) -> None:
        # Ends a measurement: some of what it is asked it only answers at rest.
        await self._bus.wake()
        await self._bus.stop()
        found = await self._bus.product_type()
        if found != _PRODUCT_TYPE:
            raise SensorError(f"product type {found!r} where an sps30 says {_PRODUCT_TYPE!r}")

    async def start(self, interval_s: float, fan_clean_s: int = WEEK_S) -> None:
        # Kept in its flash. Before its version 2.2 it tells the old one until it is reset.
        if await self._bus.clean_interval_s() != fan_clean_s:
            await self._bus.set_clean_interval(fan_clean_s)
        await self._bus.start()
        self.ready_us = self._clock.now_us() + _WARM_UP_US
        await pause(self._clock, _FIRST_US)

    async def read(self):
        raw = await self._bus.values()
        if raw is None:
            return None
        numbers = struct.unpack(">10f", raw)
        values = {_VALUES[at]: numbers[at] for at in range(10)}
        if numbers[3] >= _MOST_UG_M3:
            values["saturated"] = 1
        return values

    async def stop(self) -> None:
        await self._bus.stop()

    async def clean(self) -> None:
        # Blows the dust out, while it measures; it does so by itself after a week of measuring,
        # but counts the week from power-on.
        await self._bus.clean()
        self.ready_us = self._clock.now_us() + _CLEAN_US + _WARM_UP_US

    async def self_test(self) -> dict:
        # What the sensor has found out about itself while it measured.
        status = await self._bus.status()
        found = {
            "fan_turns": not status >> _FAN_BIT & 1,
            "laser_current_right": not status >> _LASER_BIT & 1,
            "fan_speed_right": not status >> _SPEED_BIT & 1,
        }
        found["passed"] = all(found.values())
        return found


class _OverI2c:
    def __init__(self, i2c, address: int, clock) -> None:
        self._commands = Commands(i2c, address, clock, NAME)

    async def wake(self) -> None:
        # The first one wakes up the interface, the second the sensor.
        await self._commands.wake(b"\x11\x03", 5000)
        await self._commands.send(b"\x11\x03", 5000)

    async def start(self) -> None:
        await self._commands.send(b"\x00\x10", 20000, (0x0300,))  # big-endian floats

    async def stop(self) -> None:
        await self._commands.send(b"\x01\x04", 20000)

    async def values(self):
        if not (await self._commands.ask(b"\x02\x02", 1, 0))[0] & 1:
            return None
        return _bytes(await self._commands.ask(b"\x03\x00", 20, 0))

    async def clean(self) -> None:
        await self._commands.send(b"\x56\x07", 20000)

    async def clean_interval_s(self) -> int:
        words = await self._commands.ask(b"\x80\x04", 2, 20000)
        return words[0] << 16 | words[1]

    async def set_clean_interval(self, seconds: int) -> None:
        await self._commands.send(b"\x80\x04", 20000, (seconds >> 16, seconds & 0xFFFF))

    async def product_type(self) -> bytes:
        return _bytes(await self._commands.ask(b"\xd0\x02", 4, 0))

    async def status(self) -> int:
        words = await self._commands.ask(b"\xd2\x06", 2, 0)
        return words[0] << 16 | words[1]


def _bytes(words: list) -> bytes:
    return struct.pack(f">{len(words)}H", *words)


class _OverUart:
    _PATIENCE_US = 200000  # the slowest answer takes 20 ms
    _LOOK_US = 2000

    def __init__(self, uart, clock) -> None:
        self._uart = uart
        self._clock = clock

    async def _ask(self, command: int, data=b"") -> bytes:
        while self._uart.read(256):
            pass  # of an earlier question
        self._uart.write(shdlc.request(command, data))
        come = b""
        until_us = self._clock.now_us() + self._PATIENCE_US
        while True:
            come += self._uart.read(256) or b""
            frame = shdlc.first_frame(come)
            if frame is not None:
                return shdlc.data_of(frame, command, NAME)
            if self._clock.now_us() >= until_us:
                raise SensorError(_silence(come))
            await pause(self._clock, self._LOOK_US)

    async def wake(self) -> None:
        # A byte wakes up the interface; a sensor that is awake refuses the command.
        self._uart.write(b"\xff")
        try:
            await self._ask(0x11)
        except SensorError:
            pass

    async def start(self) -> None:
        await self._ask(0x00, b"\x01\x03")  # big-endian floats

    async def stop(self) -> None:
        try:
            await self._ask(0x01)
        except SensorError:
            pass  # it did not measure; one that is not there is noticed by the next command

    async def values(self):
        return await self._ask(0x03) or None

    async def clean(self) -> None:
        await self._ask(0x56)

    async def clean_interval_s(self) -> int:
        return int.from_bytes(await self._ask(0x80, b"\x00"), "big")

    async def set_clean_interval(self, seconds: int) -> None:
        await self._ask(0x80, b"\x00" + seconds.to_bytes(4, "big"))

    async def product_type(self) -> bytes:
        return (await self._ask(0xD0, b"\x00")).rstrip(b"\x00")

    async def status(self) -> int:
        return int.from_bytes((await self._ask(0xD2, b"\x00"))[:4], "big")


def _silence(come: bytes) -> str:
    if come:
        return "sps30: its answer breaks off: check wiring and baud rate"
    return "sps30 does not answer: check power, wiring and that its SEL pin is open"
