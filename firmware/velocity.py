# Runs on: MicroPython and CPython
# RMS velocity, the measure of vibration severity.

from array import array

import dsp

# A slower sensor's samples are not decimated: the filter would leave less than the usual band.
_DECIMATED_FROM_HZ = 20000


def factor(nominal_hz: float) -> int:
    # By which the samples of a sensor are decimated.
    return dsp.DECIMATE_FACTOR if nominal_hz >= _DECIMATED_FROM_HZ else 1


class Velocity:
    # RMS velocity of one axis: decimated as it comes, integrated when there is enough.
    def __init__(self, config: dict, work, plan, scale_m_s2: float, nominal_hz: float) -> None:
        self._size = config["velocity_window"]
        self._factor = factor(nominal_hz)
        self._low_hz, self._high_hz = config["velocity_lo_hz"], config["velocity_hi_hz"]
        self._work, self._plan = work, plan
        self._scale = scale_m_s2
        self._state = bytearray(dsp.decimate_bytes())
        self._decimated = array("i", bytes(4 * _room(config, self._factor)))
        self.reset()

    def reset(self) -> None:
        dsp.decimate_reset(self._state)
        self._at = 0
        self._settling = True
        self.first_sample = 0

    def add(self, samples, first_sample: int, size: int) -> None:
        if self._factor == 1:
            dsp.widen(samples, 0, size, self._decimated, self._at)
            if self._settling:
                self.first_sample = first_sample
                self._settling = False
            self._at += size
        else:
            self._at += self._decimate(samples, first_sample, size)

    def _decimate(self, samples, first_sample: int, size: int) -> int:
        got = dsp.decimate(self._state, samples, 0, size, self._decimated, self._at)
        if self._settling:
            # The filter's first outputs still see the zeros before the first sample.
            skip = dsp.DECIMATE_SETTLE
            view = memoryview(self._decimated)
            view[0 : got - skip] = view[skip:got]
            got -= skip
            # Value i is centred on raw sample first_sample + 8 i: the filter is symmetric.
            ended = (skip + 1) * dsp.DECIMATE_FACTOR - 1
            self.first_sample = first_sample + ended - dsp.DECIMATE_TAPS // 2
            self._settling = False
        return got

    @property
    def is_full(self) -> bool:
        return self._at >= self._size

    @property
    def points(self) -> int:
        return self._size

    @property
    def spectrum(self):
        # Of the record just made: half-complex, no window. Whoever computes next overwrites it.
        return self._work

    def rate_hz(self, rate_hz: float) -> float:
        # After decimation.
        return rate_hz / self._factor

    @property
    def span(self) -> int:
        # Raw samples one value stands for.
        return self._size * self._factor

    def record(self, rate_hz: float) -> dict:
        value = dsp.velocity(
            self._plan,
            self._decimated,
            self._size,
            self._scale,
            self.rate_hz(rate_hz),
            self._low_hz,
            self._high_hz,
            self._work,
        )
        rest = self._at - self._size
        view = memoryview(self._decimated)
        view[0:rest] = view[self._size : self._at]
        self._at = rest
        return {
            "velocity_mm_s": value,
            "band_lo_hz": self._low_hz,
            "band_hi_hz": self._high_hz,
        }

    def advance(self) -> None:
        self.first_sample += self.span


def _room(config: dict, factor: int) -> int:
    # A window may bring more values than are still missing.
    return config["velocity_window"] + config["window"] // factor + 1


def state_bytes(config: dict, nominal_hz: float) -> int:
    return dsp.decimate_bytes() + 4 * _room(config, factor(nominal_hz))
