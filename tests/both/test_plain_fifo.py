"""FIFOs without time stamps: what is believed of them, on a scripted bus.

Runs on: MicroPython and CPython. The rig's models are the other judges (tests/hil).
"""

import asyncio
import struct
from array import array

from firmware.calibration import Calibration
from firmware.counters import Counters
from firmware.drivers import SensorError, lis2dw12, lsm6ds3
from firmware.sampler import Sampler

PERIOD_US = 625  # at 1600 Hz


class Clock:
    def __init__(self) -> None:
        self.us = 0

    def now_us(self) -> int:
        return self.us

    async def sleep_until(self, t_us: int) -> None:
        self.us = max(self.us, t_us)


class Lis:
    """Registers of a LIS2DW12 whose samples count up; `read_us`: what a burst takes."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.status = 0
        self.read_us = 0
        self.sample = 0
        self.restarts = 0

    def write(self, register: int, value: int) -> None:
        self.restarts += (register, value) == (0x2E, 0)

    def read(self, register: int) -> int:
        return {0x0F: 0x44, 0x2F: self.status}.get(register, 0)

    def read_into(self, register: int, buffer) -> None:
        self.clock.us += self.read_us
        for at in range(0, len(buffer), 6):
            buffer[at : at + 6] = struct.pack("<3h", self.sample, -self.sample, 7)
            self.sample += 1


class Ready:
    async def wait(self, _until_us: int) -> bool:
        return True


def lis() -> tuple:
    clock = Clock()
    bus = Lis(clock)
    chip = lis2dw12.LIS2DW12(bus, clock)
    asyncio.run(chip.configure(4, 16))
    bus.restarts = 0
    return bus, chip


def burst(chip) -> tuple:
    x, y, z = (array("h", bytes(64)) for _ in "xyz")
    return chip.burst(x, y, z, 0), list(x[:3])


def test_a_burst_gives_a_watermark_and_says_what_is_left():
    bus, chip = lis()
    bus.status = 20
    assert burst(chip) == (16, [0, 1, 2])
    assert (chip.overrun, chip.waiting, chip.first) == (False, 4, None)


def test_an_overrun_that_is_flagged_gives_nothing_and_starts_the_fifo_anew():
    bus, chip = lis()
    bus.status = 0x40 | 32
    assert burst(chip)[0] == 0
    assert chip.overrun and bus.restarts == 1 and bus.sample == 0


def test_an_overrun_that_may_have_come_during_the_burst_is_taken_for_one():
    # 16 wait, 16 more fit: at 1600 Hz and 10 % more they take 9 ms, less one sample of doubt.
    for read_us, overrun in ((8400, False), (9200, True)):
        bus, chip = lis()
        bus.status, bus.read_us = 16, read_us
        assert burst(chip)[0] == (0 if overrun else 16)
        assert chip.overrun == overrun and bus.restarts == overrun


def test_a_level_that_cannot_be_is_not_believed():
    bus, chip = lis()
    bus.status = 0x3F  # 63 of 32: the bus reads ones
    assert burst(chip)[0] == 0
    assert not chip.overrun and bus.restarts == 0 and bus.sample == 0


def test_words_of_an_lsm6ds3_that_do_not_begin_with_x_are_an_overrun():
    class Lsm:
        def __init__(self, status) -> None:
            self.status = status

        def write(self, register: int, value: int) -> None:
            pass

        def read_into(self, register: int, buffer) -> None:
            buffer[:] = (bytes(self.status) + bytes(len(buffer)))[: len(buffer)]

    for status, level, overrun in (
        ((48, 0x80, 0, 0), 16, False),
        ((47, 0x80, 1, 0), 15, True),
        ((48, 0xC0, 0, 0), 16, True),
        ((0xFF, 0xFF, 0xFF, 0xFF), 683, False),  # empty, and 2047 words: nobody there
    ):
        chip = lsm6ds3.LSM6DS3(Lsm(status), Clock(), 6660.0)
        assert (chip.level(), chip.overrun) == (level, overrun), status


# ---- the sampler's own doubts ----


def sampler(size: int = 64) -> tuple:
    bus, chip = lis()
    counters = Counters()
    made = Sampler(chip, Calibration("lis2dw12", {}), Ready(), bus.clock, counters)
    made.prepare(size, 16)
    asyncio.run(made.start(4))
    return bus, made, counters


def fill(bus, made, bursts: int, level: int = 16, us: int = 16 * PERIOD_US) -> list:
    """(first sample, its value, windows lost) of the windows that were completed."""
    done = []
    for _ in range(bursts):
        bus.clock.us += us
        bus.status = level
        window, lost = asyncio.run(made.burst())
        if window or lost:
            done.append((window and window.first_sample, window and window.axes[0][0], lost))
    return done


def test_windows_follow_each_other_when_samples_follow_the_clock():
    bus, made, counters = sampler()
    assert fill(bus, made, 12) == [(0, 0, 0), (64, 64, 0), (128, 128, 0)]
    assert counters.overruns == 0


def test_more_samples_than_the_clock_allows_are_a_hole_and_not_samples():
    bus, made, counters = sampler()
    fill(bus, made, 8)
    # A level damaged on the bus: sixteen samples in the time of two.
    assert fill(bus, made, 1, us=2 * PERIOD_US) == []
    assert counters.overruns == 1
    # Sixteen periods on there are 16 again: with those of the two periods they are 130 to 145, of
    # a window whose first two are missing. The bus has counted the 16 thrown away, too.
    assert fill(bus, made, 8) == [(None, None, 1), (192, 144 + 192 - 130, 0)]
    assert made.estimated


def test_fewer_samples_than_the_clock_says_are_a_hole_of_that_size():
    bus, made, counters = sampler()
    fill(bus, made, 4)
    # 100 samples pass, 16 are seen, and no flag.
    assert fill(bus, made, 1, us=100 * PERIOD_US) == []
    assert counters.overruns == 1
    # 64 and 100 are over: the next are 164 and on, of a window from 128 to 192. The bus has counted
    # 16 of the 100.
    assert fill(bus, made, 8) == [(None, None, 2), (192, 80 + 192 - 164, 0)]


def test_a_sensor_that_gives_nothing_has_failed_after_a_while():
    bus, made, _counters = sampler()
    fill(bus, made, 4)
    try:
        fill(bus, made, 200, level=0x3F)
    except SensorError as error:
        assert "gives no samples" in str(error)
        assert 1000000 <= bus.clock.us - 4 * 16 * PERIOD_US - 20000 < 1200000
        return
    raise AssertionError("never given up")
