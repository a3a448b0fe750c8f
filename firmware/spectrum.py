# Runs on: MicroPython and CPython
# Amplitude spectra of windows, averaged.

import dsp

from firmware.arrays import encode_floats, floats


class Spectrum:
    # Amplitude spectra of one axis, averaged in power.
    def __init__(self, plan, work, size: int, scale_m_s2: float) -> None:
        self._plan = plan
        self._work = work
        self._size = size
        self._scale = scale_m_s2
        self._bins = size // 2 + 1
        self._power = floats(self._bins)
        self.averages = 0
        self.first_sample = 0

    def reset(self) -> None:
        # Forgets what was not sent.
        dsp.power_mean(self._power, self._bins, max(self.averages, 1), self._work)
        self.averages = 0

    def add(self, samples, first_sample: int) -> None:
        if not self.averages:
            self.first_sample = first_sample
        dsp.spectrum(self._plan, samples, 0, self._size, self._scale, self._work, self._work)
        dsp.power_add(self._power, self._work, self._bins)
        self.averages += 1

    def record(self, rate_hz: float, encoding: str) -> dict:
        dsp.power_mean(self._power, self._bins, self.averages, self._work)
        values, extra = encode_floats(self._work, self._bins, encoding)
        extra.update(bin_hz=rate_hz / self._size, averages=self.averages, amplitude_m_s2=values)
        self.averages = 0
        return extra
