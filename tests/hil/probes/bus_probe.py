# Runs on: MicroPython (a virtual board of tests/hil/test_buses.py)
# A board that has no firmware and tells on its standard error what its buses say.

import asyncio
import sys

import machine

clock = machine.BoardClock()
i2c = machine.I2C(0)
uart = machine.UART(1)


def say(*words) -> None:
    print(*words, file=sys.stderr)


async def nap(name: str, t_us: int) -> None:
    await clock.sleep_until(t_us)
    say("woke", name, clock.now_us())


async def transfers() -> None:
    for at in range(5):
        await clock.sleep_until(at * 1000)
        say("echo", i2c.readfrom_mem(0x62, at, 3))


async def main() -> None:
    say("scan", i2c.scan())
    i2c.writeto(0x62, b"\x10\x20")
    say("read", i2c.readfrom(0x62, 4))
    try:
        i2c.writeto(0x29, b"x")
    except OSError as error:
        say("refused", error.errno)
    say("any", uart.any(), uart.read(4))
    uart.write(b"hello")
    say("uart", uart.any(), uart.read(3), uart.read(10), uart.read(10))
    await asyncio.gather(nap("late", 9000), nap("early", 2500), nap("late too", 9000), transfers())
    say("done")


asyncio.run(main())
