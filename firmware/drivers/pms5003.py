# Runs on: MicroPython and CPython
# Plantower PMS5003 (UART) and PMSA003I (I2C): particles by laser scattering.
# Source: PMS5003 series data manual, version 2.3 of June 2016 (appendices I and II), and
# PMSA003I data manual, version 2.6: the same frame on I2C.

import struct

from firmware.drivers import SensorError
from firmware.drivers.i2c_device import I2cDevice, pause

NAME = "pms5003"
I2C_ADDRESSES = (0x12,)  # PMSA003I
UART_BAUDRATE = 9600

FRAME_BYTES = 32
_HEAD = b"\x42\x4d"
_MEASURED = 28  # bytes after the length, of a frame of values
_LONGEST = 64
_WAKE_UP, _PASSIVE, _ASK = (0xE4, 1), (0xE1, 0), (0xE2, 0)

_WARM_UP_US = 30000000  # of its fan
_PER_CM3 = 100  # it counts particles in 0.1 l
_MOST_UG_M3 = 1000
_MOST_COUNT = 65535


def over_uart(uart, clock):
    return PMS5003(_OverUart(uart, clock), clock)


def over_i2c(i2c, address: int, clock):
    return PMS5003(_OverI2c(i2c, address, clock), clock)


class PMS5003:
    name = NAME
    interval_s = 1
    paced = False

    def __init__(self, bus, clock) -> None:
        self._bus = bus
        self._clock = clock
        self.ready_us = 0

    async def identify(self) -> None:
        # It has no number of its own; a frame of values with a good checksum has to do.
        await self._bus.wake()
        await self._bus.frame()

    async def start(self, interval_s: float) -> None:
        self.ready_us = self._clock.now_us() + _WARM_UP_US

    async def read(self) -> dict:
        return values_of(await self._bus.frame())

    async def stop(self) -> None:
        await self._bus.sleep()


def check(frame) -> None:
    # Raises SensorError unless it is a whole frame of values.
    if len(frame) != FRAME_BYTES or frame[:2] != _HEAD or frame[3] != _MEASURED or frame[2]:
        raise SensorError("pms5003: not a frame of values: check wiring and baud rate")
    if sum(frame[:-2]) != frame[-2] << 8 | frame[-1]:
        raise SensorError("pms5003: damaged frame (checksum): check wiring")


def values_of(frame) -> dict:
    # Mass of particles in the air (not the figures for factory dust), and how many there are.
    check(frame)
    numbers = struct.unpack(">12H", frame[4:28])
    pm1, pm2_5, pm10 = numbers[3:6]
    counts = numbers[6:12]
    values = {
        "pm1_ug_m3": float(pm1),
        "pm2_5_ug_m3": float(pm2_5),
        "pm10_ug_m3": float(pm10),
        "above_0_3_cm3": counts[0] / _PER_CM3,
        "above_0_5_cm3": counts[1] / _PER_CM3,
        "above_1_cm3": counts[2] / _PER_CM3,
        "above_2_5_cm3": counts[3] / _PER_CM3,
        "above_5_cm3": counts[4] / _PER_CM3,
        "above_10_cm3": counts[5] / _PER_CM3,
    }
    if pm10 >= _MOST_UG_M3 or counts[0] == _MOST_COUNT:
        values["saturated"] = 1
    return values


def _command(what: tuple) -> bytes:
    message = bytearray(_HEAD) + bytes((what[0], 0, what[1]))
    return bytes(message) + struct.pack(">H", sum(message))


class _OverUart:
    _PATIENCE_US = 3000000  # a second between two frames, and one more to wake up
    _LOOK_US = 10000

    def __init__(self, uart, clock) -> None:
        self._uart = uart
        self._clock = clock

    async def wake(self) -> None:
        self._uart.write(_command(_WAKE_UP))
        await pause(self._clock, 50000)
        # From now on it speaks when it is asked: nothing old waits in the UART.
        self._uart.write(_command(_PASSIVE))
        await pause(self._clock, 50000)

    async def sleep(self) -> None:
        self._uart.write(_command((_WAKE_UP[0], 0)))

    async def frame(self) -> bytes:
        while self._uart.read(256):
            pass
        self._uart.write(_command(_ASK))
        come = b""
        until_us = self._clock.now_us() + self._PATIENCE_US
        while True:
            come = _from_head(come + (self._uart.read(256) or b""))
            if len(come) >= FRAME_BYTES:
                return come[:FRAME_BYTES]
            if self._clock.now_us() >= until_us:
                raise SensorError(_silence(come))
            await pause(self._clock, self._LOOK_US)


def _from_head(come: bytes) -> bytes:
    # What has come from the first frame of values on; answers to commands are passed over.
    while True:
        at = come.find(_HEAD)
        if at < 0:
            return come[-1:] if come[-1:] == _HEAD[:1] else b""
        come = come[at:]
        if len(come) < 4:
            return come
        length = come[2] << 8 | come[3]
        if length == _MEASURED or length > _LONGEST:
            return come
        if len(come) < 4 + length:
            return come
        come = come[4 + length :]


def _silence(come: bytes) -> str:
    if come:
        return "pms5003: its frame breaks off: check wiring and baud rate"
    return "pms5003 does not answer: check power (5 V) and wiring, both directions"


class _OverI2c:
    _PATIENCE_US = 3000000  # until the first frame after power-on
    _LOOK_US = 100000

    def __init__(self, i2c, address: int, clock) -> None:
        self._device = I2cDevice(i2c, address, "pmsa003i")
        self._clock = clock

    async def wake(self) -> None:
        # It measures whenever it has power; its SET pin would make it sleep.
        until_us = self._clock.now_us() + self._PATIENCE_US
        while True:
            try:
                check(await self.frame())
                return
            except SensorError:
                if self._clock.now_us() >= until_us:
                    raise
            await pause(self._clock, self._LOOK_US)

    async def sleep(self) -> None:
        pass

    async def frame(self) -> bytes:
        frame = bytearray(FRAME_BYTES)
        self._device.read_into(frame)
        return bytes(frame)
