"""The envelope spectrum of the issue's acceptance: 16384 samples, band 2000-4000 Hz."""

from __future__ import annotations

import numpy as np

SAMPLES = 16384
LSB_G = 0.488e-3


def spectrum(window: np.ndarray, rate_hz: float) -> tuple[np.ndarray, np.ndarray]:
    """Return (freq_hz, amplitude) from 10 to 500 Hz: Hann on the mean-removed squared envelope."""
    freq = np.fft.fftfreq(SAMPLES, 1 / rate_hz)
    band = (freq >= 2000) & (freq <= 4000)
    one_sided = np.where(band, 2 * np.fft.fft(window - window.mean()), 0)
    squared = np.abs(np.fft.ifft(one_sided)) ** 2
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(SAMPLES) / SAMPLES)
    amplitude = np.abs(np.fft.rfft((squared - squared.mean()) * hann))
    keep = (freq[: SAMPLES // 2] >= 10) & (freq[: SAMPLES // 2] <= 500)
    return freq[: SAMPLES // 2][keep], amplitude[: SAMPLES // 2][keep]


def quantised(signal_g: np.ndarray) -> np.ndarray:
    return np.rint(signal_g / LSB_G) * LSB_G


def spectra(signal_g: np.ndarray, rate_hz: float, step: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (freq_hz, amplitudes of windows that start every `step` samples)."""
    signal_g = quantised(signal_g)
    starts = range(0, len(signal_g) - SAMPLES + 1, step)
    windows = [spectrum(signal_g[at : at + SAMPLES], rate_hz) for at in starts]
    return windows[0][0], np.array([amplitude for _, amplitude in windows])


def ratio_at(freq: np.ndarray, amplitude: np.ndarray, line_hz: float) -> float:
    """Return the largest amplitude within one bin of a line, over the median."""
    near = np.abs(freq - line_hz) <= 1.5 * (freq[1] - freq[0])
    return float(amplitude[near].max() / np.median(amplitude))


def mean(amplitudes: np.ndarray) -> np.ndarray:
    """Return the power average."""
    return np.sqrt(np.mean(amplitudes**2, axis=0))
