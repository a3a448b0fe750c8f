"""What a record must say, computed in float64 from the very LSB values the sensor delivered.

Written from the definitions in dsp.h and WIRE.md with NumPy and SciPy, and from nothing else.
"""

from __future__ import annotations

import re
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


def features(lsb: npt.NDArray[np.int16]) -> dict[str, float]:
    accel = lsb.astype(np.float64) * SCALE_M_S2
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


def averaged_amplitude(lsb: npt.NDArray[np.int16], window: int) -> FloatArray:
    blocks = lsb.reshape(-1, window).astype(np.float64) * SCALE_M_S2
    return np.asarray(np.sqrt(np.mean([amplitude(block) ** 2 for block in blocks], axis=0)))


def envelope(lsb: npt.NDArray[np.int16], low_bin: int, high_bin: int) -> FloatArray:
    """Amplitude of the squared envelope of a band, full length."""
    accel = lsb.astype(np.float64) * SCALE_M_S2
    spectrum = np.fft.fft(accel - accel.mean())
    band = np.zeros_like(spectrum)
    band[low_bin : high_bin + 1] = 2 * spectrum[low_bin : high_bin + 1]
    squared = np.abs(np.fft.ifft(band)) ** 2
    squared -= squared.mean()
    window = signal.get_window("hann", len(lsb))
    return np.asarray(2 * np.abs(np.fft.rfft(squared * window)) / window.sum())


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
    lines = amplitude(filtered * SCALE_M_S2)
    freq_hz = np.arange(len(lines)) * rate_hz / DECIMATION / values
    inside = (freq_hz >= low_hz * (1 - 1e-6)) & (freq_hz <= high_hz * (1 + 1e-6))
    speeds = lines[inside] / (2 * np.pi * freq_hz[inside])
    return float(1000 * np.sqrt(np.sum(speeds**2) / 2 / HANN_ENBW))
