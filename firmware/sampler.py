# Runs on: MicroPython and CPython
# From the sensor's FIFO to whole windows of raw samples, without a gap.
#
# Window k of a capture holds its samples k*size .. (k+1)*size-1. After an overrun a chip that puts
# time stamps into its FIFO says which sample is which, so the hole is known exactly. Of other
# chips it is estimated, from the node's clock and the measured rate, and declared as such.

from array import array

from firmware.drivers import SensorError
from firmware.rate import RateMeter

# Longest wait for the interrupt before the FIFO's level is looked at anyway.
_PATIENCE_US = 50000
_NAP_US = 2000
# A sensor that gave nothing useful for so long, or for so many bursts, has failed.
_SILENCE_US = 1000000
_SILENT_BURSTS = 8
# Of the rate, by temperature, while the sensor was off.
_DRIFT_BETWEEN_CAPTURES = 1e-4
# Samples by which a count may differ from what the clock says without being wrong: the level is
# known to one, at both ends.
_COUNT_SLACK = 4


class Window:
    # Raw samples of the three axes, with room for the burst that completes the window.
    def __init__(self, size: int, slack: int) -> None:
        self.axes = [array("h", bytes(2 * (size + slack))) for _ in range(3)]
        self.first_sample = 0
        self.t_us = 0  # when its last sample was taken


class Sampler:
    def __init__(self, sensor, calibration, ready, clock, counters) -> None:
        # sensor: the chip (drivers/__init__.py); calibration: its; ready: its interrupt line.
        self._sensor = sensor
        self.calibration = calibration
        self._ready = ready
        self._clock = clock
        self._counters = counters
        self._running = False
        self._temperature_c: float | None = None
        self.estimated = False  # whether the last hole's size is
        self.capture = 0
        self.rate = RateMeter(sensor.rate_hz, sensor.rate_error)

    @property
    def nominal_hz(self) -> float:
        return self._sensor.rate_hz

    def scale_m_s2(self, full_scale_g: int, axis: int) -> float:
        # One LSB.
        return self.calibration.scale_m_s2(axis, self._sensor.scale_m_s2(full_scale_g))

    def offset_m_s2(self, axis: int) -> float:
        # What it says at no acceleration.
        return self.calibration.offset_m_s2[axis]

    @property
    def completes_window(self) -> bool:
        # Whether the next burst may complete a window. The window before it must be done with.
        return self._at + self._entries >= self.size

    @property
    def bursts(self) -> int:
        # That make a window, at most.
        return -(-self.size // self._entries) + 1

    @property
    def filling(self) -> int:
        # First sample of the window that is being filled.
        return self._window * self.size

    async def self_test(self) -> dict:
        # While nothing is captured.
        return await self._sensor.self_test()

    def temperature_c(self):
        # Of the chip, or None before it was first read.
        if self._running:
            self._temperature_c = self._sensor.temperature_c()
        return self._temperature_c

    def prepare(self, size: int, watermark: int) -> None:
        # Takes all the memory of captures, so that bursts take none.
        self.size = size
        self._entries = watermark
        self._filling = Window(size, watermark)
        self._spare = Window(size, watermark)

    async def start(self, full_scale_g: int) -> None:
        self._window = 0  # number of the window being filled
        self._at = 0  # samples in it
        self._next = 0  # index of the next sample, if none is missing
        self._sure = True  # that none is missing
        await self._sensor.configure(full_scale_g, self._entries)
        self.rate = self._known_rate()
        burst_us = int(self._entries * 1e6 / self.rate.rate_hz)
        self._silence_us = max(_SILENCE_US, _SILENT_BURSTS * burst_us)
        self.capture += 1
        self._sensor.start()
        self._running = True
        self._silent_from_us = -1  # board time since which it gives nothing

    def _known_rate(self) -> RateMeter:
        # What the chip knows of its rate; a capture before this one may have known it better.
        rate_hz, error = self._sensor.known_rate()
        last = self.rate
        if last.error < error:
            return RateMeter(last.rate_hz, max(last.error, _DRIFT_BETWEEN_CAPTURES))
        return RateMeter(rate_hz, error)

    def stop(self) -> None:
        self._running = False
        self._sensor.stop()

    async def burst(self) -> tuple:
        # Reads one watermark of entries. Returns (window it completed or None, windows lost).
        # The burst that completes a window overwrites the one before: see completes_window.
        sensor = self._sensor
        missed = False
        if not await self._ready.wait(self._clock.now_us() + _PATIENCE_US):
            if sensor.level() < self._entries:
                self._give_up_after_silence()
                return None, 0
            missed = sensor.overrun
        x, y, z = self._filling.axes
        count = sensor.burst(x, y, z, self._at)
        if sensor.overrun or missed:
            self._counters.overruns += 1
            self._sure = False
        if not count:
            self._give_up_after_silence()
            if not sensor.overrun:
                # The line says there is something, the chip that there is not: it may have just
                # got power, and its line another polarity. Others have to do meanwhile.
                await self._clock.sleep_until(self._clock.now_us() + _NAP_US)
            return None, 0
        return self._take(count)

    def _give_up_after_silence(self) -> None:
        # Counted from the first look that found nothing: that nobody looked is not its fault.
        now_us = self._clock.now_us()
        if self._silent_from_us < 0:
            self._silent_from_us = now_us
        if now_us - self._silent_from_us > self._silence_us:
            raise SensorError(f"{self._sensor.name} gives no samples: is it still connected?")

    def _take(self, count: int) -> tuple:
        sensor = self._sensor
        first = self._index_of_first(count)
        if first < 0:
            return None, 0
        self._silent_from_us = -1
        self._next = first + count
        self.rate.mark(sensor.looked_us, self._next + sensor.waiting)
        lost = 0
        if first != self._window * self.size + self._at:
            self.estimated = sensor.first is None
            lost, count = self._realign(first, count)
        self._at += count
        return (self._complete() if self._at >= self.size else None), lost

    def _index_of_first(self, count: int) -> int:
        # Of the samples just read; -1 if there were more or fewer of them than there can be.
        sensor, sure = self._sensor, self._sure
        self._sure = True
        if sensor.first is not None:
            return sensor.first
        if not self.rate.marked:
            return self._next
        expected, error = self.rate.samples_at(sensor.looked_us)
        taken = self._next + count + sensor.waiting
        if not sure:
            self.rate.resume()
            # At least one sample is missing.
            return self._next + max(expected - taken, 1)
        if abs(taken - expected) <= _COUNT_SLACK + error:
            return self._next
        # Damaged on the bus, or an overrun that went unseen.
        self._counters.overruns += 1
        self._sure = False
        sensor.start()
        return -1

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
