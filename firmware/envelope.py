# Runs on: MicroPython and CPython
# Squared envelope spectra, in which bearing damage shows.

from array import array

import dsp

from firmware.arrays import encode_floats, floats, plan
from firmware.config import envelope_points


class Envelope:
    # Squared envelope spectra of one axis, from consecutive windows put together.
    def __init__(self, config: dict, work, scratch, plan, scale_m_s2: float) -> None:
        self._size = config["envelope_window"]
        self._bands = config["envelope_bands"]
        self._max_hz = config["envelope_max_hz"]
        self._encoding = config["envelope_encoding"]
        self._work, self._scratch, self._plan = work, scratch, plan
        self._scale = scale_m_s2
        self._samples = array("h", bytes(2 * self._size))
        self._at = 0
        self._plans: dict = {}  # by size, made when a band first needs it
        self._amplitude = floats(self._size // 4)
        self.first_sample = 0

    def reset(self) -> None:
        self._at = 0

    def add(self, samples, first_sample: int, size: int) -> bool:
        # True when there is enough for spectra().
        if not self._at:
            self.first_sample = first_sample
        memoryview(self._samples)[self._at : self._at + size] = memoryview(samples)[:size]
        self._at += size
        return self._at >= self._size

    def transform(self) -> None:
        dsp.rfft(self._plan, self._samples, 0, self._size, self._work)
        self._at = 0

    def record(self, band: list, rate_hz: float) -> dict:
        bin_hz = rate_hz / self._size
        low, high = -int(-band[0] // bin_hz), int(band[1] // bin_hz)
        points = envelope_points(high - low + 1)
        if points not in self._plans:
            self._plans[points] = plan(points)
        bins = min(int(self._max_hz // bin_hz) + 1, high - low + 1)
        dsp.envelope(
            self._plans[points],
            self._work,
            self._size,
            low,
            high,
            self._scale,
            self._scratch,
            bins,
            self._amplitude,
        )
        values, extra = encode_floats(self._amplitude, bins, self._encoding)
        extra.update(
            bin_hz=bin_hz,
            band_lo_hz=low * bin_hz,
            band_hi_hz=high * bin_hz,
            envelope_m2_s4=values,
        )
        return extra
