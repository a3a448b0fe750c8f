# Runs on: MicroPython and CPython
# Features of one window, in the time domain.

import dsp

from firmware.arrays import floats

# In the order dsp.features gives them.
_FEATURES = (
    "mean_m_s2",
    "rms_m_s2",
    "peak_m_s2",
    "crest",
    "kurtosis",
    "peak_to_peak_m_s2",
    "skewness",
)
_SATURATED = 7


class Features:
    def __init__(self, size: int) -> None:
        self._size = size
        self._out = floats(8)

    def record(self, samples, scale_m_s2: float, offset_m_s2: float) -> dict:
        # offset_m_s2: what the sensor says at rest, which only the mean holds.
        dsp.features(samples, 0, self._size, scale_m_s2, self._out)
        features = {name: self._out[at] for at, name in enumerate(_FEATURES)}
        features["mean_m_s2"] -= offset_m_s2
        if self._out[_SATURATED]:
            features["saturated"] = 1
        return features
