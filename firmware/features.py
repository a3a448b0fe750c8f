# Runs on: MicroPython and CPython
# Features of one window of one axis, in the time domain.

import dsp

from firmware.arrays import floats

# As dsp.features gives them: from the mean to the skewness in the order of their keys.
_MEAN, _RMS, _SATURATED = 0, 1, 7


class Features:
    def __init__(self, size: int, scale_m_s2: float, offset_m_s2: float) -> None:
        # offset_m_s2: what the sensor says at rest, which only the mean holds.
        self._size = size
        self._scale_m_s2 = scale_m_s2
        self._offset_m_s2 = offset_m_s2
        self._out = floats(8)
        self._run = memoryview(self._out)[:_SATURATED]

    def take(self, samples) -> None:
        dsp.features(samples, 0, self._size, self._scale_m_s2, self._out)
        self._out[_MEAN] -= self._offset_m_s2

    @property
    def rms_m_s2(self) -> float:
        return self._out[_RMS]

    def put(self, fields: dict) -> None:
        # Adds those of the window that was taken, good until the next one is.
        fields["mean_m_s2"] = self._run
        if self._out[_SATURATED]:
            fields["saturated"] = 1
