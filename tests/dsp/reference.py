"""The definitions of c_dsp/dsp.h in float64 NumPy: what the core is judged by."""

from __future__ import annotations

import numpy as np

SIZES = tuple(256 << i for i in range(7))  # 256..16384
SCALE = float(np.float32(0.488e-3 * 9.80665))  # m/s² per LSB at +-16 g, as the core receives it
ONE_G_LSB = 2049  # gravity at that scale
RATE_HZ = 26_667.0
DECIMATED_HZ = RATE_HZ / 8

EPS = 2.0**-24  # half a unit in the last place of float32, relative: one rounding


def hann(n: int) -> np.ndarray:
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n)


def amplitude(x: np.ndarray) -> np.ndarray:
    """Single-sided Hann amplitude of x without its mean; factor 1 at DC and Nyquist."""
    n = len(x)
    amp = np.abs(np.fft.rfft((x - x.mean()) * hann(n))) * 2 / hann(n).sum()
    amp[[0, -1]] /= 2
    return amp


def envelope(x: np.ndarray, k_lo: int, k_hi: int) -> np.ndarray:
    """Full-length squared envelope spectrum, factor 2 at every bin."""
    n = len(x)
    band = np.zeros(n, complex)
    band[k_lo : k_hi + 1] = 2 * np.fft.fft(x - x.mean())[k_lo : k_hi + 1]
    e = np.abs(np.fft.ifft(band)) ** 2
    e -= e.mean()
    return np.abs(np.fft.rfft(e * hann(n))) * 2 / hann(n).sum()


def velocity(x: np.ndarray, rate_hz: float, f_lo_hz: float, f_hi_hz: float) -> float:
    """mm/s RMS of acceleration in m/s²."""
    n = len(x)
    f_hz = np.arange(n // 2 + 1) * rate_hz / n
    inside = (f_hz >= f_lo_hz) & (f_hz <= f_hi_hz)
    speed = amplitude(x)[inside] / (2 * np.pi * f_hz[inside])
    return float(1000 * np.sqrt(np.sum(speed**2) / 2 / 1.5))


def noise(n: int, seed: int, sigma_lsb: float = 300.0, offset_lsb: float = ONE_G_LSB) -> np.ndarray:
    """Samples as a sensor gives them: noise with 1 g on the axis."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(n) * sigma_lsb + offset_lsb
    return np.clip(np.round(x), -32768, 32767).astype(np.int16)


def sine(n: int, bins: float, peak_lsb: float, phase: float = 0.3) -> np.ndarray:
    return peak_lsb * np.cos(2 * np.pi * bins * np.arange(n) / n + phase)
