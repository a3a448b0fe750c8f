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
    def __init__(self, size: int, scale_m_s2: float) -> None:
        self._size = size
        self._scale = scale_m_s2
        self._out = floats(8)

    def record(self, samples) -> dict:
        dsp.features(samples, 0, self._size, self._scale, self._out)
        features = {name: self._out[at] for at, name in enumerate(_FEATURES)}
        if self._out[_SATURATED]:
            features["saturated"] = 1
        return features
