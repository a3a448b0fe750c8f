# Runs on: MicroPython (a virtual board of tests/hil/test_accelerometers.py)
# One driver and the sampler, without the rest of the firmware. What to do is in plan.json; what
# happens is told on standard error, a JSON object a line, and whole windows go to windows.bin.

import asyncio
import json
import struct
import sys

import machine

from firmware.calibration import Calibration
from firmware.counters import Counters
from firmware.drivers import SensorError
from firmware.sampler import Sampler

_INTERRUPT_PIN = 8
_RETRY_US = 1000000

clock = machine.BoardClock()
with open("plan.json") as file:
    plan = json.load(file)


def say(**what) -> None:
    print(json.dumps(what), file=sys.stderr)


def fitted():
    driver = getattr(__import__("firmware.drivers." + plan["driver"]).drivers, plan["driver"])
    if plan["bus"] == "i2c":
        return driver.over_i2c(machine.I2C(0), driver.I2C_ADDRESSES[0], clock)
    return driver.over_spi(machine.SPI(0), machine.Pin(0, machine.Pin.OUT), clock)


async def configure(sensor) -> None:
    await sensor.configure(plan["full_scale_g"], plan["watermark"])
    say(scale_m_s2=sensor.scale_m_s2(plan["full_scale_g"]), temperature_c=sensor.temperature_c())


async def self_test(sensor) -> None:
    say(**await sensor.self_test())


async def capture(sensor) -> None:
    counters = Counters()
    none = Calibration(sensor.name, {})
    ready = machine.BoardInterrupt(_INTERRUPT_PIN)
    sampler = Sampler(sensor, none, ready, clock, counters)
    sampler.prepare(plan["size"], plan["watermark"])
    with open("windows.bin", "wb") as out:
        while clock.now_us() < plan["until_us"]:
            try:
                await sampler.start(plan["full_scale_g"])
                say(capture=sampler.capture, t_us=clock.now_us())
                await windows(sampler, out)
                sampler.stop()
            except (SensorError, OSError) as error:
                say(error=str(error), kind=type(error).__name__, t_us=clock.now_us())
                await clock.sleep_until(clock.now_us() + _RETRY_US)
    say(rate_hz=sampler.rate.rate_hz, rate_error=sampler.rate.error, overruns=counters.overruns)


async def windows(sampler, out) -> None:
    while clock.now_us() < plan["until_us"]:
        window, lost = await sampler.burst()
        if lost:
            say(lost=lost, estimated=sampler.estimated, in_capture=sampler.capture)
        if window is not None:
            out.write(struct.pack("<IIQ", sampler.capture, window.first_sample, window.t_us))
            for axis in window.axes:
                out.write(bytes(memoryview(axis)[: sampler.size]))


async def main() -> None:
    sensor = fitted()
    try:
        for step in plan["steps"]:
            await {"configure": configure, "self_test": self_test, "capture": capture}[step](sensor)
    except (SensorError, OSError) as error:
        say(error=str(error), kind=type(error).__name__)
    say(done=True)


asyncio.run(main())
