"""What a record must say, computed in float64 from the very LSB values the sensor delivered.

Written from the definitions in dsp.h and WIRE.md with NumPy and SciPy, and from nothing else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import signal, stats

FloatArray = npt.NDArray[np.float64]

G_M_S2 = 9.80665
G_PER_LSB_16G = 0.488e-3
SCALE_M_S2 = G_PER_LSB_16G * G_M_S2
DECIMATION = 8
HANN_ENBW = 1.5


def features(lsb: npt.NDArray[np.int16], scale_m_s2: float = SCALE_M_S2) -> dict[str, float]:
    accel = lsb.astype(np.float64) * scale_m_s2
    moving = accel - accel.mean()
    rms = float(np.sqrt(np.mean(moving**2)))
    peak = float(np.abs(moving).max())
    return {
        "mean_m_s2": float(accel.mean()),
        "rms_m_s2": rms,
        "peak_m_s2": peak,
        "crest": peak / rms,
        "kurtosis": float(stats.kurtosis(accel, fisher=False)),
        "peak_to_peak_m_s2": float(np.ptp(accel)),
        "skewness": float(stats.skew(accel)),
    }


def amplitude(accel: FloatArray) -> FloatArray:
    """Single-sided peak amplitude of a Hann-windowed block without its mean."""
    window = signal.get_window("hann", len(accel))
    spectrum = 2 * np.abs(np.fft.rfft((accel - accel.mean()) * window)) / window.sum()
    spectrum[[0, -1]] /= 2
    return np.asarray(spectrum)


def averaged_amplitude(
    lsb: npt.NDArray[np.int16], window: int, scale_m_s2: float = SCALE_M_S2
) -> FloatArray:
    blocks = lsb.reshape(-1, window).astype(np.float64) * scale_m_s2
    return np.asarray(np.sqrt(np.mean([amplitude(block) ** 2 for block in blocks], axis=0)))


def kaiser(beta: float, u: FloatArray) -> FloatArray:
    """Kaiser's window at u in -1..1."""
    return np.asarray(np.i0(beta * np.sqrt(1 - u**2)) / np.i0(beta))


@dataclass(frozen=True)
class EnvelopeFilters:
    """What dsp.h says of the streaming envelope: a band filter, squares, and a low-pass.

    Kaiser's rules give 54 dB of the band filter, whose two skirts are half as wide as the band and
    have -6 dB at its limits, and 60 dB of the low-pass.
    """

    band: npt.NDArray[np.complex128]  # whole multiples of 2^-15
    band_factor: int
    low_pass: FloatArray
    factor: int

    @classmethod
    def of(cls, rate_hz: float, low_hz: float, high_hz: float, max_hz: float) -> EnvelopeFilters:
        width_hz = high_hz - low_hz
        band_factor = int(rate_hz / (1.5 * width_hz + max_hz))
        band_hz = rate_hz / band_factor
        factor = int(band_hz / (2.5 * max_hz))
        taps = (int(3.2 * rate_hz / (0.5 * width_hz)) + 8) & ~7
        t = np.arange(taps) - (taps - 1) / 2
        prototype = np.sinc(width_hz / rate_hz * t) * kaiser(4.99, 2 * t / taps)
        turns = -0.5j * 2 * np.pi * (low_hz + high_hz) / rate_hz
        band = 2**15 * prototype / prototype.sum() * np.exp(turns * t)
        # What is not decimated again needs no low-pass.
        count = ((int(3.65 * band_hz / (band_hz / factor - 2 * max_hz)) + 7) & ~7) + 1
        count = count if factor > 1 else 1
        tap = np.arange(count) - count // 2
        low_pass = np.sinc(tap / factor) * kaiser(5.65, 2 * tap / (count + 1))
        return cls(np.rint(band) / 2**15, band_factor, low_pass / low_pass.sum(), factor)

    def span(self, points: int) -> int:
        """Samples that a spectrum of a record of `points` is made of."""
        squares = (points - 1) * self.factor + len(self.low_pass)
        return (squares - 1) * self.band_factor + len(self.band)


def envelope(
    lsb: npt.NDArray[np.int16],
    filters: EnvelopeFilters,
    bins: int,
    points: int,
    scale_m_s2: float = SCALE_M_S2,
) -> FloatArray:
    """Amplitude of the squared envelope of a band; lsb are the filters' span."""
    band = filters.band[::-1]
    half = np.convolve(lsb.astype(np.float64), band, mode="valid")[:: filters.band_factor]
    squares = np.abs(2 * half * scale_m_s2) ** 2  # twice: the analytic signal
    record = np.convolve(squares, filters.low_pass, mode="valid")[:: filters.factor]
    assert len(record) == points
    window = signal.get_window("hann", points)
    lines = 2 * np.abs(np.fft.rfft((record - record.mean()) * window)) / window.sum()
    return np.asarray(lines[:bins])


def decimation_taps() -> FloatArray:
    """The filter's taps, as they are documented (committed) in the core."""
    text = (Path(__file__).parents[2] / "c_dsp" / "decimate_taps.h").read_text()
    body = re.search(r"\{(.*?)\}", text, re.S)
    assert body is not None
    taps = np.array([int(one) for one in re.findall(r"-?\d+", body[1])], dtype=np.float64)
    return taps / taps.sum()


def velocity_mm_s(
    lsb: npt.NDArray[np.int16], rate_hz: float, values: int, low_hz: float, high_hz: float
) -> float:
    """RMS velocity of a record; lsb begins half a filter before the first decimated value."""
    taps = decimation_taps()
    filtered = np.convolve(lsb.astype(np.float64), taps, mode="valid")[::DECIMATION][:values]
    assert len(filtered) == values
    return velocity_of(filtered * SCALE_M_S2, rate_hz / DECIMATION, low_hz, high_hz)


def velocity_of(accel: FloatArray, rate_hz: float, low_hz: float, high_hz: float) -> float:
    """RMS velocity, mm/s, of a record of acceleration."""
    lines = amplitude(accel)
    freq_hz = np.arange(len(lines)) * rate_hz / len(accel)
    inside = (freq_hz >= low_hz * (1 - 1e-6)) & (freq_hz <= high_hz * (1 + 1e-6))
    speeds = lines[inside] / (2 * np.pi * freq_hz[inside])
    return float(1000 * np.sqrt(np.sum(speeds**2) / 2 / HANN_ENBW))
