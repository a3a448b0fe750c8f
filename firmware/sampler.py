# Runs on: MicroPython and CPython
# From the sensor's FIFO to whole windows of raw samples, without a gap.
#
# Window k of a capture holds its samples k*size .. (k+1)*size-1. Which sample is which is read
# from the timestamps the chip puts into its FIFO, so after an overrun the hole is known exactly,
# and so are the windows it cost.

from array import array

import dsp

from firmware.drivers import SensorError
from firmware.rate import RateMeter

# What dsp.fifo_split tells about an image.
_TIMESTAMPS, _LAST_TIMESTAMP, _BEFORE_TIMESTAMP = 1, 2, 3
_TEMPERATURES, _LAST_TEMPERATURE, _BAD_WORDS, _HOLE = 4, 5, 6, 7

# Longest wait for the interrupt before the FIFO's level is looked at anyway.
_PATIENCE_US = 50000
# Of the rate, by temperature, while the sensor was off.
_DRIFT_BETWEEN_CAPTURES = 1e-4


class Window:
    # Raw samples of the three axes, with room for the burst that completes the window.
    def __init__(self, size: int, slack: int) -> None:
        self.axes = [array("h", bytes(2 * (size + slack))) for _ in range(3)]
        self.first_sample = 0
        self.t_us = 0  # when its last sample was taken


class Sampler:
    def __init__(self, sensor, driver, ready, clock, counters) -> None:
        # sensor: the chip; driver: its module, for its facts; ready: its interrupt line.
        self._sensor = sensor
        self._driver = driver
        self._ready = ready
        self._clock = clock
        self._counters = counters
        self._info = array("i", bytes(4 * 8))
        self._temperature_raw = 0
        self._temperature_known = False
        self.capture = 0
        self.rate = RateMeter(driver.NOMINAL_RATE_HZ, driver.RATE_TOLERANCE)

    def scale_m_s2(self, full_scale_g: int) -> float:
        # One LSB.
        return self._driver.scale_m_s2(full_scale_g)

    @property
    def completes_window(self) -> bool:
        # Whether the next burst may complete a window. The window before it must be done with.
        return self._at + self._words >= self.size

    @property
    def filling(self) -> int:
        # First sample of the window that is being filled.
        return self._window * self.size

    def temperature_c(self):
        # Of the chip, or None before it was first read.
        if not self._temperature_known:
            return None
        return self._driver.temperature_c(self._temperature_raw)

    def prepare(self, size: int, watermark: int) -> None:
        # Takes all the memory of captures, so that bursts take none.
        self.size = size
        self._words = watermark
        self._image = bytearray(watermark * self._driver.WORD_BYTES)
        self._filling = Window(size, watermark)
        self._spare = Window(size, watermark)

    async def start(self, full_scale_g: int) -> None:
        self._window = 0  # number of the window being filled
        self._at = 0  # samples in it
        self._zero = 0  # timestamp of sample 0
        self._zero_known = False
        self._level = 0
        await self._sensor.configure(full_scale_g, self._words)
        self.rate = self._known_rate()
        self.capture += 1
        self._sensor.start()

    def _known_rate(self) -> RateMeter:
        # The chip knows its rate to its trim step; a capture before this one knew it better.
        driver, last = self._driver, self.rate
        if last.error < driver.TRIM_ERROR:
            return RateMeter(last.rate_hz, max(last.error, _DRIFT_BETWEEN_CAPTURES))
        trimmed_hz = driver.NOMINAL_RATE_HZ * (1 + self._sensor.frequency_error())
        return RateMeter(trimmed_hz, driver.TRIM_ERROR)

    def stop(self) -> None:
        self._sensor.stop()

    async def burst(self) -> tuple:
        # Reads one watermark of words. Returns (window it completed or None, windows lost).
        # The burst that completes a window overwrites the one before: see completes_window.
        if self._level < self._words:
            if not await self._ready.wait(self._clock.now_us() + _PATIENCE_US):
                self._level, overrun = self._sensor.fifo_level()
                if overrun:
                    self._counters.overruns += 1
                if self._level < self._words:
                    return None, 0
        self._sensor.read_fifo(self._image)
        self._level, overrun = self._sensor.fifo_level()
        if overrun:
            # Words were overwritten before or while these were read: none of them is used.
            # The timestamps of the next burst tell how large the hole is.
            self._counters.overruns += 1
            return None, 0
        return self._take()

    def _take(self) -> tuple:
        info = self._info
        x, y, z = self._filling.axes
        count = dsp.fifo_split(self._image, self._words, x, y, z, self._at, info)
        if info[_TEMPERATURES]:
            self._temperature_raw = info[_LAST_TEMPERATURE]
            self._temperature_known = True
        if info[_BAD_WORDS] or info[_HOLE]:
            return None, 0  # damaged on the bus: not used, so a hole like an overrun's
        wanted = self._window * self.size + self._at
        first = self._index_of_first(wanted)
        lost = 0
        if first != wanted:
            lost, count = self._realign(first, count)
            first = self._window * self.size
        self._at += count
        if count:
            waiting = self._level - self._level // (self._driver.TIMESTAMP_EVERY + 1)
            self.rate.mark(self._clock.now_us(), first + count + waiting)
        return (self._complete() if self._at >= self.size else None), lost

    def _index_of_first(self, wanted: int) -> int:
        # Index of the first sample just read, from the last timestamp among them.
        if not self._info[_TIMESTAMPS]:
            raise SensorError("the FIFO holds no timestamps")
        per_sample = self._driver.TICKS_PER_SAMPLE
        ticks = self._info[_LAST_TIMESTAMP] - self._info[_BEFORE_TIMESTAMP] * per_sample
        if not self._zero_known:
            self._zero = ticks - wanted * per_sample
            self._zero_known = True
        # The counter has 32 bits: compare with what is expected, modulo its range.
        ahead = (ticks - self._zero - wanted * per_sample) & 0xFFFFFFFF
        if ahead >= 0x80000000:
            ahead -= 0x100000000
        return wanted + (ahead + per_sample // 2) // per_sample

    def _realign(self, first: int, count: int) -> tuple:
        # Samples are missing before `first`, or the boundary after a hole is not reached yet.
        # Goes on with the first window that can still be whole. Returns (windows lost, samples
        # kept), the kept ones moved to its start.
        lost = max(0, -(-first // self.size) - self._window)
        self._window += lost
        skip = self._window * self.size - first
        if not lost and (self._at or skip < 0):
            raise SensorError("the sensor's timestamps run backwards")
        kept = max(0, count - skip)
        for axis in self._filling.axes:
            view = memoryview(axis)
            view[0:kept] = view[self._at + count - kept : self._at + count]
        self._at = 0
        return lost, kept

    def _complete(self) -> Window:
        done, fresh = self._filling, self._spare
        rest = self._at - self.size
        for axis in range(3):
            view = memoryview(done.axes[axis])
            memoryview(fresh.axes[axis])[0:rest] = view[self.size : self._at]
        done.first_sample = self._window * self.size
        done.t_us = self.rate.time_us(done.first_sample + self.size - 1)
        self._filling, self._spare = fresh, done
        self._window += 1
        self._at = rest
        return done
