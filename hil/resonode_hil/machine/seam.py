"""Join the end of a recording to its start, so that it can be repeated for ever.

The place where the end most resembles the start is found by normalised cross-correlation and the
two are cross-faded there: shaft and bearing keep their phase as far as the recording allows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from resonode_hil.machine.base import FloatArray

# Compared stretch: long enough for ten strikes of a bearing, short enough that slip has not yet
# moved them apart. The search gives up at most SEARCH_S of recording.
MATCH_S = 0.1
FADE_S = 0.02
SEARCH_S = 2.0


@dataclass(frozen=True)
class Loop:
    """A recording that can be repeated.

    Attributes:
        samples: one period.
        likeness: correlation of the two joined stretches, 1 = identical.
    """

    samples: FloatArray
    likeness: float


def make_loop(samples: FloatArray, rate_hz: float) -> Loop:
    """Return a period of `samples` whose end runs into its start."""
    match = max(min(int(MATCH_S * rate_hz), len(samples) // 8), 16)
    fade = max(min(int(FADE_S * rate_hz), match), 2)
    search = min(int(SEARCH_S * rate_hz), len(samples) // 3) + match
    likeness = _likeness(samples[-search:], samples[:match])
    best = int(np.argmax(likeness))
    end = len(samples) - search + best
    loop = samples[:end].copy()
    loop[:fade] = _cross_fade(samples[end : end + fade], samples[:fade])
    return Loop(loop, float(likeness[best]))


def _likeness(tail: FloatArray, template: FloatArray) -> FloatArray:
    """Return the correlation coefficient of `template` with every stretch of `tail`."""
    from scipy.signal import correlate

    n = len(template)
    template = template - template.mean()
    products = correlate(tail, template, mode="valid", method="fft")
    sums = np.cumsum(np.insert(tail, 0, 0.0))
    squares = np.cumsum(np.insert(tail**2, 0, 0.0))
    energy = (squares[n:] - squares[:-n]) - (sums[n:] - sums[:-n]) ** 2 / n
    scale = np.sqrt(np.maximum(energy * np.dot(template, template), 1e-300))
    return np.asarray(products / scale)


def _cross_fade(ending: FloatArray, starting: FloatArray) -> FloatArray:
    """Fade from one stretch to the other, keeping the power of the sum."""
    weight = np.arange(1, len(ending) + 1) / (len(ending) + 1)
    alike = _coefficient(ending, starting)
    power = weight**2 + (1.0 - weight) ** 2 + 2.0 * alike * weight * (1.0 - weight)
    mean = 0.5 * (ending.mean() + starting.mean())
    mixed = (ending - mean) * (1.0 - weight) + (starting - mean) * weight
    return np.asarray(mean + mixed / np.sqrt(power))


def _coefficient(a: FloatArray, b: FloatArray) -> float:
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.sqrt(np.dot(a, a) * np.dot(b, b)))
    return max(float(np.dot(a, b)) / scale, 0.0) if scale > 0.0 else 0.0
